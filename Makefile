# Every command of the project; `make` alone lists them. All the work is in app/bootstrap.py, which needs nothing
# but Python's standard library. Options go before or after the target: make demo PORT=9000 DATA_DIR=/srv/ssmae

PYTHON ?= python3
# -I: without it, Python puts app/ on its path, and app/queue.py hides the standard library's queue module.
BOOTSTRAP = $(PYTHON) -I app/bootstrap.py
# Options for pytest, for instance: make test ARGS="-k snapshot"
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help demo test test-fast lint clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## Install what is missing, then start the demo (PORT=8501 DATA_DIR=./data)
	@$(BOOTSTRAP) demo

test: ## Install what is missing, then run every check and every test (ARGS for pytest)
	@$(BOOTSTRAP) test $(ARGS)

test-fast: ## The tests alone, without the checks; stops at the first failure (ARGS for pytest)
	@$(BOOTSTRAP) test-fast $(ARGS)

lint: ## The checks alone: style, types, import contracts, spelling
	@$(BOOTSTRAP) lint

clean: ## Remove .venv and every cache; data/ stays
	rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis ./*.egg-info
	find app ssmae worker migrations tests -type d -name __pycache__ -prune -exec rm -rf {} +
