"""The ``stepscope`` command: pins the two packages to this installation, then hands over to ``tui.cli``."""

from __future__ import annotations

import importlib.util
import os
import signal
import sys

HERE = os.path.dirname(os.path.realpath(__file__))
INTERRUPTED = 130
"""The exit code that a shell gives to what ctrl-c has ended."""


def pin(*names: str) -> None:
    """Register packages of this installation before anything else can be imported under their names.

    ``profiler`` and ``tui`` are common names: a ``profiler.py`` in the working directory or on PYTHONPATH would
    otherwise be imported in their place.
    """
    for name in names:
        folder = os.path.join(HERE, name)
        location = os.path.join(folder, "__init__.py")
        spec = importlib.util.spec_from_file_location(name, location, submodule_search_locations=[folder])
        if spec is None or spec.loader is None:
            raise ImportError(f"stepscope is not installed completely: {location} is missing")
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)


def main() -> int:
    """Run the command line, or a process that stepscope has started, and return its exit code."""
    pin("profiler", "tui")
    if sys.argv[1:2] == ["--child"]:
        from profiler.launch import run_child

        return run_child(sys.argv[2], sys.argv[3:])
    try:
        from tui.cli import main as command

        return command()
    except KeyboardInterrupt:
        return INTERRUPTED  # while modules are loaded
    finally:
        # On its way out Python would show where it was. Where ctrl-c is ignored it goes on being so.
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, signal.SIG_DFL)


if __name__ == "__main__":
    sys.exit(main())
