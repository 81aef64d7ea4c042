rule motion:
    input:
        inversions=rules.invert.output.index,
        edits=rules.edit.output.index,
    output:
        index=MOTIONS,
    params:
        code=code_of("motion"),
    log:
        logs(MOTIONS),
    benchmark:
        logs(MOTIONS, "tsv")
    conda:
        "../envs/study.yaml"
    resources:
        photos=photos_in,
        mem_mb=1500,
    script:
        "../scripts/motion.py"


rule layered_edit:
    input:
        **weights("generator", "consultation", "parser"),
        directions=directions,
        inversions=rules.invert.output.index,
        mattes=MATTES_OF["photo"],
        baselines=rules.parse_edit.output.index,
        motions=rules.motion.output.index,
    output:
        index=LAYERED,
    params:
        code=code_of("layered_edit"),
    log:
        logs(LAYERED),
    benchmark:
        logs(LAYERED, "tsv")
    conda:
        "../envs/study.yaml"
    resources:
        photos=photos_in,
        mem_mb=memory(3000, 5000),
    script:
        "../scripts/layered_edit.py"


rule layered_plate:
    input:
        portraits=portraits,
        mattes=MATTES_OF["photo"],
        edits=rules.layered_edit.output.index,
        weights=inpainter_weights,
    output:
        index=LAYERED_PLATES,
    params:
        code=code_of("layered_plate"),
    log:
        logs(LAYERED_PLATES),
    benchmark:
        logs(LAYERED_PLATES, "tsv")
    conda:
        "../envs/study.yaml"
    resources:
        photos=photos_in,
        mem_mb=memory(2500, 3500),
    script:
        "../scripts/layered_plate.py"


rule layered:
    input:
        edits=rules.layered_edit.output.index,
        plates=rules.layered_plate.output.index,
    output:
        index=CLEANED["layered"],
    params:
        code=code_of("layered_composite"),
    log:
        logs(CLEANED["layered"]),
    benchmark:
        logs(CLEANED["layered"], "tsv")
    conda:
        "../envs/study.yaml"
    resources:
        photos=photos_in,
        mem_mb=1500,
    script:
        "../scripts/layered_composite.py"


rule unripple:
    input:
        portraits=portraits,
        inversions=rules.invert.output.index,
        mattes=MATTES_OF["photo"],
        motions=rules.motion.output.index,
        edits=rules.layered_edit.output.index,
        plates=rules.layered_plate.output.index,
    output:
        index=CLEANED["unripple"],
    params:
        code=code_of("unripple_composite"),
    log:
        logs(CLEANED["unripple"]),
    benchmark:
        logs(CLEANED["unripple"], "tsv")
    conda:
        "../envs/study.yaml"
    resources:
        photos=photos_in,
        mem_mb=1500,
    script:
        "../scripts/unripple_composite.py"


rule fuse_regions:
    input:
        **weights("generator", "consultation"),
        directions=directions,
        inversions=rules.invert.output.index,
        mattes=MATTES_OF["photo"],
        motions=rules.motion.output.index,
        edits=rules.layered_edit.output.index,
    output:
        index=FUSIONS,
    params:
        code=code_of("fuse_regions"),
    log:
        logs(FUSIONS),
    benchmark:
        logs(FUSIONS, "tsv")
    conda:
        "../envs/study.yaml"
    resources:
        photos=photos_in,
        mem_mb=memory(3000, 5000),
    script:
        "../scripts/fuse_regions.py"
