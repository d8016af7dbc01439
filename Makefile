# The whole interface. Python 3.11 or newer and make are all it takes: everything else is set up on the way.
.DEFAULT_GOAL := help
.PHONY: help demo test up down check catalogue-check bench faults planted mutants figures package deploy rebuild-check lock format clean always

# The interpreter to take, such as PYTHON=python3.11; left out, infra/bootstrap.py takes the one that suits best.
PYTHON ?=
STAGE ?= test
PY := .venv/bin/python
UV := .venv/bin/uv

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

# Any Python from 3.6 on can start the set-up. It is started each time, for a better interpreter may have come.
# All of pyenv's shims fail where .python-version names a version that pyenv does not have: its versions come last.
STARTERS := $(wildcard .venv/bin/python) python3 python3.13 python3.12 python3.11 python $(PYTHON) \
	$(wildcard $(or $(PYENV_ROOT),$(HOME)/.pyenv)/versions/3.*/bin/python3)
BOOTSTRAP := bootstrap() { for each in $(STARTERS); do \
	$$each -c 'import sys; sys.exit(sys.version_info < (3, 6))' 2> /dev/null && exec $$each -I infra/bootstrap.py "$$@"; \
	done; echo 'Python 3.11 or newer is needed, and no python3 runs: install Python 3.13.' >&2; exit 1; }; bootstrap

.venv/.ready: always
	@$(BOOTSTRAP) .venv $(PYTHON)

.venv-cloud/.ready: .venv/.ready always
	@$(BOOTSTRAP) .venv-cloud

always:

demo: .venv/.ready .venv-cloud/.ready ## tell the way of a coin on a stack of its own
	@$(PY) -m infra.local.demo

test: check .venv-cloud/.ready ## run every check and every test
	@$(PY) -m pytest --cov --cov-report=term:skip-covered
	@$(PY) -m coverage report --fail-under=100 --include='chalicelib/domain/*,chalicelib/usecases/*' > /dev/null
	@$(PY) -m coverage report --fail-under=95 > /dev/null

up: .venv/.ready .venv-cloud/.ready ## start the local cloud, with WORKERS warm; .local/stack.json says where
	@$(PY) -m infra.local.up $(if $(WORKERS),--workers $(WORKERS))

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

figures: .venv/.ready ## modules, lines, language and times, beside those of the first release
	@$(PY) -m tests.house.figures --against tests/house/figures_before.json

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
	@rm -rf build .local .local.removed-* .mypy_cache .ruff_cache .hypothesis .coverage .venv .venv.* .venv-cloud .venv-cloud.*
