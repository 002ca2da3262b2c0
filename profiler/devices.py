"""Which device a request means, decided without importing torch (that takes seconds, and viewing needs no torch)."""

from __future__ import annotations

import importlib.util
import itertools
import os
import re
from collections.abc import Mapping
from pathlib import Path

from profiler.request import BadRequest

_CUDA_VERSION = re.compile(r"^cuda(?:\s*:[^=]*)?\s*=\s*(?P<value>.+?)\s*$", re.MULTILINE)
_MASK = "CUDA_VISIBLE_DEVICES"
_UUIDS = ("GPU-", "MIG-")
_NUMBER = re.compile(r"\+?[0-9]{1,9}")
_DEVICE = re.compile(r"cpu|cuda:(?P<index>\d{1,3})")


def choose(given: str | None, environ: Mapping[str, str] = os.environ) -> str:
    """The device to measure on: ``given`` if it can be had, else cuda:0 if there is one, else cpu.

    Raises BadRequest.
    """
    why_not = why_no_cuda(environ)
    if given is None:
        return "cpu" if why_not else "cuda:0"
    device = "cuda:0" if given == "cuda" else given
    found = _DEVICE.fullmatch(device)
    if found is None:
        raise BadRequest(f"device must be cpu or cuda:N, not {given!r}")
    if device != "cpu" and why_not:
        raise BadRequest(f"{device} can't be used: {why_not}; --device cpu would work")
    return device


def why_no_cuda(environ: Mapping[str, str] = os.environ) -> str | None:
    """None if torch is built for CUDA and an NVIDIA driver is loaded, else what is missing.

    Reads torch's version file instead of importing it. It can be wrong where a driver is broken: the worker then
    reports what torch says.
    """
    version = torch_version_file()
    if version is None:
        return "torch is not installed"
    found = _CUDA_VERSION.search(version)
    if found is None or found["value"] == "None":
        return "the installed torch is built without CUDA"
    if (
        not Path("/proc/driver/nvidia/version").exists()
        and not Path("/dev/nvidiactl").exists()
        and not Path("/dev/dxg").exists()
    ):
        return "no NVIDIA driver is loaded"
    if _hides_all(environ.get(_MASK, "0")):
        return f"{_MASK} hides every GPU"
    return None


def _hides_all(mask: str) -> bool:
    """Whether CUDA shows no device with this mask, whatever devices there are. As ``torch.cuda`` reads it: a list of
    numbers or of UUIDs, of which the first that is neither ends it, and one that comes twice makes it empty.
    """
    words = [word.strip() for word in mask.split(",")]
    if words[0].startswith(_UUIDS):
        prefix = words[0][:4]
        known = list(itertools.takewhile(lambda word: word.startswith(prefix), words))
    else:
        numbers = map(_NUMBER.match, words)
        known = [str(int(found[0])) for found in itertools.takewhile(lambda found: found is not None, numbers) if found]
    return not known or len(set(known)) < len(known)


def torch_version_file() -> str | None:
    """The text of torch's ``version.py``, None where torch isn't installed. Does not import torch."""
    spec = importlib.util.find_spec("torch")
    if spec is None or spec.origin is None:
        return None
    try:
        return (Path(spec.origin).parent / "version.py").read_text(encoding="utf-8")
    except OSError:
        return None
