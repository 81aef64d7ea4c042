rule ripple_inpaint:
    input:
        edits=rules.edit.output.index,
        mattes=rules.parse_edit.output.index,
        ripples=RIPPLES,
        fills=rules.fill.output.index,
    output:
        index=CLEANED["ripple_inpaint"],
    params:
        code=code_of("ripple_inpaint"),
    log:
        logs(CLEANED["ripple_inpaint"]),
    benchmark:
        logs(CLEANED["ripple_inpaint"], "tsv")
    conda:
        "../envs/study.yaml"
    resources:
        photos=photos_in,
        mem_mb=1500,
    script:
        "../scripts/ripple_inpaint.py"


rule split_composite:
    input:
        edits=rules.edit.output.index,
        mattes=rules.parse_edit.output.index,
        plates=rules.plate.output.index,
    output:
        index=CLEANED["split_composite"],
    params:
        code=code_of("split_composite"),
    log:
        logs(CLEANED["split_composite"]),
    benchmark:
        logs(CLEANED["split_composite"], "tsv")
    conda:
        "../envs/study.yaml"
    resources:
        photos=photos_in,
        mem_mb=1500,
    script:
        "../scripts/split_composite.py"


rule bitwise_or:
    input:
        edits=rules.edit.output.index,
        mattes=rules.parse_edit.output.index,
        inversions=rules.invert.output.index,
        originals=originals,
    output:
        index=CLEANED["bitwise_or"],
    params:
        code=code_of("bitwise_or"),
    log:
        logs(CLEANED["bitwise_or"]),
    benchmark:
        logs(CLEANED["bitwise_or"], "tsv")
    conda:
        "../envs/study.yaml"
    resources:
        photos=photos_in,
        mem_mb=1500,
    script:
        "../scripts/bitwise_or.py"
