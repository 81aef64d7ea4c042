rule ripple_inpaint:
    input:
        edits=rules.edit.output.index,
        mattes=rules.parse_edit.output.index,
        ripples=rules.ripple.output.index,
        fills=rules.fill.output.index,
    output:
        index=f"{RESULTS}/cleaned/method~ripple_inpaint/original~{{original}}/operation~{{operation}}/dilate~{{dilate}}/"
        f"inpaint~{{inpaint}}/feather~{{feather}}/{EDITED}",
    params:
        code=code_of("ripple_inpaint"),
    log:
        "logs/ripple_inpaint.original~{original}.operation~{operation}.dilate~{dilate}.inpaint~{inpaint}"
        ".feather~{feather}.attribute~{attribute}.degree~{degree}.shard~{shard}.log",
    benchmark:
        "logs/ripple_inpaint.original~{original}.operation~{operation}.dilate~{dilate}.inpaint~{inpaint}"
        ".feather~{feather}.attribute~{attribute}.degree~{degree}.shard~{shard}.tsv"
    conda:
        "../envs/study.yaml"
    resources:
        mem_mb=1500,
    script:
        "../scripts/ripple_inpaint.py"


rule split_composite:
    input:
        edits=rules.edit.output.index,
        mattes=rules.parse_edit.output.index,
        plates=rules.plate.output.index,
    output:
        index=f"{RESULTS}/cleaned/method~split_composite/dilate~{{dilate}}/inpaint~{{inpaint}}/{EDITED}",
    params:
        code=code_of("split_composite"),
    log:
        "logs/split_composite.dilate~{dilate}.inpaint~{inpaint}"
        ".attribute~{attribute}.degree~{degree}.shard~{shard}.log",
    benchmark:
        "logs/split_composite.dilate~{dilate}.inpaint~{inpaint}"
        ".attribute~{attribute}.degree~{degree}.shard~{shard}.tsv"
    conda:
        "../envs/study.yaml"
    resources:
        mem_mb=1500,
    script:
        "../scripts/split_composite.py"


rule bitwise_or:
    input:
        edits=rules.edit.output.index,
        mattes=rules.parse_edit.output.index,
        inversions=rules.invert.output.index,
        originals=rules.parse_original.output.index,
    output:
        index=f"{RESULTS}/cleaned/method~bitwise_or/original~{{original}}/{EDITED}",
    params:
        settings=section("parse"),
        code=code_of("bitwise_or"),
    log:
        "logs/bitwise_or.original~{original}.attribute~{attribute}.degree~{degree}.shard~{shard}.log",
    benchmark:
        "logs/bitwise_or.original~{original}.attribute~{attribute}.degree~{degree}.shard~{shard}.tsv"
    conda:
        "../envs/study.yaml"
    resources:
        mem_mb=1500,
    script:
        "../scripts/bitwise_or.py"
