rule ripple:
    input:
        original=originals,
        edited=rules.parse_edit.output.index,
    output:
        index=RIPPLES,
    params:
        code=code_of("ripple"),
    log:
        logs(RIPPLES),
    benchmark:
        logs(RIPPLES, "tsv")
    conda:
        "../envs/study.yaml"
    resources:
        photos=photos_in,
        mem_mb=1500,
    script:
        "../scripts/ripple.py"
