# The study, its tests and its checks. Each target sets up ./.venv by itself; python3.11, git, make and a C compiler
# are all that a machine needs.
#
#   make study [MODELS=lite|published] [PARAMS=file.yaml] [PROFILE=slurm] [CORES=n] [ARGS="more arguments for Snakemake"]

PYTHON ?= $(shell command -v python3.11 || command -v python3)
MODELS ?=
PARAMS ?=
PROFILE ?=
SETTINGS ?=
NAME ?=
CORES ?=
ARGS ?=
YES ?=

BIN := .venv/bin
LOCKED := requirements/bootstrap.txt requirements/build.txt requirements/no-deps.txt
WEIGHTS := $(patsubst %.dvc,%,$(wildcard models/*/*.safetensors.dvc))
CONVERTED := models/lite/generator.safetensors models/lite/mapping.safetensors
SOURCES := src workflow tests benchmarks
SNAKEFILES := Snakefile workflow/rules

CONFIG := $(if $(MODELS)$(SETTINGS),--config $(MODELS:%=models=%) $(SETTINGS:%=sweep=%))
RUN := $(BIN)/python workflow/run.py
GIVEN := \
	$(if $(PROFILE),--workflow-profile $(or $(wildcard workflow/profiles/$(PROFILE)),$(wildcard $(PROFILE)),$(error \
	PROFILE=$(PROFILE): there is no workflow/profiles/$(PROFILE)))) \
	$(if $(PARAMS),--configfile $(or $(wildcard $(PARAMS)),$(error PARAMS=$(PARAMS): there is no such file))) \
	$(CONFIG) $(if $(CORES),--cores $(CORES)) $(ARGS)
SNAKEMAKE := $(RUN) $(GIVEN)

# Networks allocate and free large tensors at every layer. By default glibc gives each back to the system, and pages are
# faulted in anew, which costs a CPU study much of its time.
export GLIBC_TUNABLES ?= glibc.malloc.hugetlb=1:glibc.malloc.mmap_threshold=17179869184:glibc.malloc.trim_threshold=17179869184

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help study compare experiments archive report plan test test-long test-browser test-slurm lint format docs weights weights-push train lock clean

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 20

study: .venv/.study weights  ## the whole study, then its table
	@$(SNAKEMAKE)
	@$(if $(ARGS),,cat results/summary.txt)

plan: .venv/.study weights  ## what a study would do now and what it will cost, without doing it
	@$(BIN)/unripple plan -- $(GIVEN) $(if $(SETTINGS),-- compare)

compare: .venv/.study weights  ## settings side by side: make compare SETTINGS=params/sweeps/ripple.yaml
	@test -f "$(SETTINGS)" || { echo "SETTINGS=$(SETTINGS): no such file; for example params/sweeps/ripple.yaml"; exit 2; }
	@$(SNAKEMAKE) -- compare
	@cat results/compare/$(basename $(notdir $(SETTINGS)))/ranking.txt

experiments: .venv/.study weights  ## settings as DVC experiments, then their ranking: make experiments [SETTINGS=params/experiments.yaml]
	@env -u MAKEFLAGS -u SETTINGS -u PARAMS -u MODELS CORES=$(CORES) PROFILE=$(PROFILE) $(BIN)/python workflow/experiments.py $(or $(SETTINGS),params/experiments.yaml)

archive: study  ## the finished study as a folder that DVC tracks: make archive NAME=first
	@$(BIN)/unripple archive $(or $(NAME),$(error NAME: make archive NAME=first keeps the study in archive/first))
	@$(BIN)/dvc add --quiet archive/$(NAME)
	@echo "keep it: git add archive/$(NAME).dvc archive/.gitignore, commit, dvc push"

report: study  ## the study, and Snakemake's own report of it
	@$(SNAKEMAKE) --report results/snakemake-report.zip

test: .venv/.dev weights $(CONVERTED)  ## all tests
	$(BIN)/python -m pytest $(ARGS)

test-long: .venv/.dev weights $(CONVERTED)  ## the tests that take minutes each
	$(BIN)/python -m pytest -m long $(ARGS)

test-browser: .venv/.dev weights $(CONVERTED)  ## the page's tests in Chromium; asks before it installs it (YES=1)
	@$(BIN)/python tests/system_packages.py browser $(if $(YES),--yes)
	$(BIN)/python -m pytest -m browser $(ARGS)

test-slurm: .venv/.dev weights $(CONVERTED)  ## the tests on a real Slurm of three nodes; asks before it installs it (YES=1)
	@$(BIN)/python tests/system_packages.py slurm $(if $(YES),--yes)
	$(BIN)/python -m pytest tests/cluster -m slurm $(ARGS)

lint: .venv/.dev  ## style, types and workflow checks
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/mypy
	$(BIN)/snakefmt --check $(SNAKEFILES)
	$(BIN)/snakemake --lint

format: .venv/.dev  ## put sources into the project's style
	$(BIN)/ruff check --fix $(SOURCES)
	$(BIN)/ruff format $(SOURCES)
	$(BIN)/snakefmt $(SNAKEFILES)

docs: .venv/.study  ## regenerate the settings' reference and schema, and the table of published weights
	$(BIN)/python -m unripple.config
	$(BIN)/python -m unripple.weights.published.reference

# The weights of the repository: pulled when one is missing or older than its .dvc file. And the generator, converted.
weights: $(WEIGHTS) $(CONVERTED)  ## all models that `unripple edit` needs; the trained ones come from the DVC remote inside

ifneq ($(WEIGHTS),)
$(WEIGHTS) &: $(WEIGHTS:=.dvc) | .venv/.study
	$(BIN)/dvc pull --quiet --remote embedded $(WEIGHTS)
	@touch $(WEIGHTS)
endif

$(CONVERTED) &: | .venv/.study
	@$(RUN) --quiet all -- $(CONVERTED)

weights-push: .venv/.study  ## after a training: version models/lite and store it in the remote
	$(BIN)/dvc add $(filter-out $(CONVERTED),$(wildcard models/lite/*.safetensors))
	$(BIN)/dvc push --remote embedded $(wildcard models/lite/*.safetensors.dvc)

lock: export UV_CUSTOM_COMPILE_COMMAND := make lock
lock:  ## pin all requirements anew (needs uv)
	uv pip compile --quiet --python-version 3.11 --generate-hashes pyproject.toml -o requirements/runtime.txt
	uv pip compile --quiet --python-version 3.11 --generate-hashes pyproject.toml --group dev \
		-c requirements/runtime.txt -o requirements/dev.txt
	uv pip compile --quiet --python-version 3.11 --generate-hashes requirements/build.in \
		-c requirements/dev.txt -o requirements/build.txt
	uv pip compile --quiet --python-version 3.11 --generate-hashes requirements/bootstrap.in -o requirements/bootstrap.txt
	uv pip compile --quiet --python-version 3.11 --generate-hashes --no-deps requirements/no-deps.in \
		-o requirements/no-deps.txt
	uv pip compile --quiet --python-version 3.11 --generate-hashes requirements/teacher.in -o requirements/teacher.txt

train: .venv/.study .venv-teacher/.done weights  ## train the embedded models anew, into results/training
	@$(RUN) --cores all train

clean:  ## remove what studies made, saying what; not the environment, the weights or the photos
	@$(PYTHON) workflow/clean.py

# The environment. uv installs exactly what the lock files list, and removes the rest.
$(BIN)/uv: requirements/bootstrap.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11) and "Python 3.11 is needed: make PYTHON=python3.11")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements/bootstrap.txt
	@touch $@

# The parser's teacher needs an older numpy, and so an environment of its own.
.venv-teacher/.done: requirements/teacher.txt | $(BIN)/uv
	$(PYTHON) -m venv .venv-teacher
	$(BIN)/uv pip sync --quiet --python .venv-teacher/bin/python --require-hashes requirements/teacher.txt
	@touch $@

# $(1): runtime or dev, which contains it.
define install
	$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes --compile-bytecode requirements/$(1).txt $(LOCKED)
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --offline --editable .
endef

# Once the development packages are there, a study runs with them too.
.venv/.study: requirements/runtime.txt $(LOCKED) | $(BIN)/uv
	$(call install,$(if $(wildcard .venv/.dev),dev,runtime))
	@touch $@

.venv/.dev: requirements/dev.txt $(LOCKED) | $(BIN)/uv
	$(call install,dev)
	@touch .venv/.study $@
