# make demo    see the product at work            make check   what CI runs: everything below must be in order
# make test    all tests                          make docs    write docs/ from the code again
# make bench   benchmarks beside their peers      make models  train and export the models again
# Every target does by itself what it needs, may be run twice, and may be interrupted.
#
#   make demo CLIP=/path/to/any.mp4    make demo CLIP=rtsp://...    make demo SECONDS=60
#   make test ARGS="tests/edge -k outbox"                           make setup PYTHON=python3.12
#   make models NAME=street

SHELL := /usr/bin/env bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup tools demo test check docs bench bench-planning bench-upload bench-thermal bench-falling bench-flame bench-flooding bench-replay bench-placing bench-roofs bench-street bench-rules models sizes clean
.NOTPARALLEL:

bin := .venv/bin
# numpy and onnxruntime on one thread each: two test processes on two cores, not four threads fighting
export OMP_NUM_THREADS ?= 1
export PYTHON

help:
	@awk '!/^#/ { exit } { sub(/^# ?/, ""); print }' Makefile

setup:
	@make/setup

tools: setup
	@make/tools
	@make/peers

# SECONDS is taken from the command line only: shells keep a variable of that name for themselves.
demo: setup
	@exec $(bin)/patrol demo $(if $(CLIP),--clip '$(CLIP)') $(if $(filter command,$(firstword $(origin SECONDS))),--seconds '$(SECONDS)')

test: setup tools
	@$(bin)/pytest -n 2 --dist loadgroup $(or $(ARGS),-q)

check: setup
	@make/step 'format (ruff format)' $(bin)/ruff format --check
	@make/step 'lint (ruff check)' $(bin)/ruff check
	@make/step 'types (mypy --strict)' $(bin)/mypy
	@make/step 'import rules (import-linter)' $(bin)/lint-imports --no-logo
	@make/step 'generated docs are up to date' $(bin)/python docs/build.py --check
	@make/step --live 'tests' $(MAKE) --no-print-directory test

docs: setup
	@$(bin)/python docs/build.py

bench: setup
	@$(bin)/python -m bench $(ARGS)

# The planner beside its peers, and thousands of random tasks: about 20 minutes. ARGS=peers is quick.
bench-planning: setup
	@PYTHON=$(bin)/python bench/planning/setup
	@$(bin)/python -m bench.planning.run $(ARGS)

# Uploads beside MAVSDK and dronekit2, which get an environment of their own: about 20 minutes.
bench-upload: setup
	@test -x .venv-bench-upload/bin/python || $(bin)/python -m venv .venv-bench-upload
	@.venv-bench-upload/bin/pip install --quiet 'mavsdk>=4.1' 'dronekit2>=3'
	@$(bin)/python -m bench.upload --peers .venv-bench-upload/bin/python $(ARGS)

# Radiometric pictures against their reference (needs the shared data), and made scenes with fires of known size: two minutes.
bench-thermal: setup
	@$(bin)/python -m bench.thermal
	@$(bin)/python -m bench.thermal_scenes $(ARGS)

# Twenty simulated drones in the air on one station: about a minute.
bench-station: setup
	@$(bin)/python -m bench.station $(ARGS)

# Falling things on rendered fronts, on seeds that nobody tuned on: some seconds a scene.
bench-falling: setup
	@$(bin)/python -m bench.falling $(ARGS)

# Flame and smoke: what the network alone would say of real pictures, and what the rule makes of it. Needs the shared data.
bench-flame: setup
	@$(bin)/python -m bench.flame

# Square metres of water on rendered drone views, rendered streets that flood, and decisions on real pictures: some fifteen minutes. Needs the shared data.
bench-flooding: setup
	@$(bin)/python -m bench.flooding $(ARGS)

# The labelled real scenes through the box's pipeline. Needs the shared data.
bench-replay: setup
	@$(bin)/patrol-edge replay tests/replay/scenes/*.yaml $(ARGS)

# Rendered streets on seeds that nobody tuned on: fire lanes and perimeters, about half an hour. ARGS="--scenes 20" is quick.
bench-street: setup
	@$(bin)/python -m bench.street $(ARGS)

# Places found by their pixel against the truth, and poses refined by what pictures both show: about a minute.
bench-placing: setup
	@$(bin)/python -m bench.placing

# What is found of structures built on real roofs, and what is named that was not built: some minutes. Needs the shared data.
bench-roofs: setup
	@$(bin)/python -m bench.roofs $(ARGS)

# What each rule costs a frame.
bench-rules: setup
	@$(bin)/python -m bench.rules

models:
	@make/models $(or $(NAME),street)

# How large each extra is in a clean virtual environment, and how long it takes to install.
sizes: setup
	@make/sizes

# Leaves .venv* and var/ (what the demo recorded): remove those by hand if you mean it.
clean:
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist *.egg-info patrol/center/console
	find . -name __pycache__ -not -path './.venv*' -prune -exec rm -rf {} +
