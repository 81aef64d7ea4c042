# Training the embedded models: targets apart, never part of a study. Trained weights land in results/training/models, a set
# of its own: what is trained later sees what was trained before, not what is shipped. `make weights-push` versions them once
# they are copied to models/lite. Trainings resume from their checkpoints.

# Not trained, but distilled from StyleGAN2 by others: each set has them.
GIVEN = ("generator", "mapping")


rule train:
    input:
        *trained(
            "directions",
            "parser",
            "inpainter",
            "encoder",
            "preview",
            "descent",
            "consultation",
            "ada_pose",
            "ripple_finder",
        ).values(),


rule training_start:
    input:
        **weights(*GIVEN),
    output:
        **trained(*GIVEN),
    log:
        f"{TRAINING}/start.log",
    conda:
        "../envs/study.yaml"
    shell:
        "cp {input} $(dirname {output.generator}) 2> {log}"


rule training_straight_faces:
    input:
        **trained(*GIVEN),
    output:
        done=touch(f"{TRAINING}/straight-faces/.done"),
    params:
        code=code_of_modules("unripple.training.rendered_faces"),
    log:
        f"{TRAINING}/straight-faces.log",
    conda:
        "../envs/study.yaml"
    resources:
        mem_mb=4000,
    shell:
        "python -m unripple.training.rendered_faces --models $(dirname {input.generator}) --no-turned --out $(dirname {output.done}) &> {log}"


rule train_directions:
    input:
        **weights("directions"),
        faces=rules.training_straight_faces.output.done,
    output:
        weights=f"{TRAINED}/directions.safetensors",
    params:
        code=code_of_modules("unripple.training.directions"),
    log:
        f"{TRAINING}/directions.log",
    conda:
        "../envs/study.yaml"
    resources:
        mem_mb=4000,
    shell:
        "python -m unripple.training.directions --faces $(dirname {input.faces}) --models $(dirname {input.directions})"
        " --out {output.weights} &> {log}"


rule training_faces:
    input:
        **trained(*GIVEN, "directions"),
    output:
        done=touch(f"{TRAINING}/faces/.done"),
    params:
        code=code_of_modules("unripple.training.rendered_faces"),
    log:
        f"{TRAINING}/faces.log",
    conda:
        "../envs/study.yaml"
    resources:
        mem_mb=4000,
    shell:
        "python -m unripple.training.rendered_faces --models $(dirname {input.generator}) --out $(dirname {output.done}) &> {log}"


rule training_mattes:
    input:
        faces=rules.training_faces.output.done,
        python=".venv-teacher/bin/python",
    output:
        done=touch(f"{TRAINING}/faces/.mattes"),
    params:
        code=code_of_modules("unripple.training.teacher"),
    log:
        f"{TRAINING}/mattes.log",
    conda:
        "../envs/study.yaml"
    resources:
        mem_mb=2000,
    shell:
        "PYTHONPATH=src {input.python} -m unripple.training.teacher --faces $(dirname {input.faces}) &> {log}"


rule train_parser:
    input:
        mattes=rules.training_mattes.output.done,
    output:
        weights=f"{TRAINED}/parser.safetensors",
    params:
        checkpoint=f"{TRAINING}/parser.checkpoint",
        code=code_of_modules("unripple.training.parser"),
    log:
        f"{TRAINING}/parser.log",
    conda:
        "../envs/study.yaml"
    resources:
        mem_mb=6000,
    shell:
        "python -m unripple.training.parser --faces $(dirname {input.mattes}) --checkpoint {params.checkpoint}"
        " --out {output.weights} &> {log}"


rule train_inpainter:
    input:
        mattes=rules.training_mattes.output.done,
    output:
        weights=f"{TRAINED}/inpainter.safetensors",
    params:
        checkpoint=f"{TRAINING}/inpainter.checkpoint",
        code=code_of_modules("unripple.training.inpainter"),
    log:
        f"{TRAINING}/inpainter.log",
    conda:
        "../envs/study.yaml"
    resources:
        mem_mb=6000,
    shell:
        "python -m unripple.training.inpainter --faces $(dirname {input.mattes}) --checkpoint {params.checkpoint}"
        " --out {output.weights} &> {log}"


rule train_encoder:
    input:
        **trained(*GIVEN, "parser", "preview"),
        faces=rules.training_faces.output.done,
    output:
        weights=f"{TRAINED}/encoder.safetensors",
    params:
        checkpoint=f"{TRAINING}/encoder.checkpoint",
        code=code_of_modules("unripple.training.encoder", "unripple.models.lite"),
    log:
        f"{TRAINING}/encoder.log",
    conda:
        "../envs/study.yaml"
    resources:
        mem_mb=8000,
    shell:
        "python -m unripple.training.encoder --faces $(dirname {input.faces}) --checkpoint {params.checkpoint}"
        " --models $(dirname {input.generator}) --out {output.weights} &> {log}"


