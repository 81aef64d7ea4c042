from snakemake.utils import min_version

min_version("9.27")


configfile: "params.yaml"


report: "workflow/report/workflow.rst"


include: "workflow/rules/common.smk"
include: "workflow/rules/generator.smk"
include: "workflow/rules/portraits.smk"
include: "workflow/rules/invert.smk"
include: "workflow/rules/edit.smk"
include: "workflow/rules/parse.smk"
include: "workflow/rules/ripple.smk"
include: "workflow/rules/inpaint.smk"
include: "workflow/rules/layered.smk"
include: "workflow/rules/aligned_edit.smk"
include: "workflow/rules/composite.smk"
include: "workflow/rules/external.smk"
include: "workflow/rules/metrics.smk"
include: "workflow/rules/inversion.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/compare.smk"
include: "workflow/rules/training.smk"


localrules:
    all,
    latest,


rule all:
    default_target: True
    input:
        LATEST.values(),
