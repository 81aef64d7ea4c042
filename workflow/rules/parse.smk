rule parse_photo:
    input:
        **weights("parser"),
        pictures=portraits,
    output:
        index=MATTES_OF["photo"],
    params:
        ending=".png",
        code=code_of("parse_original"),
    log:
        logs(MATTES_OF["photo"]),
    benchmark:
        logs(MATTES_OF["photo"], "tsv")
    conda:
        "../envs/study.yaml"
    resources:
        photos=photos_in,
        mem_mb=memory(2000, 5000),
    script:
        "../scripts/parse_original.py"


use rule parse_photo as parse_inversion with:
    input:
        **weights("parser"),
        pictures=rules.invert.output.index,
    output:
        index=MATTES_OF["inversion"],
    params:
        ending=".hfgi.png",
        code=code_of("parse_original"),
    log:
        logs(MATTES_OF["inversion"]),
    benchmark:
        logs(MATTES_OF["inversion"], "tsv")


rule parse_edit:
    input:
        **weights("parser"),
        edits=rules.edit.output.index,
    output:
        index=MATTES,
    params:
        code=code_of("parse_edit"),
    log:
        logs(MATTES),
    benchmark:
        logs(MATTES, "tsv")
    conda:
        "../envs/study.yaml"
    resources:
        photos=photos_in,
        mem_mb=memory(2000, 5000),
    script:
        "../scripts/parse_edit.py"
