# How near the inversions come to the photos, as a table of its own.


rule measure_inversion:
    input:
        portraits=portraits,
        inversions=rules.invert.output.index,
        alexnet=alexnet,
    output:
        rows=INVERSION_ROWS,
        record=INVERSION_ROWS.replace(".csv", ".record.json"),
    params:
        code=code_of("measure_inversion"),
    log:
        logs(INVERSION_ROWS),
    benchmark:
        logs(INVERSION_ROWS, "tsv")
    conda:
        "../envs/study.yaml"
    resources:
        photos=photos_in,
        mem_mb=2500,
    script:
        "../scripts/measure_inversion.py"


# As dear as the inversions themselves, twice for each degree: only with metrics.consistency.
rule measure_consistency:
    input:
        **weights("generator", "mapping", "parser"),
        encoder=encoder,
        refinement=refinement,
        directions=directions,
        portraits=portraits,
        inversions=rules.invert.output.index,
        edits=rules.edit.output.index,
    output:
        rows=CONSISTENCY_ROWS,
        record=CONSISTENCY_ROWS.replace(".csv", ".record.json"),
    params:
        code=code_of("measure_consistency"),
    log:
        logs(CONSISTENCY_ROWS),
    benchmark:
        logs(CONSISTENCY_ROWS, "tsv")
    conda:
        "../envs/study.yaml"
    threads: 2
    resources:
        photos=photos_in,
        mem_mb=5000,
    script:
        "../scripts/measure_consistency.py"


rule tabulate_inversion:
    input:
        rows=lambda wildcards: expand(INVERSION_ROWS, **wildcards, shard=SHARDS),
        consistency=consistencies,
    output:
        table=report(f"{INVERSION_TABLE}/inversion.csv", caption="../report/inversion.rst", category="Table"),
        text=f"{INVERSION_TABLE}/inversion.txt",
        record=f"{INVERSION_TABLE}/record.json",
    params:
        settings=section("metrics", "bootstrap", "consistency", "seed"),
        code=code_of("tabulate_inversion"),
    log:
        logs(f"{INVERSION_TABLE}/record.json"),
    benchmark:
        logs(f"{INVERSION_TABLE}/record.json", "tsv")
    conda:
        "../envs/study.yaml"
    resources:
        mem_mb=1500,
    script:
        "../scripts/tabulate_inversion.py"
