# `make test` and `make bench` need only Python 3.11 or newer, pip and make; everything goes into .venv.
PYTHON ?= python3
WORKERS ?= 2
BIN := .venv/bin
# What was imported once is compiled, also where the environment says otherwise: the tests start many processes.
export PYTHONDONTWRITEBYTECODE :=
RUN := OMP_WAIT_POLICY=passive $(BIN)
# Two workers of one thread each; what a folder's tests share is made once in a worker as long as they run in order.
PYTEST := OMP_NUM_THREADS=1 $(RUN)/python -m pytest -n $(WORKERS) --dist worksteal -p no:benchmark
# $(call install,ENVIRONMENT,WHAT): with uv where there is one, else with pip; modules are compiled as they are needed.
install = $(if $(shell command -v uv),uv pip install --quiet --python $(1)/bin/python,$(1)/bin/python -m pip install --quiet --no-compile) -c constraints.txt $(2)

.PHONY: test lint bench bench-all wheel-smoke docs clean

test: .venv/ready lint
	$(PYTEST)

# Also what is marked slow.
.PHONY: test-all
test-all: .venv/ready lint
	$(PYTEST) -m ''

lint: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Two minutes on two cores: the presets beside DiTo, ToMeSD and what else makes a pipeline faster.
METHODS := quality balanced fast dito:ratio=0.5,dense_first=2 tomesd:ratio=0.25 \
	taylor_seer:interval=3,dense_first=2,order=1 fewer_steps:share=0.5

bench: .venv/ready
	$(RUN)/tokred bench --model emoji-flux --steps 10 --samples 4 --pairs 2 --overwrite $(METHODS:%=--method %) --out results/emoji-flux

bench-all: .venv/ready
	$(RUN)/tokred bench --model all --resume --out results

# The wheels, alone in an environment of their own, do what the README and "Ship a plugin" say.
wheel-smoke: .venv/ready
	rm -rf dist .venv-wheel
	for folder in . zoo; do \
		$(BIN)/python -m build --wheel --installer $(if $(shell command -v uv),uv,pip) --outdir dist $$folder || exit 1; \
	done
	$(BIN)/python tests/wheel_size.py dist
	$(BIN)/python tests/wheel_environment.py .venv-wheel dist/tokred-[0-9]*.whl
	cd dist && OMP_WAIT_POLICY=passive ../.venv-wheel/bin/python ../tests/wheel_smoke.py

# The nodes for ComfyUI in its own engine, which is installed beside .venv; skipped where it is not to be had.
.PHONY: test-comfy comfy-table
COMFY := OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive ../../.venv-comfy/bin/python

test-comfy: .venv/ready
	@test .venv-comfy/ready -nt tests/comfyui/engine.txt || tests/comfyui/install.sh .venv-comfy || exit 0; \
		cd tests/comfyui && $(COMFY) -m pytest -q -p no:benchmark .

# The table of samplers in docs/comfyui.md.
comfy-table:
	cd tests/comfyui && $(COMFY) comfy_samplers.py

docs: .venv/ready
	$(call install,.venv,-e .[docs])
	$(BIN)/zensical build --strict --clean

.venv/ready: pyproject.toml zoo/pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(call install,.venv,-e ./zoo -e .[dev])
	touch $@

clean:
	rm -rf .venv .venv-wheel .venv-comfy dist results site
