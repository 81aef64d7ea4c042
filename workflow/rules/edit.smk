rule edit:
    input:
        **weights("generator", "consultation", "directions"),
        inversions=rules.invert.output.index,
    output:
        index=f"{RESULTS}/edits/attribute~{{attribute}}/degree~{{degree}}/shard~{{shard}}.json",
    params:
        settings=section("images"),
        code=code_of("edit"),
    log:
        "logs/edit.attribute~{attribute}.degree~{degree}.shard~{shard}.log",
    benchmark:
        "logs/edit.attribute~{attribute}.degree~{degree}.shard~{shard}.tsv"
    conda:
        "../envs/study.yaml"
    resources:
        mem_mb=3000,
    script:
        "../scripts/edit.py"
