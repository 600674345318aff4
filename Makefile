# `make test` and `make bench` need only Python 3.11 or newer, pip and make; everything goes into .venv.
PYTHON ?= python3
BIN := .venv/bin
RUN := OMP_WAIT_POLICY=passive $(BIN)
# $(call install,ENVIRONMENT,WHAT): with uv where there is one, else with pip.
install = $(if $(shell command -v uv),uv pip install --quiet --python $(1)/bin/python,$(1)/bin/python -m pip install --quiet) -c constraints.txt $(2)

.PHONY: test lint bench wheel-smoke docs clean

test: .venv/ready lint
	$(RUN)/python -m pytest

lint: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: .venv/ready
	$(RUN)/tokred bench --model emoji-dit --steps 20 --samples 8 --pairs 2 --overwrite --out results/emoji-dit

# The wheel, alone in an environment of its own, does what the README and "Ship a plugin" say.
wheel-smoke: .venv/ready
	rm -rf dist .venv-wheel
	$(BIN)/python -m build --wheel --installer $(if $(shell command -v uv),uv,pip) --outdir dist
	$(PYTHON) -m venv .venv-wheel
	$(call install,.venv-wheel,dist/*.whl)
	cd dist && OMP_WAIT_POLICY=passive ../.venv-wheel/bin/python ../tests/wheel_smoke.py

docs: .venv/ready
	$(call install,.venv,-e .[docs])
	$(BIN)/mkdocs build --strict

.venv/ready: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(call install,.venv,-e .[dev])
	touch $@

clean:
	rm -rf .venv .venv-wheel dist results site
