rule convert_generator:
    output:
        generator="models/lite/generator.safetensors",
        mapping="models/lite/mapping.safetensors",
    params:
        code=code_of("convert_generator"),
    log:
        "logs/convert_generator.log",
    benchmark:
        "logs/convert_generator.tsv"
    conda:
        "../envs/study.yaml"
    resources:
        mem_mb=1500,
    script:
        "../scripts/convert_generator.py"
