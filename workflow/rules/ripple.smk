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
    wildcard_constraints:
        operation="and_not|xor|or",
    conda:
        "../envs/study.yaml"
    resources:
        photos=photos_in,
        mem_mb=1500,
    script:
        "../scripts/ripple.py"


rule learned_ripple:
    input:
        **weights("ripple_finder"),
        portraits=portraits,
        inversions=rules.invert.output.index,
        edits=rules.edit.output.index,
    output:
        index=RIPPLES,
    params:
        code=code_of("learned_ripple"),
    log:
        logs(RIPPLES),
    benchmark:
        logs(RIPPLES, "tsv")
    wildcard_constraints:
        operation="learned",
    conda:
        "../envs/study.yaml"
    resources:
        photos=photos_in,
        mem_mb=2000,
    script:
        "../scripts/learned_ripple.py"
