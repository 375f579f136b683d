# The commands of the project. `make demo` and `make test` set everything up by themselves.
.DEFAULT_GOAL := help
.SILENT:
.PHONY: help setup demo test lint types fences colcon coverage faults soak mutation bench check lock clean

PYTHON ?=
BIN := .venv/bin
QUICK_TESTS := test/unit test/meta test/property test/report test/launch
LIVE_TESTS := test/campaign test/end_to_end test/ros

# A ROS installation that is sourced in this shell must not mix with the ROS of .venv.
ifdef AMENT_PREFIX_PATH
unexport PYTHONPATH AMENT_PREFIX_PATH CMAKE_PREFIX_PATH LD_LIBRARY_PATH
endif

help: ## list the targets
	awk -F ' ## ' '/^[a-z]+:.* ## /{sub(/:.*/, "", $$1); printf "  make %-9s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))
	echo '  Options go in ARGS, an interpreter in PYTHON: make demo ARGS="--duration 30 --headless" PYTHON=python3.11'

setup: ## make the environment in .venv (the other targets do it when it is needed)
	command -v python3 > /dev/null || { echo "set-up failed: no python3; apt-get install python3 python3-venv" >&2; exit 1; }
	python3 environment/bootstrap.py --python "$(PYTHON)"

demo: setup ## operate the simulated robot until Ctrl-C
	exec $(BIN)/telesurgery demo $(ARGS)

test: setup ## run all tests: those without nodes on two cores, then those that need the machine to themselves
ifdef ARGS
	exec $(BIN)/pytest $(ARGS)
else
	$(BIN)/pytest -n 2 $(QUICK_TESTS)
	exec $(BIN)/pytest $(LIVE_TESTS)
endif

lint: setup ## style of the code
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: setup ## types of the code that has no ROS in it
	$(BIN)/mypy

fences: setup ## who may import whom
	$(BIN)/lint-imports --no-logo

colcon: setup ## build as on a ROS machine and start every executable
	exec $(BIN)/python environment/colcon_check.py

coverage: setup ## line and branch coverage of the safety core: 100 % or it fails
	exec $(BIN)/python -m campaign.coverage $(ARGS)

faults: setup ## inject faults, at least 2,500; figures and picture in out/
	exec $(BIN)/python -m campaign.faults $(ARGS)

soak: setup ## half an hour of healthy operation under load; figures in out/
	exec $(BIN)/python -m campaign.soak $(ARGS)

mutation: setup ## break every line of the safety core and see a test fail; figures in out/
	exec $(BIN)/python -m campaign.mutation $(ARGS)

bench: setup ## how fast, beside bare rclpy on the same machine; figures and picture in out/
	exec $(BIN)/python -m campaign.bench $(ARGS)

check: lint types fences colcon coverage test ## what CI does, but for its three minutes of soak

lock: setup ## make environment/requirements.lock anew from requirements.in
	$(BIN)/uv pip compile --no-config --universal --python-version 3.10 --fork-strategy fewest --generate-hashes \
		--upgrade --no-header --quiet environment/requirements.in --output-file environment/requirements.lock

clean: ## delete the environment and everything built
	rm -rf .venv build install log *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
