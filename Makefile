# The project's commands. They need Python 3.11 or newer and make; infra/bootstrap.py installs everything else.
.DEFAULT_GOAL := help
.PHONY: help demo test unit up serve reload seed logs down check screenshots catalogue-check bench capacity faults planted mutants figures package deploy rebuild-check redrive lock format clean always .up-variables

# The interpreter to use, such as PYTHON=python3.11. Default: the best match that infra/bootstrap.py finds.
PYTHON ?=
STAGE ?= test
PY := .venv/bin/python
UV := .venv/bin/uv

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

# Any Python from 3.6 on can run infra/bootstrap.py and infra/local/variables.py. The first runs each time, because a better
# interpreter may be installed.
# pyenv's shims fail if .python-version names a version that pyenv does not have, so its versions are tried last.
STARTERS := $(wildcard .venv/bin/python) python3 python3.13 python3.12 python3.11 python $(PYTHON) \
	$(wildcard $(or $(PYENV_ROOT),$(HOME)/.pyenv)/versions/3.*/bin/python3)
RUN := run() { for each in $(STARTERS); do \
	$$each -c 'import sys; sys.exit(sys.version_info < (3, 6))' 2> /dev/null && exec $$each -I "$$@"; \
	done; echo 'Python 3.11 or newer is needed, and no python3 runs: install Python 3.13.' >&2; exit 1; }; run

.venv/.ready: always
	@$(RUN) infra/bootstrap.py .venv $(PYTHON)

.venv-cloud/.ready: .venv/.ready always
	@$(RUN) infra/bootstrap.py .venv-cloud

# A misspelled option is refused before the environments are built.
.up-variables:
	@$(RUN) infra/local/variables.py

always:

demo: .venv/.ready .venv-cloud/.ready ## follow a purchase and a gift through a temporary local cloud
	@$(PY) -m infra.local.demo

test: .venv/.ready .venv-cloud/.ready ## run every check and every test, three processes at a time
	@$(PY) -m tests.run test

unit: .venv/.ready ## run the tests that need no store and no cloud, in seconds
	@$(PY) -m tests.run unit

up: .up-variables .venv/.ready .venv-cloud/.ready ## start the local cloud, with your CATALOGUE, Stripe account or issuer (infra/README.md)
	@$(PY) -m infra.local.up

serve: .venv/.ready ## run the API in one process on the running local cloud, reloading it when its code changes
	@$(PY) -m infra.local.serve

reload: .venv/.ready ## deploy the present code and catalogue to the running local cloud
	@$(PY) -m infra.local.reload

seed: .venv/.ready ## fill the running local cloud: a fan with coins, two creators, a day of gifts
	@$(PY) -m infra.local.seed

logs: .venv/.ready ## print the logs of the local cloud's functions, of the request with the id REQUEST if given
	@$(PY) -m infra.local.logs $(REQUEST)

down: ## stop the local cloud
	@test ! -x $(PY) || $(PY) -m infra.local.down

check: .venv/.ready ## check formatting, lint, types and house laws
	@$(PY) -m ruff format --quiet --check .
	@$(PY) -m ruff check --quiet .
	@$(PY) -m mypy
	@$(PY) -m pytest tests/house

screenshots: .venv/.ready ## take pictures of the custom elements in every look, into .local/screenshots
	@$(PY) -m tests.browser.screenshots

catalogue-check: .venv/.ready ## validate the catalogue in FILE, and print each bad line
	@$(PY) -m infra.operations.catalogue_check $(FILE)

bench: .venv/.ready .venv-cloud/.ready ## count round trips, write units and modules, and measure CPU time as ratios
	@$(PY) -m tests.bench

capacity: .venv/.ready ## simulate what each background worker holds, and how it recovers from an hour's outage
	@$(PY) -m tests.bench.capacity

faults: .venv/.ready .venv-cloud/.ready ## check that no fault loses or doubles coins; prints four counts, which must be 0
	@$(PY) -m tests.faults

planted: .venv/.ready ## plant known bugs one at a time, and check that the tests fail for each
	@$(PY) -m tests.faults.planting

mutants: .venv/.ready ## mutate the domain and the use cases, and count the mutants that the tests detect
	@$(PY) -m tests.faults.mutants

figures: .venv/.ready ## compare modules, lines, language and times with the first release
	@$(PY) -m tests.house.figures --against tests/house/figures_before.json

package: .venv/.ready ## write the template and the zip of STAGE to build/<STAGE>
	@$(PY) -m infra.package --stage $(STAGE)

deploy: package ## package and deploy STAGE with CloudFormation (needs AWS credentials and BUCKET)
	@$(PY) -m infra.deploy --stage $(STAGE) --bucket $(BUCKET)

rebuild-check: .venv/.ready ## recompute the whole ledger of STAGE from its entries
	@$(PY) -m infra.operations.rebuild_check --stage $(STAGE) $(if $(BUCKET),--bucket $(BUCKET))

redrive: .venv/.ready ## publish the events of STAGE between the hours FIRST and LAST again, such as FIRST=2026-11-22T09
	@$(PY) -m infra.operations.redrive --stage $(STAGE) stretch $(FIRST) $(LAST)

lock: .venv/.ready ## resolve the newest versions into the hash-locked requirements
	@for name in requirements requirements-dev requirements-cloud; do \
		$(UV) pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header \
			--no-annotate --no-emit-index-url --no-emit-find-links $$name.in --output-file $$name.txt || exit 1; done

format: .venv/.ready ## format the code, and apply the linter's fixes
	@$(PY) -m ruff format --quiet .
	@$(PY) -m ruff check --quiet --fix .

clean: down ## stop the local cloud, and remove all build and environment directories
	@rm -rf build .local .local.removed-* .mypy_cache .ruff_cache .hypothesis .coverage .venv .venv.* .venv-cloud .venv-cloud.*
