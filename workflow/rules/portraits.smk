rule known_plate_codes:
    input:
        **weights("generator", "mapping", "directions"),
    output:
        codes=f"{RESULTS}/codes/known-plate.npz",
        record=f"{RESULTS}/codes/known-plate.record.json",
    params:
        settings=section("study", "known_plate", "seed", "truncation"),
        code=code_of("known_plate_codes"),
    log:
        logs(f"{RESULTS}/codes/known-plate.npz"),
    benchmark:
        logs(f"{RESULTS}/codes/known-plate.npz", "tsv")
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
        settings=section("study", "plates", "seed", "shards"),
        code=code_of("known_plate"),
    log:
        logs(f"{RESULTS}/portraits/known-plate.shard~{{shard}}.json"),
    benchmark:
        logs(f"{RESULTS}/portraits/known-plate.shard~{{shard}}.json", "tsv")
    conda:
        "../envs/study.yaml"
    resources:
        photos=known_plates_in,
        mem_mb=memory(3000, 5000),
    script:
        "../scripts/known_plate.py"


rule align:
    input:
        photos=photo_sources,
    output:
        index=f"{RESULTS}/portraits/photos.shard~{{shard}}.json",
    params:
        photos=photo_names,
        settings=section("study", "aligned", "photos", "shards"),
        code=code_of("align"),
    log:
        logs(f"{RESULTS}/portraits/photos.shard~{{shard}}.json"),
    benchmark:
        logs(f"{RESULTS}/portraits/photos.shard~{{shard}}.json", "tsv")
    conda:
        "../envs/study.yaml"
    resources:
        photos=real_photos_in,
        mem_mb=1500,
    script:
        "../scripts/align.py"


rule truth:
    input:
        **weights("generator", "parser"),
        directions=directions,
        codes=rules.known_plate_codes.output.codes,
        portraits=rules.known_plate.output.index,
    output:
        index=TRUTHS,
    params:
        code=code_of("truth"),
    log:
        logs(TRUTHS),
    benchmark:
        logs(TRUTHS, "tsv")
    conda:
        "../envs/study.yaml"
    resources:
        photos=known_plates_in,
        mem_mb=memory(3000, 5000),
    script:
        "../scripts/truth.py"
