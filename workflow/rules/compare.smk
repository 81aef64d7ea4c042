# Settings side by side, in one graph that computes once what they share:
# make compare SETTINGS=params/sweeps/ripple.yaml

if sweep_file is not None:
    COMPARISON = f"results/compare/{Path(sweep_file).stem}"

    rule compare:
        input:
            tables=[rules.tabulate.output.metrics.format(**spelled(one.study)) for one in compared],
            records=[rules.tabulate.output.record.format(**spelled(one.study)) for one in compared],
        output:
            ranking=f"{COMPARISON}/ranking.csv",
            text=f"{COMPARISON}/ranking.txt",
            plot=f"{COMPARISON}/ranking.png",
            record=f"{COMPARISON}/record.json",
        params:
            sweep=str(sweep_file),  # for its record: which file of settings makes it again
            labels=[{name: str(value) for name, value in one.values.items()} for one in compared],
            reference=next((n for n, one in enumerate(compared) if one.study == study), None),
            methods=[method for method in METHODS if method in CLEANED],
            settings=section("metrics"),
            code=code_of("compare"),
        log:
            f"logs/compare/{Path(sweep_file).stem}.log",
        conda:
            "../envs/study.yaml"
        script:
            "../scripts/compare.py"
