"""Whether the variants made the same picture: final latents against the baseline's, read from the runs' folders."""

from __future__ import annotations

import json
import math
import struct
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from profiler.analysis.cases import baseline_of
from profiler.analysis.lots import Lot, lots_of
from profiler.analysis.outputs import Latents, OutputComparison, compare_latents
from profiler.analysis.state import SessionState
from profiler.events import Output
from profiler.report.beside import file_beside, read_regular
from profiler.sessions import SessionFolder

MAX_BYTES = 1 << 28
MAX_HEADER_BYTES = 1 << 20

FolderOf = Callable[[Lot], SessionFolder]
"""The session folder in which a lot's runs are: sessions of any home are compared."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that a run kept: a PNG file, and the same small, which ``thumbnails.read_thumbnail`` reads."""

    run: str
    call: int
    file: Path | None
    thumbnail: Path | None


def compare_outputs(folder_of: FolderOf, lot: Lot, baseline: Lot) -> OutputComparison:
    """The final latents of ``lot`` against ``baseline``'s; of the baseline itself, against its own repeats.

    Kept until a file of either changes, so a screen may ask as often as it likes.
    """
    sides = [_files(folder_of, one) for one in (lot, baseline)]
    key = (
        lot == baseline,
        lot.key,
        baseline.key,
        *(tuple((file.path, file.identity) for file in files) for files in sides),
    )
    found = _kept.get(key)
    if found is None:
        if len(_kept) >= KEPT:
            _kept.clear()
        found = _kept[key] = _compare(lot, sides[0], baseline, sides[1])
    return found


def session_outputs(
    folder: SessionFolder, session: SessionState, baseline: str | None = None
) -> dict[str, OutputComparison]:
    """The comparison of each case of a session with ``baseline``, or with the no-compile case of the same workload.

    Cases that nothing is compared with, the baseline among them, are left out.
    """
    found: dict[str, OutputComparison] = {}
    for lot in lots_of(session):
        name = baseline or baseline_of(session, lot.name)
        if name not in (None, lot.name):
            found[lot.name] = compare_outputs(lambda _: folder, lot, Lot(session, session.request.case(str(name))))
    return found


@dataclass(frozen=True, slots=True)
class _File:
    """The latents that a run says it kept. ``identity`` tells whether the file is still the one that was read."""

    run: str
    output: Output
    path: Path | None
    identity: tuple[int, int, int] | None


KEPT = 256
_kept: dict[tuple[object, ...], OutputComparison] = {}


def _files(folder_of: FolderOf, lot: Lot) -> list[_File]:
    found = []
    for run in lot.usable:
        output = next((output for output in reversed(run.outputs) if output.file), None)
        if output is None or output.file is None:
            continue
        path = file_beside(folder_of(lot).run(run.name), output.file)
        found.append(_File(run.name, output, path, _identity(path)))
    return found


def _identity(path: Path | None) -> tuple[int, int, int] | None:
    try:
        about = None if path is None else path.lstat()
    except (OSError, ValueError):
        return None
    return None if about is None else (about.st_ino, about.st_size, about.st_mtime_ns)


def _compare(lot: Lot, ours: list[_File], baseline: Lot, theirs: list[_File]) -> OutputComparison:
    left_out: list[str] = []
    reference = _read(theirs, left_out)
    same = lot == baseline
    return compare_latents(
        lot.name,
        reference if same else _read(ours, left_out),
        baseline.name,
        reference,
        itself=same,
        dtypes=[one.case.workload.dtype for one in (lot, baseline)],
        left_out=left_out,
    )


def _read(files: list[_File], left_out: list[str]) -> list[Latents]:
    found = []
    for file in files:
        values = read_float32(file.path) if file.path is not None else None
        count = math.prod(file.output.shape)
        if values and len(values) == count and all(length > 0 for length in file.output.shape):
            output = file.output
            found.append(Latents(file.run, values, tuple(output.shape), output.seed, output.dtype))
        else:
            left_out.append(f"{file.run}: its latents can't be read")
    return found


def pictures_of(folder_of: FolderOf, lot: Lot) -> list[Picture]:
    """The pictures that the runs of ``lot`` kept (``--save-images``), run by run. Names that leave the run's folder are
    left out; whether the files are there and hold a picture shows when they are read.
    """
    found: list[Picture] = []
    for run in lot.usable:
        folder = folder_of(lot).run(run.name)
        for output in run.outputs:
            for number in range(max(len(output.images), len(output.thumbnails))):
                file, thumbnail = (
                    file_beside(folder, names[number]) if number < len(names) else None
                    for names in (output.images, output.thumbnails)
                )
                if file is not None or thumbnail is not None:
                    found.append(Picture(run.name, output.call, file, thumbnail))
    return found


def read_float32(path: Path) -> array[float] | None:
    """The first float32 tensor of a safetensors file, flat; None if the file isn't one. Needs no torch and no numpy."""
    data = read_regular(path, MAX_BYTES)
    if data is None:
        return None
    try:
        (length,) = struct.unpack_from("<Q", data)
        if length > MAX_HEADER_BYTES:
            return None
        header = json.loads(data[8 : 8 + length])
        tensor = next(entry for name, entry in header.items() if name != "__metadata__" and entry["dtype"] == "F32")
        start, end = tensor["data_offsets"]
        values = array("f")
        values.frombytes(data[8 + length + start : 8 + length + end])
    except (struct.error, ValueError, KeyError, TypeError, StopIteration, RecursionError, AttributeError):
        return None
    return values
