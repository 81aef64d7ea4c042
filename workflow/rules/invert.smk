rule invert:
    input:
        **weights("generator", "encoder", "parser", "consultation"),
        portraits=portraits,
    output:
        index=f"{RESULTS}/inversions/shard~{{shard}}.json",
    params:
        settings=section("images") | section("invert"),
        code=code_of("invert"),
    log:
        "logs/invert.shard~{shard}.log",
    benchmark:
        "logs/invert.shard~{shard}.tsv"
    conda:
        "../envs/study.yaml"
    threads: 2
    resources:
        mem_mb=4000,
    script:
        "../scripts/invert.py"
