# Two commands are enough: `make up` runs muster here, `make test` checks it. Both install what is missing first.
SETUP := config/deploy/setup.sh
BIN := .venv/bin

.PHONY: help setup up test bench pictures texts

help:
	@echo 'make up     installs what is missing and runs muster with its demonstration; Ctrl-C stops it'
	@echo 'make up LAN=1  the same, for phones on this network too'
	@echo 'make setup  installs what is missing, for running and for working on it'
	@echo 'make test   format, lint, types, layout, tests'
	@echo 'make pictures takes the documentation'"'"'s pictures anew'
	@echo 'make texts  adds new texts to the catalogue, and lists what waits for a translation'
	@echo 'make bench  all benchmarks, each beside its baseline'

setup:
	@$(SETUP) test

up:
	@$(SETUP) up && exec $(BIN)/muster up $(if $(filter-out 0 no,$(LAN)),--lan)

test:
	@$(SETUP) test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -n 2

# The pictures of the documentation are what a journey really saw.
pictures:
	@$(SETUP) test
	$(BIN)/python -m pytest tests/journeys/test_neighbourhood.py tests/journeys/test_tour.py --pictures docs/pictures

texts:
	@$(BIN)/python -m server.operations.catalogue

bench:
	@$(SETUP) test
	$(BIN)/muster bench all
