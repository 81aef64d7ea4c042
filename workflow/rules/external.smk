# Edits that another system made of the study's portraits: docs/benchmark.md.


rule external:
    input:
        portraits=portraits,
        pictures=external_files,
    output:
        index=EXTERNAL,
    params:
        photos=external_photos,
        code=code_of("external"),
    log:
        logs(EXTERNAL),
    benchmark:
        logs(EXTERNAL, "tsv")
    conda:
        "../envs/study.yaml"
    resources:
        photos=photos_in,
        mem_mb=1500,
    script:
        "../scripts/external.py"
