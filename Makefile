# Everything here is a line or two of pip, python or jupyter; the README gives them for people
# without make.

# The Pythons that pyproject.toml allows, as in 3.13 3.12 3.11. Make takes the first that is here,
# or what it is told: `make run PYTHON=/path/to/python`.
BOUNDS := $(shell sed -n \
	's/^requires-python = ">=3\.\([0-9]*\),<3\.\([0-9]*\)"/\1 \2/p' pyproject.toml)
PYTHONS := $(shell seq -f 3.%.0f $$(($(word 2,$(BOUNDS)) - 1)) -1 $(word 1,$(BOUNDS)))
FITS := -c 'import sys; sys.exit("%d.%d" % sys.version_info[:2] not in sys.argv[1:])' \
	$(PYTHONS) 2>/dev/null
ifndef PYTHON
PYTHON := $(firstword $(foreach python,$(PYTHONS:%=python%) python3,\
	$(if $(shell $(python) $(FITS) && echo fits),$(python))) python3)
endif
ENV := .venv
BIN := $(ENV)/bin

# Packages go into $(ENV) and come from there, whatever was set up for other work.
export PIP_USER := 0
unexport PYTHONPATH PYTHONHOME

.PHONY: run lab class check lint test rehearse notebooks study bench bench-quick tables wasm site clean

run: $(ENV)/installed  ## set up, then execute all nine notebooks into build/
	$(BIN)/python -m mnist_cnn

# The environment's own kernel comes before others that are called python3.
lab: export JUPYTER_PREFER_ENV_PATH := 1
lab: $(ENV)/installed  ## set up, then open JupyterLab at your copy of the first notebook
	$(BIN)/python -m mnist_cnn.copies mine
	$(BIN)/jupyter lab --LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate \
		--notebook-dir=. my-notebooks/01_data_loading.ipynb

class: $(ENV)/installed  ## set up, then make a class's notebooks: without solutions, and solved
	$(BIN)/python -m mnist_cnn.copies class

# Run `make check` before each commit.
check: lint  ## format, lint, types, imports and all fast tests, in a minute
	$(BIN)/python -m pytest -n 2 -m "not slow and not browser" tests

# Ruff's cache does not see that a module has moved: findings/ruff_caches_import_order.sh
lint: $(ENV)/installed-test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check --no-cache .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/oxlint src docs benchmarks

# Three processes also on two cores: tests wait for browsers, kernels and downloads a quarter of
# the time.
test: lint  ## run every test; executes all notebooks on the way
	$(BIN)/python -m pytest -n 3

# `make rehearse` takes half an hour.
rehearse: $(ENV)/installed-test  ## try every way to install or launch it, as a new user would
	$(BIN)/python -m pytest --rehearse tests

notebooks: $(ENV)/installed  ## execute the notebooks and save them with their outputs
	$(BIN)/python -m mnist_cnn --in-place

# `make study` takes hours, and can be interrupted. Seed 0 comes with the package.
study: $(ENV)/installed-study  ## train ten seeds of each recipe
	MNIST_CNN_RUNS=build/study $(BIN)/python -m mnist_cnn.study \
		--recipes relu leaky_relu improved short \
		--precision float32 --images test --results benchmarks/study.jsonl
	MNIST_CNN_RUNS=build/study $(BIN)/python -m mnist_cnn.study --precision float32 --images test \
		--recipes dense pooled scheduled smoothed permuted normalized averaged \
		--results benchmarks/ladder.jsonl
	MNIST_CNN_RUNS=build/study $(BIN)/python -m mnist_cnn.study --precision float32 --images test \
		--recipes averaged --seeds 25 --results benchmarks/ladder.jsonl
	MNIST_CNN_RUNS=build/study $(BIN)/python benchmarks/ensembles.py
	MNIST_CNN_RUNS=build/study $(BIN)/python benchmarks/ship_runs.py
	$(BIN)/python benchmarks/transfer.py
	$(BIN)/python docs/fill_pages.py

# `make bench` takes an hour, and can be interrupted; nothing else may run on the machine.
bench: $(ENV)/installed-test  ## measure the speeds
	$(BIN)/python benchmarks/bench.py
	$(BIN)/python docs/fill_pages.py

bench-quick: $(ENV)/installed  ## print speeds on fewer images, in less than three minutes
	$(BIN)/python benchmarks/bench.py --quick

wasm: $(ENV)/installed-test  ## assemble what training in the page multiplies matrices with
	$(BIN)/python tools/assemble.py

tables: $(ENV)/installed  ## put what was measured into README and notebooks
	$(BIN)/python docs/fill_pages.py

# The pages of the site need no kernel.
site: $(ENV)/installed-site  ## make pages of the notebooks as they are saved, in build/site/
	$(BIN)/python -m sphinx -W -q -j auto -c docs -d build/doctrees . build/site

clean:  ## remove what the other commands made, except what was trained: your runs, and those of a study
	rm -rf $(ENV)
	test ! -d build || find build -mindepth 1 -maxdepth 1 ! -name study -exec rm -rf {} +

# What is installed: what the lesson needs, and then what an extra of pyproject.toml brings, for
# those who ask for it.
$(ENV)/installed: pyproject.toml | $(ENV)/bin/pip
	@$(BIN)/python requirements.py > $(ENV)/requirements.txt
	@$(INSTALL)
	@touch $@

$(ENV)/installed-%: pyproject.toml | $(ENV)/bin/pip
	@$(BIN)/python requirements.py $* > $(ENV)/requirements.txt
	@$(INSTALL)
	@touch $(ENV)/installed $@

# A sixth of TensorFlow's files, its C++ headers, serve only those who compile their own operations.
INSTALL = $(BIN)/python -m pip install --quiet --no-compile --requirement $(ENV)/requirements.txt \
	&& $(BIN)/python -m pip install --quiet --no-compile --no-deps --editable . \
	&& rm -rf $(ENV)/lib/python3.*/site-packages/tensorflow/include

# pip is upgraded first: that of Python 3.11 takes twice as long for what follows.
$(ENV)/bin/pip:
	@$(PYTHON) $(FITS) || { \
		echo "One of these Pythons is needed: $(PYTHONS). $(PYTHON) is none of them." \
		"Install one, or name it: make $(MAKECMDGOALS) PYTHON=/path/to/python"; exit 1; }
	@echo "Setting up $(ENV) with $$($(PYTHON) --version): a few minutes"
	@$(PYTHON) -m venv $(ENV) || { \
		echo "Could not make $(ENV). On Debian and Ubuntu: apt install python3-venv"; exit 1; }
	@$(BIN)/python -m pip install --quiet --upgrade pip
