rule known_plate_codes:
    input:
        **weights("generator", "mapping"),
    output:
        codes=f"{RESULTS}/codes/known-plate.npz",
    params:
        settings=section("study", "known_plate", "seed", "truncation"),
        code=code_of("known_plate_codes"),
    log:
        "logs/known_plate_codes.log",
    benchmark:
        "logs/known_plate_codes.tsv"
    conda:
        "../envs/study.yaml"
    threads: 2
    resources:
        mem_mb=3000,
    script:
        "../scripts/known_plate_codes.py"


rule known_plate:
    input:
        **weights("generator", "parser"),
        codes=rules.known_plate_codes.output.codes,
    output:
        index=f"{RESULTS}/portraits/known-plate.shard~{{shard}}.json",
    params:
        photos=known_plate_shard,
        settings=section("study", "seed"),
        code=code_of("known_plate"),
    log:
        "logs/known_plate.shard~{shard}.log",
    benchmark:
        "logs/known_plate.shard~{shard}.tsv"
    conda:
        "../envs/study.yaml"
    resources:
        mem_mb=3000,
    script:
        "../scripts/known_plate.py"


rule align:
    input:
        photos=photo_sources,
    output:
        index=f"{RESULTS}/portraits/photos.shard~{{shard}}.json",
    params:
        photos=photo_names,
        code=code_of("align"),
    log:
        "logs/align.shard~{shard}.log",
    benchmark:
        "logs/align.shard~{shard}.tsv"
    conda:
        "../envs/study.yaml"
    resources:
        mem_mb=1500,
    script:
        "../scripts/align.py"


rule truth:
    input:
        **weights("generator", "parser", "directions"),
        codes=rules.known_plate_codes.output.codes,
        portraits=rules.known_plate.output.index,
    output:
        index=f"{RESULTS}/truth/attribute~{{attribute}}/degree~{{degree}}/shard~{{shard}}.json",
    params:
        settings=section("images"),
        code=code_of("truth"),
    log:
        "logs/truth.attribute~{attribute}.degree~{degree}.shard~{shard}.log",
    benchmark:
        "logs/truth.attribute~{attribute}.degree~{degree}.shard~{shard}.tsv"
    conda:
        "../envs/study.yaml"
    resources:
        mem_mb=3000,
    script:
        "../scripts/truth.py"
