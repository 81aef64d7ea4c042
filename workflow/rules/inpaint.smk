rule fill:
    input:
        edits=rules.edit.output.index,
        mattes=rules.parse_edit.output.index,
        ripples=RIPPLES,
        weights=inpainter_weights,
    output:
        index=FILLS,
    params:
        code=code_of("fill"),
    log:
        logs(FILLS),
    benchmark:
        logs(FILLS, "tsv")
    conda:
        "../envs/study.yaml"
    resources:
        photos=photos_in,
        mem_mb=memory(2500, 3500),
    script:
        "../scripts/fill.py"


rule plate:
    input:
        portraits=portraits,
        mattes=MATTES_OF["photo"],
        weights=inpainter_weights,
    output:
        index=PLATES,
    params:
        code=code_of("plate"),
    log:
        logs(PLATES),
    benchmark:
        logs(PLATES, "tsv")
    conda:
        "../envs/study.yaml"
    resources:
        photos=photos_in,
        mem_mb=memory(2500, 3500),
    script:
        "../scripts/plate.py"
