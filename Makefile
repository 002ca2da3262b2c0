# make demo    set up .venv (once) and profile a tiny Stable Diffusion 1.5 on this machine
# make test    set up .venv (once) and run every test but the long ones; tmux, in which some run, is installed once
#              where apt needs no password (TMUX_SETUP= leaves it: those are skipped then)
# make soak    run the long tests: a day in fast-forward, hundreds of kills (TESTS="tests/soak" for a part of them)
# make test-gpu run the device suite on this machine's NVIDIA GPU (docs/gpu.md); skipped with the reason where there is none
# make check   lint, format and types
# make bench   measure what stepscope promises and print one table (BENCH="--quick" for shorter spans)
# make truth   check what is told of compiles against tlparse's reading of torch's trace, for the whole catalogue
#              (TRUTH="sd15-txt2img --scenario steady" for a part of it)
# make published   make the published benchmark's runs on this GPU, most telling first, and print its tables beside ours;
#              again, it goes on where it stopped (PUBLISHED="--max-time 600 --keep")
# make schemas write docs/*.schema.json from the documents' types, docs/events.md from those of the events,
#              docs/triggers.md from the table of causes and docs/keys.md from the table of keys
# make screenshots   take the pictures of the README anew
# make clean   remove .venv and every cache

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip -qq --disable-pip-version-check --no-input
MADE := $(VENV)/made
INSTALLED := $(VENV)/installed
TESTABLE := $(VENV)/testable
TMUX_TRIED := $(VENV)/tmux-tried
TMUX_SETUP ?= sh tests/support/tmux.sh

# Hundreds of processes are started by the tests: each would compile every module again where this is set.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: demo test test-gpu soak check bench truth published schemas screenshots clean
.DELETE_ON_ERROR:

demo: $(INSTALLED)
	@$(BIN)/stepscope demo

test: $(TESTABLE) $(TMUX_TRIED)
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 3 --dist loadfile -m "not pty and not soak and not gpu" $(TESTS) || [ $$? -eq 5 ]
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 3 --dist worksteal -m "pty and not soak and not gpu" $(TESTS) || [ $$? -eq 5 ]

# By itself and with all cores: the tests of what measuring costs share the GPU with nobody.
test-gpu: $(TESTABLE)
	@$(BIN)/python -m pytest -m gpu $(or $(TESTS),tests/gpu/test_*.py tests/worker/test_clock.py \
	  tests/worker/compiles/test_cuda.py) || [ $$? -eq 5 ]

soak: $(TESTABLE)
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m soak $(TESTS)

check: $(TESTABLE)
	@$(BIN)/python -m ruff check .
	@$(BIN)/python -m ruff format --check .
	@$(BIN)/python -m mypy

bench: $(TESTABLE)
	@$(BIN)/python -m tests.bench $(BENCH)

truth: $(TESTABLE)
	@OMP_NUM_THREADS=1 $(BIN)/python -m tests.truth $(TRUTH)

published: $(INSTALLED)
	@$(BIN)/python -m benchmarks.published $(PUBLISHED)

schemas: $(INSTALLED)
	@$(BIN)/python -c "import json; from profiler.report.documents import DOCUMENTS, json_schema; \
	  [open(f'docs/{name}.schema.json', 'w').write(json.dumps(json_schema(name), indent=2) + '\n') for name in DOCUMENTS]"
	@$(BIN)/python -c "from profiler.report.eventspage import events_page; open('docs/events.md', 'w').write(events_page())"
	@$(BIN)/python -c "from profiler.report.causespage import causes_page; open('docs/triggers.md', 'w').write(causes_page())"
	@$(BIN)/python -c "from tui.keys.page import keys_page; open('docs/keys.md', 'w').write(keys_page())"

screenshots: $(TESTABLE)
	@$(BIN)/python -m tests.support.screenshots

clean:
	@rm -rf $(VENV) build *.egg-info .ruff_cache .mypy_cache .pytest_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A torch that is importable already is kept: it may be built for this machine's GPU, and it is gigabytes to download.
define FIND_TORCH
from importlib.metadata import version
try:
    found = version("torch")
    if tuple(map(int, found.split(".")[:2])) >= (2, 8):
        print(found)
except Exception:
    pass
endef
export FIND_TORCH

$(MADE):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "stepscope needs Python 3.11 or later as $(PYTHON): try 'make PYTHON=python3.12'" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo "$(PYTHON) has no venv module: install it (apt install python3-venv)" >&2; exit 1; }
	@echo "setting up $(VENV): this takes a few minutes, once"
	@rm -rf $(VENV)
	@$(PYTHON) -m venv --without-pip --system-site-packages $(VENV)
	@torch="$$($(BIN)/python -c "$$FIND_TORCH")"; \
	  if [ -n "$$torch" ]; then \
	    echo "using torch $$torch, which is installed already"; \
	    $(PYTHON) -m venv --system-site-packages $(VENV); \
	  else \
	    $(PYTHON) -m venv --clear $(VENV); \
	  fi
	@touch $@

# The one torch that is visible wins over the pinned one.
$(VENV)/constraints.txt: constraints.txt $(MADE)
	@torch="$$($(BIN)/python -c "$$FIND_TORCH")"; \
	  if [ -n "$$torch" ]; then sed "s/^torch==.*/torch==$$torch/" constraints.txt > $@; else cp constraints.txt $@; fi

$(INSTALLED): pyproject.toml $(VENV)/constraints.txt
	@$(PIP) install -c $(VENV)/constraints.txt -e .
	@touch $@

# Once: where it can't be installed each further try would cost the same time.
$(TMUX_TRIED): | $(TESTABLE)
	@$(TMUX_SETUP)
	@touch $@

$(TESTABLE): $(INSTALLED)
	@$(PIP) install -c $(VENV)/constraints.txt -e '.[test]'
	@touch $@
