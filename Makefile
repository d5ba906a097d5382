# `make run` and `make test` work on a fresh Debian or Ubuntu machine; each installs only what is missing.
SHELL := /bin/sh
PY := .venv/bin/python
.DEFAULT_GOAL := help
.PHONY: help run test lint cities calendars bench pages shots lighthouse install install-dev clean

help: ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile | expand -t 20

run: install ## Install what is missing, then start everything (CITY=path/to/pack, PORT=8000)
	@exec .venv/bin/wenlu up $(if $(CITY),--city '$(CITY)')

test: install-dev ## Install what is missing, then run the whole suite and every check
	@$(PY) -m pytest -m 'not cities' -n 2 --dist loadfile
	@$(MAKE) --no-print-directory lint

lint: install-dev ## Formatting, lint, types and the order of the packages
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy
	@if grep -q '^\[tool.importlinter' pyproject.toml; then .venv/bin/lint-imports; fi

cities: install-dev ## Replay the real data of several cities (WENLU_DATA)
	@$(PY) -m pytest -m cities

calendars: install-dev ## Count 10,000 random calendars minute by minute
	@CALENDARS=10000 $(PY) -m pytest tests/routing/test_calendar.py -k minute_by_minute --timeout 1800

bench: install-dev ## Measure speed
	@$(PY) -m pytest tests/bench -s

pages: install-dev ## Every page in every language, scheme and width, with axe
	@PAGES=all $(PY) -m pytest tests/browser/test_every_page.py

lighthouse: install-dev ## Lighthouse on the first pages of residents (needs Node and the package registry)
	@LIGHTHOUSE='npx --yes lighthouse@12' $(PY) -m pytest tests/browser/test_lighthouse.py -s

shots: install-dev ## A picture of every page, on a phone and on a desk (SHOTS=.local/shots)
	@SHOTS='$(or $(SHOTS),.local/shots)' $(PY) -m pytest tests/browser/test_every_page.py

install:
	@portal/deploy/install run

install-dev:
	@portal/deploy/install test

clean: ## Remove what was built; WENLU_HOME with its data stays
	@rm -rf .venv static/vendor tests/vendor build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
	@find geo routing portal jobs tests -name __pycache__ -type d -prune -exec rm -rf {} +
