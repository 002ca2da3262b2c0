"""Whether the variants made the same picture: final latents against the baseline's, read from the runs' folders."""

from __future__ import annotations

import json
import math
import os
import struct
from array import array
from pathlib import Path

from profiler.analysis.cases import baseline_of
from profiler.analysis.state import RunState, SessionState
from profiler.sessions import SessionFolder

MAX_BYTES = 1 << 28
MAX_HEADER_BYTES = 1 << 20


def compare_outputs(folder: SessionFolder, session: SessionState) -> dict[str, float]:
    """PSNR in dB of each case's latents against its baseline's, at the same seed; equal latents are left to ``inf``.

    Cases whose latents are missing, not finite, or of another shape are left out.
    """
    found: dict[str, float] = {}
    for case in session.request.cases:
        baseline = baseline_of(session, case.name)
        if baseline in (None, case.name):
            continue
        ours, theirs = _latents(folder, session.runs_of(case.name)), _latents(folder, session.runs_of(str(baseline)))
        if ours is not None and theirs is not None and len(ours) == len(theirs):
            decibels = psnr(theirs, ours)
            if decibels is not None:
                found[case.name] = decibels
    return found


def psnr(reference: array[float], other: array[float]) -> float | None:
    """Peak signal-to-noise ratio in dB, the peak being the reference's range; None where that says nothing."""
    span = max(reference) - min(reference)
    error = math.fsum((one - two) ** 2 for one, two in zip(reference, other, strict=True)) / len(reference)
    if not math.isfinite(error) or not math.isfinite(span) or span == 0:
        return None
    return math.inf if error == 0 else 10 * math.log10(span * span / error)


def _latents(folder: SessionFolder, runs: list[RunState]) -> array[float] | None:
    for run in runs:
        for output in reversed(run.outputs):
            # The name comes from a log: it may only mean a file beside it.
            if output.file and Path(output.file).name == output.file:
                values = read_float32(folder.run(run.name) / output.file)
                if values:
                    return values
    return None


def read_float32(path: Path) -> array[float] | None:
    """The first float32 tensor of a safetensors file, flat; None if the file isn't one. Needs no torch and no numpy."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    with open(descriptor, "rb") as file:
        data = file.read(MAX_BYTES)
    try:
        (length,) = struct.unpack_from("<Q", data)
        if length > MAX_HEADER_BYTES:
            return None
        header = json.loads(data[8 : 8 + length])
        tensor = next(entry for name, entry in header.items() if name != "__metadata__" and entry["dtype"] == "F32")
        start, end = tensor["data_offsets"]
        values = array("f")
        values.frombytes(data[8 + length + start : 8 + length + end])
    except (struct.error, ValueError, KeyError, TypeError, StopIteration, RecursionError):
        return None
    return values
