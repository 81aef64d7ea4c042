rule parse_original:
    input:
        **weights("parser"),
        pictures=originals,
    output:
        index=f"{RESULTS}/mattes/original~{{original}}/shard~{{shard}}.json",
    params:
        settings=section("images"),
        code=code_of("parse_original"),
    log:
        "logs/parse.original~{original}.shard~{shard}.log",
    benchmark:
        "logs/parse.original~{original}.shard~{shard}.tsv"
    conda:
        "../envs/study.yaml"
    resources:
        mem_mb=2000,
    script:
        "../scripts/parse_original.py"


rule parse_edit:
    input:
        **weights("parser"),
        edits=rules.edit.output.index,
    output:
        index=f"{RESULTS}/mattes/attribute~{{attribute}}/degree~{{degree}}/shard~{{shard}}.json",
    params:
        code=code_of("parse_edit"),
    log:
        "logs/parse.attribute~{attribute}.degree~{degree}.shard~{shard}.log",
    benchmark:
        "logs/parse.attribute~{attribute}.degree~{degree}.shard~{shard}.tsv"
    conda:
        "../envs/study.yaml"
    resources:
        mem_mb=2000,
    script:
        "../scripts/parse_edit.py"
