rule report:
    input:
        unpack(families),
        templates=expand(
            "src/unripple/report/templates/{file}",
            file=["index.html.j2", "side_tables.html.j2", "page.css", "page.js"],
        ),
        metrics=rules.tabulate.output.metrics,
        summary=rules.tabulate.output.summary,
        sets=rules.tabulate.output.sets,
        quarantine=rules.tabulate.output.quarantine,
        real=rules.tabulate.output.real,
        inverted=rules.tabulate_inversion.output.table,
    output:
        page=report(f"{REPORT}/index.html", caption="../report/page.rst", category="Pictures"),
        overview=report(f"{REPORT}/overview.png", caption="../report/overview.rst", category="Pictures"),
        index=f"{REPORT}/strips/index.json",
        record=f"{REPORT}/record.json",
    params:
        settings=study.model_dump(exclude={"metrics": {"rank"}}),
        own=own.own_names(study),
        code=code_of("report"),
    log:
        logs(f"{REPORT}/strips/index.json"),
    benchmark:
        logs(f"{REPORT}/strips/index.json", "tsv")
    conda:
        "../envs/study.yaml"
    resources:
        mem_mb=2500,
    script:
        "../scripts/report.py"


rule latest:
    input:
        unpack(families_of_study),
        text=rules.tabulate.output.text.format(**spelled(study)),
        table=rules.tabulate.output.summary.format(**spelled(study)),
        metrics=rules.tabulate.output.json.format(**spelled(study)),
        page=rules.report.output.page.format(**spelled(study)),
        overview=rules.report.output.overview.format(**spelled(study)),
        quarantine=rules.tabulate.output.quarantine.format(**spelled(study)),
        real=rules.tabulate.output.real.format(**spelled(study)),
        inversion=rules.tabulate_inversion.output.table.format(**spelled(study)),
        inversion_text=rules.tabulate_inversion.output.text.format(**spelled(study)),
    output:
        **LATEST,
        record="results/record.json",
    params:
        study=f"{study.study.name} (models: {study.models})",
        attribute=study.edit.spelled_attribute(),
        edited=[method for method in METHODS if method not in CLEANED],
        cleaned=[method for method in METHODS if method in CLEANED],
        code=code_of("latest"),
    log:
        "logs/latest.log",
    benchmark:
        "logs/latest.tsv"
    conda:
        "../envs/study.yaml"
    script:
        "../scripts/latest.py"
