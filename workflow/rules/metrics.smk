rule measure:
    input:
        unpack(cleaned),
        portraits=portraits,
        originals=f"{RESULTS}/mattes/original~photo/shard~{{shard}}.json",
        edits=rules.edit.output.index,
        mattes=rules.parse_edit.output.index,
        ripples=f"{RESULTS}/ripples/{BAND}/attribute~{{attribute}}/degree~{{degree}}/shard~{{shard}}.json",
        truths=truths,
    output:
        rows=f"{TABLES}/rows/attribute~{{attribute}}.degree~{{degree}}.shard~{{shard}}.csv",
    params:
        methods=study.methods,
        settings=section("images"),
        code=code_of("measure"),
    log:
        "logs/measure.attribute~{attribute}.degree~{degree}.shard~{shard}.log",
    benchmark:
        "logs/measure.attribute~{attribute}.degree~{degree}.shard~{shard}.tsv"
    conda:
        "../envs/study.yaml"
    resources:
        mem_mb=2500,
    script:
        "../scripts/measure.py"


rule tabulate:
    input:
        rows=per_degree(f"{TABLES}/rows/attribute~{ATTRIBUTE}.degree~{{degree}}.shard~{{shard}}.csv"),
        indexes=every_index,
    output:
        metrics=report(f"{TABLES}/metrics.csv", caption="../report/metrics.rst", category="Table"),
        summary=report(f"{TABLES}/summary.csv", caption="../report/summary.rst", category="Table"),
        quarantine=report(f"{TABLES}/quarantine.csv", caption="../report/quarantine.rst", category="Table"),
        json=f"{TABLES}/metrics.json",
        text=f"{TABLES}/summary.txt",
    params:
        methods=study.methods,
        settings=section("metrics"),
        code=code_of("tabulate"),
    log:
        "logs/tabulate.log",
    benchmark:
        "logs/tabulate.tsv"
    conda:
        "../envs/study.yaml"
    resources:
        mem_mb=1500,
    script:
        "../scripts/tabulate.py"
