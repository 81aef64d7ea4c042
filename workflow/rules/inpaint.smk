rule fill:
    input:
        edits=rules.edit.output.index,
        mattes=rules.parse_edit.output.index,
        ripples=rules.ripple.output.index,
        weights=inpainter_weights,
    output:
        index=f"{RESULTS}/fills/original~{{original}}/operation~{{operation}}/dilate~{{dilate}}/inpaint~{{inpaint}}/{EDITED}",
    params:
        code=code_of("fill"),
    log:
        "logs/fill.original~{original}.operation~{operation}.dilate~{dilate}.inpaint~{inpaint}"
        ".attribute~{attribute}.degree~{degree}.shard~{shard}.log",
    benchmark:
        "logs/fill.original~{original}.operation~{operation}.dilate~{dilate}.inpaint~{inpaint}"
        ".attribute~{attribute}.degree~{degree}.shard~{shard}.tsv"
    conda:
        "../envs/study.yaml"
    resources:
        mem_mb=2500,
    script:
        "../scripts/fill.py"


rule plate:
    input:
        portraits=portraits,
        mattes=f"{RESULTS}/mattes/original~photo/shard~{{shard}}.json",
        weights=inpainter_weights,
    output:
        index=f"{RESULTS}/plates/dilate~{{dilate}}/inpaint~{{inpaint}}/shard~{{shard}}.json",
    params:
        settings=section("parse") | section("images"),
        code=code_of("plate"),
    log:
        "logs/plate.dilate~{dilate}.inpaint~{inpaint}.shard~{shard}.log",
    benchmark:
        "logs/plate.dilate~{dilate}.inpaint~{inpaint}.shard~{shard}.tsv"
    conda:
        "../envs/study.yaml"
    resources:
        mem_mb=2500,
    script:
        "../scripts/plate.py"
