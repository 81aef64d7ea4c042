rule invert:
    input:
        **weights("generator", "mapping", "parser", "consultation"),
        encoder=encoder,
        refinement=refinement,
        portraits=portraits,
    output:
        index=INVERSIONS,
    params:
        code=code_of("invert"),
    log:
        logs(INVERSIONS),
    benchmark:
        logs(INVERSIONS, "tsv")
    conda:
        "../envs/study.yaml"
    threads: 2
    resources:
        photos=photos_in,
        mem_mb=5000,
    script:
        "../scripts/invert.py"
