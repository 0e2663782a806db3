# Every target works alone from a fresh clone; needed: Python 3.11 or later, make, gcc, git.

# The first Python that is recent enough; python3, and an error that says so, when none is.
CANDIDATES := python3 python3.11 python3.12 python3.13 python3.14
RECENT := import sys; sys.exit(sys.version_info < (3, 11))
ifndef PYTHON
PYTHON := $(shell for p in $(CANDIDATES); do $$p -c '$(RECENT)' 2>/dev/null && echo $$p && exit; done; echo python3)
endif
BIN := .venv/bin
PARTS := fsm_ems tests $(wildcard examples) $(wildcard benchmarks)

.DEFAULT_GOAL := help
.PHONY: help .venv .venv-peers python demo test check mypy pyright format diagrams bench soak restarts crashes kills simulate lock clean

help:
	@echo 'make demo       seven orders of two traders, to their ends, on the paper venue'
	@echo 'make test       check, then every test under coverage'
	@echo 'make check      ruff, mypy, pyright'
	@echo 'make format     let ruff rewrite what it can'
	@echo 'make diagrams   redraw diagrams/ from the tables'
	@echo 'make bench      measure, beside the peers'
	@echo 'make soak       search for faults for as long as it takes'
	@echo 'make restarts   search what crashes, retries, skew and lag can do to the core'
	@echo 'make simulate   run the whole EMS against simulated faults, SEEDS=20000 times from SEED=0'
	@echo 'make crashes    cut the power at every write, sync and send, and see that nothing is lost'
	@echo 'make kills      kill -9 a trading program KILLS=1000 times, and see that it keeps its promises'
	@echo 'make lock       renew the locks in requirements/'
	@echo 'make clean      remove what the tools left behind (the environments too)'

python:
	@$(PYTHON) -c '$(RECENT)' 2>/dev/null || { \
	  echo 'fsm_ems needs Python 3.11 or later, and "$(PYTHON)" is not.' >&2; \
	  echo 'Unless told by make PYTHON=... the first of these that is will do: $(CANDIDATES).' >&2; exit 1; }

# A stamp, not the directory, says that an environment is complete.
.venv: .venv/.stamp
.venv/.stamp: requirements/dev.txt pyproject.toml | python
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

.venv-peers: .venv-peers/.stamp
.venv-peers/.stamp: requirements/peers.txt | python
	$(PYTHON) -m venv .venv-peers
	.venv-peers/bin/python -m pip install --quiet --disable-pip-version-check \
	  --require-hashes -r requirements/peers.txt
	@touch $@

demo: .venv/.stamp
	$(BIN)/fsm-ems demo

# The two type checkers take one core each, and side by side as long as the slower: --jobs in the sub-make.
check: .venv/.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	@$(MAKE) --no-print-directory --jobs=2 --output-sync mypy pyright

mypy pyright: .venv/.stamp
	$(BIN)/$@ $(PARTS)

format: .venv/.stamp
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

# pytest-cov merges what the workers and subprocesses measured, reports it, and fails the run below
# the fail_under of pyproject.toml; pytest's closing line stays the last.
test: check
	$(BIN)/pytest -n 2 --dist worksteal --cov --cov-report=term

diagrams: .venv/.stamp
	$(BIN)/python -m fsm_ems.machines.draw diagrams

bench: .venv/.stamp .venv-peers/.stamp
	$(BIN)/python -m benchmarks

soak: .venv/.stamp
	$(BIN)/python -m fsm_ems.testing.explore --soak

restarts: .venv/.stamp
	$(BIN)/python -m fsm_ems.testing.explore --crashes --mutants
	$(BIN)/python -m fsm_ems.testing.explore --crashes

SEED := 0
SEEDS := 20000
simulate: .venv/.stamp
	$(BIN)/python -m fsm_ems.testing.simulate --seed $(SEED) --seeds $(SEEDS)

crashes: .venv/.stamp
	$(BIN)/python -m fsm_ems.testing.crash_points

KILLS := 1000
kills: .venv/.stamp
	$(BIN)/python -m fsm_ems.testing.kill9 --kills $(KILLS)

# Resolved on 3.11, the oldest Python we run on; hashes of every file of a release, so that a lock
# installs on any platform. The peers pin themselves in peers.in. Extras stay in: where a package asks
# for coverage[toml], pip 23 takes the newest release of it and not the one pinned without the extra.
COMPILE = .venv-lock/bin/pip-compile --quiet --upgrade --generate-hashes --allow-unsafe --no-strip-extras \
  --no-header --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-emit-options
lock: | python
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || { \
	  echo 'locks are resolved on Python 3.11: make lock PYTHON=python3.11' >&2; exit 1; }
	$(PYTHON) -m venv .venv-lock
	.venv-lock/bin/python -m pip install --quiet --disable-pip-version-check pip-tools==7.6.2
	$(COMPILE) -o requirements/runtime.txt pyproject.toml requirements/windows.in
	$(COMPILE) --extra report -o requirements/dev.txt pyproject.toml requirements/windows.in requirements/dev.in
	$(COMPILE) -o requirements/peers.txt requirements/peers.in

clean:
	rm -rf .venv .venv-lock .venv-peers build dist htmlcov .mypy_cache .pytest_cache .ruff_cache .hypothesis
	rm -f .coverage .coverage.*
	find fsm_ems tests examples benchmarks -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true
