rule ada_pose:
    input:
        **weights("generator", "consultation", "ada_pose"),
        directions=directions,
        inversions=rules.invert.output.index,
    output:
        index=CLEANED["ada_pose"],
    params:
        code=code_of("aligned_edit"),
    log:
        logs(CLEANED["ada_pose"]),
    benchmark:
        logs(CLEANED["ada_pose"], "tsv")
    conda:
        "../envs/study.yaml"
    resources:
        photos=photos_in,
        mem_mb=3000,
    script:
        "../scripts/aligned_edit.py"


rule motion_fusion:
    input:
        **weights("generator", "consultation"),
        directions=directions,
        inversions=rules.invert.output.index,
        motions=rules.motion.output.index,
    output:
        index=CLEANED["motion_fusion"],
    params:
        code=code_of("aligned_edit"),
    log:
        logs(CLEANED["motion_fusion"]),
    benchmark:
        logs(CLEANED["motion_fusion"], "tsv")
    conda:
        "../envs/study.yaml"
    resources:
        photos=photos_in,
        mem_mb=3000,
    script:
        "../scripts/aligned_edit.py"
