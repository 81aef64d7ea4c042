rule edit:
    input:
        **weights("generator", "consultation"),
        directions=directions,
        inversions=rules.invert.output.index,
    output:
        index=EDITS,
    params:
        code=code_of("edit"),
    log:
        logs(EDITS),
    benchmark:
        logs(EDITS, "tsv")
    conda:
        "../envs/study.yaml"
    resources:
        photos=photos_in,
        mem_mb=3000,
    script:
        "../scripts/edit.py"
