VENV := .venv
PYTHON := $(VENV)/bin/python
# Every install is held to constraints.txt, which `make lock` makes; what builds spinec is installed by it too, not by pip for itself.
PIP := $(PYTHON) -m pip install --quiet --constraint constraints.txt
INSTALL := PYTHONWARNINGS='ignore:Editable installation' $(PIP) --no-build-isolation --editable
SPEC := eff-spinenet-d0
BACKEND := pytorch
RUNS := 10000
ALONE := tests
MERMAID := 11.16.0
MERMAID_SHA256 := 74d7c46dabca328c2294733910a8aa1ed0c37451776e8d5295da38a2b758fb9b

.PHONY: help demo demo-all demo-train test test-alone test-shuffled test-installed test-oldest test-newest format mermaid goldens pictures tables examples site site-serve trust fuzz parity published lock release bench clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 22

$(VENV)/base: pyproject.toml constraints.txt setup.py
	python3 -c 'import sys; sys.exit(sys.version_info < (3, 11) and "spinec needs Python 3.11 or later")'
	test -x $(PYTHON) || python3 -m venv $(VENV)
	$(PIP) --upgrade pip setuptools wheel
	$(INSTALL) ".[pytorch,pictures]"
	touch $@

$(VENV)/all: $(VENV)/base
	$(INSTALL) ".[pytorch,tensorflow-cpu,onnx,pictures]"
	touch $@

$(VENV)/train: $(VENV)/base
	$(INSTALL) ".[pytorch,train,pictures]"
	touch $@

$(VENV)/dev: $(VENV)/all
	$(INSTALL) ".[pytorch,tensorflow-cpu,onnx,search,train,tensorboard,pictures,fuzz,docs,dev]"
	touch $@

$(VENV)/docs: $(VENV)/base
	$(INSTALL) ".[docs]"
	touch $@

demo: $(VENV)/base ## set up, compile $(SPEC) to PyTorch, run it on a photograph, write a report
	mkdir -p demo
	@echo "== the cost of $(SPEC), counted without a framework"
	$(VENV)/bin/spinec cost $(SPEC)
	@echo "== compiled to PyTorch"
	$(VENV)/bin/spinec compile $(SPEC) --backend pytorch -o demo/eff_spinenet_d0.py
	@echo "== run on a photograph"
	$(VENV)/bin/spinec run $(SPEC) examples/photograph.jpg
	@if $(PYTHON) -c 'import importlib.util, sys; sys.exit(importlib.util.find_spec("tensorflow") is None)'; then \
		echo "== PyTorch against TensorFlow on the photograph, the same weights in both"; \
		$(VENV)/bin/spinec verify $(SPEC) --image examples/photograph.jpg; \
	else echo "For TensorFlow as well, and the proof that both give the same: make demo-all"; fi
	@echo "== a report to look at: diagram, tables, charts, source"
	$(VENV)/bin/spinec report $(SPEC) -o demo/report.html
	@echo "The generated source is in demo/; open demo/report.html in a browser"

demo-all: $(VENV)/all ## the same with TensorFlow, and both frameworks compared
	mkdir -p demo
	$(VENV)/bin/spinec compile $(SPEC) --backend tensorflow -o demo/eff_spinenet_d0_keras.py
	$(MAKE) demo

demo-train: $(VENV)/train $(if $(filter tensorflow,$(BACKEND)),$(VENV)/all) ## train a detector of handwritten digits in ten minutes; BACKEND=tensorflow too
	rm -rf demo/$(BACKEND) demo/digits
	mkdir -p demo
	@echo "== scenes of handwritten digits on photographs"
	$(VENV)/bin/spinec data make digits demo/digits --size 128 --train 800 --val 100
	@echo "== a small Eff-SpineNet learns them in $(BACKEND)"
	$(VENV)/bin/spinec train examples/nano.yaml --data demo/digits --classes data --recipe small-detection --backend $(BACKEND) --run demo/$(BACKEND)
	@echo "== what it finds in scenes that it has not seen"
	$(VENV)/bin/spinec evaluate demo/$(BACKEND)/spec.yaml --data demo/digits --split val --weights demo/$(BACKEND)/best.safetensors --backend $(BACKEND)
	$(VENV)/bin/spinec detect demo/$(BACKEND)/spec.yaml demo/digits/val/000001.jpg --weights demo/$(BACKEND)/best.safetensors --backend $(BACKEND) -o demo/$(BACKEND)/found.png
	$(VENV)/bin/spinec report demo/$(BACKEND) -o demo/$(BACKEND).html
	@echo "Open demo/$(BACKEND).html in a browser, and look at demo/$(BACKEND)/found.png"

