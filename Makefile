# Everything a person does here. `make` alone lists it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WORKER := .venv-worker
S3 := .venv-s3
EXTRAS := .venv-extras

.DEFAULT_GOAL := help
.PHONY: help setup demo test worker-tests extras-tests lint lock sample clean

help: ## list what can be made
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/.ready ## make .venv with `fixsmith` and `process_artifacts` in it

$(VENV)/.ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
	  || { echo "fixsmith needs Python 3.11, 3.12 or 3.13; name one with: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

demo: setup ## scan results that ship with the project in, two trained specialists out
	$(BIN)/fixsmith demo

test: setup lint $(WORKER)/.ready $(S3)/.ready worker-tests extras-tests ## linters, types, import contracts and every test
	$(BIN)/python -m pytest -n 3 --dist worksteal

worker-tests: $(WORKER)/.ready ## the tests of the CUDA worker, in an environment of its own (torch, ray), on the CPU
	OMP_NUM_THREADS=1 $(WORKER)/bin/python -m pytest -n 2 --dist worksteal tests/remote/worker

extras-tests: $(EXTRAS)/.ready ## the tests of what is optional (MLflow, TensorBoard, W&B, lm-eval), in an environment over .venv
	OMP_NUM_THREADS=1 PYTHONPATH=. $(EXTRAS)/bin/python -m pytest -n 2 --dist loadfile tests/tracking

$(EXTRAS)/.ready: $(VENV)/.ready tests/tracking/requirements.txt
	$(BIN)/python -m venv $(EXTRAS)
	$(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))' \
	  > "$$($(EXTRAS)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/base.pth"
	$(EXTRAS)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -r tests/tracking/requirements.txt
	@touch $@

$(WORKER)/.ready: pipeline/remote/worker/requirements.txt tests/remote/worker/requirements.txt
	$(PYTHON) -m venv $(WORKER)
	$(WORKER)/bin/python -m pip install --quiet --disable-pip-version-check -r tests/remote/worker/requirements.txt
	@touch $@

$(S3)/.ready: tests/remote/backend/requirements-s3.txt
	$(PYTHON) -m venv $(S3)
	$(S3)/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@

lint: setup ## ruff, mypy strict, import-linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

lock: ## resolve pyproject.toml into requirements.lock again (needs uv)
	MACOSX_DEPLOYMENT_TARGET=14.0 uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	  --no-header --no-annotate --group dev --extra parquet --extra pictures pyproject.toml -o requirements.lock

sample: setup ## write config/olmo-security-config.yaml and docs/settings.md from the types
	$(BIN)/python -m config.sample > config/olmo-security-config.yaml
	$(BIN)/python -m config.table > docs/settings.md

clean: ## remove what was made here, models and environment included
	rm -rf $(VENV) $(WORKER) $(S3) $(EXTRAS) demo-output build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
