VENV := .venv
PYTHON := $(VENV)/bin/python
PIP := $(PYTHON) -m pip install --quiet --constraint constraints.txt
SPEC := eff-spinenet-d0

.PHONY: help demo test lint format types tables bench clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 22

$(VENV)/base: pyproject.toml constraints.txt setup.py
	python3 -c 'import sys; sys.exit(sys.version_info < (3, 11) and "spinec needs Python 3.11 or later")'
	test -x $(PYTHON) || python3 -m venv $(VENV)
	$(PIP) --upgrade pip
	$(PIP) "torch==2.13.0"
	$(PIP) --editable ".[pytorch]"
	touch $@

$(VENV)/dev: $(VENV)/base
	$(PIP) --editable ".[pytorch,dev]"
	touch $@

demo: $(VENV)/base ## set up, compile $(SPEC) to PyTorch and run it on a photograph
	mkdir -p demo
	@echo "== the cost of $(SPEC), counted without a framework"
	$(VENV)/bin/spinec cost $(SPEC)
	@echo "== compiled to PyTorch"
	$(VENV)/bin/spinec compile $(SPEC) --backend pytorch -o demo/eff_spinenet_d0.py
	@echo "== run on a photograph"
	$(VENV)/bin/spinec run $(SPEC) examples/photograph.jpg
	@echo "The generated source is in demo/eff_spinenet_d0.py"

test: $(VENV)/dev ## set up and run every check: format, lint, types, tests
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy
	$(VENV)/bin/pytest

format: $(VENV)/dev ## format the code and mend what lint can mend
	$(VENV)/bin/ruff format .
	$(VENV)/bin/ruff check --fix .

goldens: $(VENV)/dev ## rewrite the golden files, to be read in the diff
	$(VENV)/bin/pytest --rewrite-goldens

tables: $(VENV)/base ## rewrite the generated tables in docs/
	$(PYTHON) docs/make_tables.py

bench: $(VENV)/dev ## measure speed on this machine
	$(PYTHON) benchmarks/run.py

clean: ## remove what the targets made
	rm -rf $(VENV) demo build dist *.egg-info
