"""What torch.compile's inductor needs to compile: a compiler and the Python headers. Imports no torch."""

from __future__ import annotations

import os
import shutil
import sysconfig
from collections.abc import Mapping
from pathlib import Path

from profiler.request import Compilation

NO_CXX = "no C++ compiler (apt install g++ python3-dev)"
NO_CC = "no C compiler (apt install gcc python3-dev)"
NO_HEADERS = "no Python headers (apt install python3-dev)"


def missing_for(compilation: Compilation, device: str) -> str | None:
    """What ``compilation`` lacks on this machine to run on ``device``, with the remedy; None if nothing."""
    if compilation.backend != "inductor":
        return None
    return missing(device)


def missing(device: str, environ: Mapping[str, str] = os.environ) -> str | None:
    """What inductor lacks on this machine for ``device``, with the remedy; None if nothing.

    For a CPU it writes C++; on CUDA, Triton compiles a C launcher for every kernel. Both include Python.h.
    """
    if device.startswith("cuda"):
        compilers, complaint = _candidates(environ.get("CC"), "cc", "gcc", "clang"), NO_CC
    else:
        compilers, complaint = _candidates(environ.get("CXX"), "g++", "clang++", "c++"), NO_CXX
    if not any(shutil.which(compiler, path=environ.get("PATH")) for compiler in compilers):
        return complaint
    if not Path(sysconfig.get_paths()["include"], "Python.h").is_file():
        return NO_HEADERS
    return None


def _candidates(chosen: str | None, *usual: str) -> tuple[str, ...]:
    return (chosen,) if chosen else usual