test: $(VENV)/dev ## set up and run every check: format, lint, types, tests
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy
	OMP_NUM_THREADS=1 $(VENV)/bin/pytest -n 2 --dist worksteal

test-alone: $(VENV)/dev ## run the tests in $(ALONE) as if one framework, then the other, were not installed
	SPINEC_WITHOUT="tensorflow keras" $(VENV)/bin/pytest -n 2 -k "not properties and not corruption" $(ALONE)
	SPINEC_WITHOUT="torch timm torchvision" $(VENV)/bin/pytest -n 2 -k "not properties and not corruption" $(ALONE)

test-shuffled: $(VENV)/dev ## run all tests in one process, in an order that each run draws anew
	OMP_NUM_THREADS=1 $(VENV)/bin/pytest -p randomly

test-oldest: ## run the core's tests with the oldest dependencies that pyproject.toml allows
	.ci/bounds oldest

test-newest: ## run the core's tests with the newest ones
	.ci/bounds newest

format: $(VENV)/dev ## format the code and the specs, and mend what lint can mend
	$(VENV)/bin/ruff format .
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/spinec fmt specs spec/starter.yaml

goldens: $(VENV)/dev ## rewrite the golden files, to be read in the diff
	$(VENV)/bin/pytest --rewrite-goldens

pictures: $(VENV)/base ## rewrite the pictures in docs/
	$(PYTHON) tools/make_pictures.py

tables: $(VENV)/base ## rewrite the generated tables in docs/
	$(PYTHON) tools/make_tables.py

examples: $(VENV)/dev ## rewrite what the commands in the documentation print
	$(PYTHON) tools/make_examples.py

site: $(VENV)/docs ## build the documentation as a site in site/, every link checked
	$(VENV)/bin/zensical build --clean --strict --config-file mkdocs.yml

site-serve: $(VENV)/docs ## show it at http://localhost:8000, made anew when a page changes
	$(VENV)/bin/zensical serve --config-file mkdocs.yml

trust: $(VENV)/dev ## rewrite the tables of mistakes and of hostile documents (minutes)
	$(PYTHON) tools/make_faults.py
	$(PYTHON) tools/make_hostile.py

fuzz: $(VENV)/dev ## look for inputs that raise what they should not: RUNS for each target
	$(PYTHON) fuzz/run.py loader -runs=$(RUNS)
	$(PYTHON) fuzz/run.py emitter -runs=$(RUNS)

parity: $(VENV)/dev ## rewrite the tables of differences between the frameworks (hours; minutes: make parity SPEC=name)
	PYTHONPATH=tools $(PYTHON) tools/make_parity.py $(SPEC)

published: $(VENV)/dev ## compare networks with their public code, and rewrite the table of it (minutes)
	PYTHONPATH=tools $(PYTHON) tools/make_published.py $(SPEC)

mermaid: .cache/mermaid/mermaid.min.js ## fetch Mermaid by npm, for the tests that read charts with it

.cache/mermaid/mermaid.min.js:
	mkdir -p .cache/mermaid
	cd .cache/mermaid && npm pack --silent mermaid@$(MERMAID) && tar -xzf mermaid-$(MERMAID).tgz --strip-components=2 package/dist/mermaid.min.js
	cd .cache/mermaid && rm mermaid-$(MERMAID).tgz && { echo "$(MERMAID_SHA256)  mermaid.min.js" | sha256sum --check --quiet || { rm mermaid.min.js; exit 1; }; }

lock: $(VENV)/dev ## write constraints.txt anew: the newest version of every package that pyproject.toml and constraints.in allow
	$(PYTHON) .ci/lock

test-installed: ## build wheel and sdist without a warning, install each in a bare environment, use it
	.ci/installed

release: ## build wheel and sdist, try each in a clean environment, list licences, materials, vulnerabilities
	.ci/release

bench: $(VENV)/dev ## measure speed on this machine
	$(PYTHON) benchmarks/run.py

clean: ## remove what the targets made
	rm -rf $(VENV) demo site .cache build dist *.egg-info
