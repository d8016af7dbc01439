# The whole interface. Nothing but Python >= 3.11 and make is assumed: everything else is set up on the way.
.DEFAULT_GOAL := help
.PHONY: help demo test up down check catalogue-check bench faults planted mutants package deploy rebuild-check lock format clean

PYTHON ?= python3
STAGE ?= test
PY := .venv/bin/python
UV := .venv/bin/uv
UV_VERSION := $(shell sed -n 's/^uv==\([0-9.]*\).*/\1/p' requirements-dev.txt)

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

.venv/.ready: requirements-dev.txt
	@test -x $(UV) || { $(PYTHON) -m venv .venv && .venv/bin/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION); }
	@$(UV) pip sync --quiet --python $(PY) --compile-bytecode requirements-dev.txt
	@touch $@

.venv-cloud/.ready: requirements-cloud.txt .venv/.ready
	@test -x .venv-cloud/bin/python || $(UV) venv --quiet --python $(PY) .venv-cloud
	@$(UV) pip sync --quiet --python .venv-cloud/bin/python --compile-bytecode requirements-cloud.txt
	@touch $@

demo: .venv/.ready .venv-cloud/.ready ## tell the way of a coin on a stack of its own
	@$(PY) -m infra.local.demo

test: check .venv-cloud/.ready ## run every check and every test
	@$(PY) -m pytest --cov --cov-report=term:skip-covered
	@$(PY) -m coverage report --fail-under=100 --include='chalicelib/domain/*,chalicelib/usecases/*' > /dev/null
	@$(PY) -m coverage report --fail-under=95 > /dev/null

up: .venv/.ready .venv-cloud/.ready ## start the local cloud; .local/stack.json says where
	@$(PY) -m infra.local.up

down: ## stop the local cloud
	@test ! -x $(PY) || $(PY) -m infra.local.down

check: .venv/.ready ## formatting, lint, types, house rules, template
	@$(PY) -m ruff format --quiet --check .
	@$(PY) -m ruff check --quiet .
	@$(PY) -m mypy
	@$(PY) -m pytest tests/house

catalogue-check: .venv/.ready ## whether the catalogue in FILE may go live, and if not, which line stands in the way
	@$(PY) -m infra.operations.catalogue_check $(FILE)

bench: .venv/.ready .venv-cloud/.ready ## counted round trips, write units and modules; then CPU as ratios
	@$(PY) -m tests.bench

faults: .venv/.ready .venv-cloud/.ready ## prove that no coin is lost, doubled or stolen: ends with four noughts
	@$(PY) -m tests.faults

planted: .venv/.ready ## plant bugs, one at a time, and see that the tests notice each of them
	@$(PY) -m tests.faults.planting

mutants: .venv/.ready ## change the domain and the use cases at every place, and count which changes the tests notice
	@$(PY) -m tests.faults.mutants

package: .venv/.ready ## build/<STAGE>: the template and the zip that deploy
	@$(PY) -m infra.package --stage $(STAGE)

deploy: package ## package and deploy STAGE with CloudFormation (needs AWS credentials and BUCKET)
	@$(PY) -m infra.deploy --stage $(STAGE) --bucket $(BUCKET)

rebuild-check: .venv/.ready ## read the whole ledger of STAGE and add everything up again
	@$(PY) -m infra.operations.rebuild_check --stage $(STAGE)

lock: .venv/.ready ## resolve the newest versions into the hash-locked requirements
	@for name in requirements requirements-dev requirements-cloud; do \
		$(UV) pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header \
			--no-annotate --no-emit-index-url --no-emit-find-links $$name.in --output-file $$name.txt || exit 1; done

format: .venv/.ready ## format and mend what can be mended
	@$(PY) -m ruff format --quiet .
	@$(PY) -m ruff check --quiet --fix .

clean: down ## remove what was built
	@rm -rf build .local .mypy_cache .ruff_cache .hypothesis .coverage .venv .venv-cloud