rule train_consultation:
    input:
        **trained("generator", "parser", "encoder"),
        faces=rules.training_faces.output.done,
    output:
        weights=f"{TRAINED}/consultation.safetensors",
    params:
        checkpoint=f"{TRAINING}/consultation.checkpoint",
        code=code_of_modules("unripple.training.consultation", "unripple.models.lite"),
    log:
        f"{TRAINING}/consultation.log",
    conda:
        "../envs/study.yaml"
    resources:
        mem_mb=8000,
    shell:
        "python -m unripple.training.consultation --faces $(dirname {input.faces}) --checkpoint {params.checkpoint}"
        " --models $(dirname {input.generator}) --out {output.weights} &> {log}"


rule training_guesses:
    input:
        **trained("generator", "parser", "encoder"),
        faces=rules.training_faces.output.done,
    output:
        done=touch(f"{TRAINING}/guesses/.done"),
    params:
        code=code_of_modules("unripple.training.guesses", "unripple.models.lite"),
    log:
        f"{TRAINING}/guesses.log",
    conda:
        "../envs/study.yaml"
    resources:
        mem_mb=4000,
    shell:
        "python -m unripple.training.guesses --faces $(dirname {input.faces}) --cache $(dirname {output.done})"
        " --models $(dirname {input.generator}) &> {log}"


rule train_ada_pose:
    input:
        **trained("generator", "directions", "parser", "encoder", "consultation"),
        faces=rules.training_faces.output.done,
        guesses=rules.training_guesses.output.done,
    output:
        weights=f"{TRAINED}/ada_pose.safetensors",
    params:
        checkpoint=f"{TRAINING}/ada_pose.checkpoint",
        code=code_of_modules("unripple.training.turns"),
    log:
        f"{TRAINING}/ada_pose.log",
    conda:
        "../envs/study.yaml"
    resources:
        mem_mb=8000,
    shell:
        "python -m unripple.training.turns --faces $(dirname {input.faces}) --cache $(dirname {input.guesses})"
        " --checkpoint {params.checkpoint} --models $(dirname {input.generator}) --out {output.weights} &> {log}"


# Faces of numbers that encoder and consultation have not seen: they are better on those they know.
rule training_unseen_faces:
    input:
        **trained(*GIVEN, "directions"),
    output:
        done=touch(f"{TRAINING}/unseen-faces/.done"),
    params:
        code=code_of_modules("unripple.training.rendered_faces"),
    log:
        f"{TRAINING}/unseen-faces.log",
    conda:
        "../envs/study.yaml"
    resources:
        mem_mb=4000,
    shell:
        "python -m unripple.training.rendered_faces --models $(dirname {input.generator}) --first 1000 --chunks 9"
        " --out $(dirname {output.done}) &> {log}"


rule train_preview:
    input:
        **trained(*GIVEN, "directions"),
    output:
        weights=f"{TRAINED}/preview.safetensors",
    params:
        checkpoint=f"{TRAINING}/preview.ckpt",
        code=code_of_modules("unripple.training.preview"),
    log:
        f"{TRAINING}/preview.log",
    conda:
        "../envs/study.yaml"
    threads: 2
    resources:
        mem_mb=4000,
    shell:
        "python -m unripple.training.preview --models $(dirname {input.generator}) --checkpoint {params.checkpoint}"
        " --out {output.weights} &> {log}"


rule train_descent:
    input:
        **trained(*GIVEN, "parser", "encoder", "preview"),
        faces=rules.training_unseen_faces.output.done,
    output:
        weights=f"{TRAINED}/descent.safetensors",
    params:
        code=code_of_modules("unripple.training.descent", "unripple.models.lite"),
    log:
        f"{TRAINING}/descent.log",
    conda:
        "../envs/study.yaml"
    resources:
        mem_mb=6000,
    shell:
        "python -m unripple.training.descent --faces $(dirname {input.faces}) --models $(dirname {input.generator})"
        " --out {output.weights} &> {log}"


# The ripple finder learns the ripples of the set that was trained.
rule train_ripples:
    input:
        **trained(*GIVEN, "directions", "parser", "encoder", "consultation"),
        faces=rules.training_unseen_faces.output.done,
    output:
        weights=f"{TRAINED}/ripple_finder.safetensors",
    params:
        cache=f"{TRAINING}/ripple-pairs",
        checkpoint=f"{TRAINING}/ripple_finder.checkpoint",
        code=code_of_modules("unripple.training.ripples", "unripple.models.lite"),
    log:
        f"{TRAINING}/ripple_finder.log",
    conda:
        "../envs/study.yaml"
    resources:
        mem_mb=8000,
    shell:
        "python -m unripple.training.ripples --faces $(dirname {input.faces}) --cache {params.cache}"
        " --checkpoint {params.checkpoint} --models $(dirname {input.generator}) --out {output.weights} &> {log}"
