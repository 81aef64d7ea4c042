rule measure:
    input:
        unpack(cleaned),
        portraits=portraits,
        originals=rules.parse_photo.output.index,
        edits=rules.edit.output.index,
        mattes=rules.parse_edit.output.index,
        ripples=RIPPLES,
        truths=truths,
        inception=inception,
    output:
        rows=ROWS,
        features=FEATURES,
        record=RECORDS,
    params:
        methods=study.methods,
        external=sorted(study.external),
        code=code_of("measure"),
    log:
        logs(ROWS),
    benchmark:
        logs(ROWS, "tsv")
    conda:
        "../envs/study.yaml"
    resources:
        photos=photos_in,
        mem_mb=2500,
    script:
        "../scripts/measure.py"


rule tabulate:
    input:
        rows=lambda wildcards: per_degree(ROWS, wildcards),
        features=lambda wildcards: per_degree(FEATURES, wildcards),
        records=lambda wildcards: per_degree(RECORDS, wildcards),
        indexes=every_index,
    output:
        metrics=report(f"{TABLES}/metrics.csv", caption="../report/metrics.rst", category="Table"),
        summary=report(f"{TABLES}/summary.csv", caption="../report/summary.rst", category="Table"),
        real=report(f"{TABLES}/photos.csv", caption="../report/photos.rst", category="Table"),
        quarantine=report(f"{TABLES}/quarantine.csv", caption="../report/quarantine.rst", category="Table"),
        sets=report(f"{TABLES}/sets.csv", caption="../report/sets.rst", category="Table"),
        json=f"{TABLES}/metrics.json",
        text=f"{TABLES}/summary.txt",
        record=f"{TABLES}/record.json",
    params:
        methods=study.methods,
        external=sorted(study.external),
        settings=section("metrics", "bootstrap", "seed"),
        degrees=lambda wildcards: DEGREES[wildcards.degrees],  # for its record: the path may have their checksum alone
        photos=found_files(),
        code=code_of("tabulate"),
    log:
        logs(f"{TABLES}/record.json"),
    benchmark:
        logs(f"{TABLES}/record.json", "tsv")
    conda:
        "../envs/study.yaml"
    resources:
        mem_mb=1500,
    script:
        "../scripts/tabulate.py"
