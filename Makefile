# Two commands: `make serve` and `make test`. Everything else is for people who change the code.
PORT ?= 8080
LANGS ?= en
RUNS ?= 2
PYTHON ?= python3
VENV := .venv
comma := ,
BIN := $(VENV)/bin
SETUP := $(VENV)/.installed
MODELS := $(VENV)/.models-$(subst $(comma),-,$(LANGS))

.DEFAULT_GOAL := help
.PHONY: pin help serve ask test check bench bench-peers web format clean

help: ## Show this.
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 16

serve: $(MODELS) ## Run the server and the call page (PORT=8080 LANGS=en or en,zh).
	@exec $(BIN)/polytalk serve --port $(PORT) --languages $(LANGS)

ask: $(MODELS) ## Ask one question without browser or server: make ask Q="What can you do?" OUT=reply.mp4
	@exec $(BIN)/polytalk ask "$(or $(Q),What can you do?)" --out $(or $(OUT),reply.mp4) --languages $(LANGS)

test: $(MODELS) $(VENV)/.dev ## Set up and run the tests.
	$(BIN)/python -m pytest -n 2 $(ARGS)

check: $(VENV)/.dev ## Lint, types, and who imports whom.
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports

bench: $(MODELS) $(VENV)/.dev ## Measure this machine against every promise: one table, bench/RESULTS.md (RUNS=5 takes half an hour).
	$(BIN)/python -m bench --table --runs $(RUNS)

bench-peers: $(MODELS) $(VENV)/.dev ## Measure other servers on the same figures, in environments of their own.
	bash bench/peers/setup.sh && $(BIN)/python -m bench --table --peers --runs $(RUNS)

web: ## Build the page (needs node 20) into src/polytalk/gateway/static.
	cd web && npm ci && npm run check && npm test && npm run build

format: $(VENV)/.dev ## Format the Python code.
	$(BIN)/ruff format . && $(BIN)/ruff check --fix .

clean: ## Remove the environment and caches.
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache

$(SETUP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Polytalk needs Python 3.11 or newer: make PYTHON=python3.12 ..."; exit 1; }
	@test -x $(BIN)/python || { echo "Setting up the environment in $(VENV) ..."; $(PYTHON) -m venv $(VENV) || { echo "Install it first: apt-get install python3-venv"; rm -rf $(VENV); exit 1; }; }
	@echo "Installing libraries (once, about a minute) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

$(MODELS): $(SETUP) src/polytalk/engines/models-en.txt src/polytalk/engines/models-zh.txt
	@echo "Installing models (once; about 250 MB for English, 270 MB more for Chinese) ..."
	@$(if $(findstring zh,$(LANGS)),$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[zh]')
	@$(BIN)/polytalk setup --languages $(LANGS)
	@touch $@

$(VENV)/.dev: $(SETUP)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

pin: ## Renew constraints.txt from what the newest fitting versions are.
	rm -rf $(VENV)-pin && $(PYTHON) -m venv $(VENV)-pin && $(VENV)-pin/bin/python -m pip install --quiet -e '.[dev,train,zh]'
	(echo "# Exact versions this project is tested with: pip install -c constraints.txt"; $(VENV)-pin/bin/python -m pip freeze --exclude-editable | grep -vE '@|^(pip|setuptools|wheel)==') > constraints.txt
	rm -rf $(VENV)-pin
