"""Runs, calls and steps as CSV: for spreadsheets, pandas, and whoever wants to compute it himself.

RFC 4180: comma, CRLF, quotes where they are needed, a header line; UTF-8 without a mark. A cell that is empty was not
measured. Units are in the names: ``_ms``, ``_s``, ``_bytes``. The text comes in pieces, so that a session of a million
steps is never in memory as a whole.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec

from profiler.analysis.columns import ABSENT
from profiler.analysis.figures import CallFigures, run_figures
from profiler.analysis.legs import headline_calls
from profiler.analysis.loops import is_clean
from profiler.analysis.lots import Lot, session_ids, was_cold
from profiler.analysis.state import Call, RunState, SessionState
from profiler.report.casedocument import Device, device_of
from profiler.report.text import unsteering

Runs = Sequence[tuple[SessionState, RunState]]
Ids = Mapping[SessionState, str]
Cell = str | int | float | None

_FORMULA = re.compile(r"""\A(?=[=+@＝＋－＠\t\r\n-])|[;\t\r\n]["']*(?=[=+@＝＋－＠-])""")
"""Where a spreadsheet would begin to compute text: a formula can fetch a page (OWASP, CSV injection).

Some take the wide forms of the signs, too. Within a cell: where the settings of a country make ``;`` or a tab the mark
between cells, the quotes around ours are none, and a line's end in it ends the row.
"""
_KEYED_BY_NAME = ("stages", "phases")
_JOINED = " | "


def run_rows(runs: Runs) -> Iterator[str]:
    """A row a run: what it is, how it ended, and every figure of it. Lists are numbered columns, from 1."""
    ids = session_ids(session for session, _ in runs)
    devices = {session: device_of(session) for session in ids}
    rows = [
        _about(ids, session, run) | _ended(session, run) | _figures(session, run, devices[session])
        for session, run in runs
    ]
    columns = _columns(rows)
    yield from _written(columns, ([row.get(name) for name in columns] for row in rows))


def call_rows(runs: Runs) -> Iterator[str]:
    """A row a call that has ended. ``headline``: the figures of the run are over it."""
    fields = [name for name in CallFigures.__struct_fields__ if name != "flags"]
    columns = [*_ABOUT, *fields, "headline", "loops", "iterations", "flags"]
    ids = session_ids(session for session, _ in runs)
    yield from _written(columns, (row for session, run in runs for row in _calls(ids, session, run, fields)))


def step_rows(runs: Runs) -> Iterator[str]:
    """A row a step, in the order in which they were made. ``start_s`` counts from the start of the run's log."""
    columns = [*_ABOUT, "call", "phase", "leg", "measured", "clean", "headline", "loop", "loop_name", *_STEP]
    ids = session_ids(session for session, _ in runs)
    yield from _written(columns, (row for session, run in runs for row in _steps(ids, session, run)))


_ABOUT = ("session", "case", "run", "pipeline", "variant", "engine", "batch_size", "repeat")
_STEP = ("step", "start_s", "ms", "host_ms", "enqueue_ms", "scheduler_ms", "host_bound", "graphs")


def _about(ids: Ids, session: SessionState, run: RunState) -> dict[str, Cell]:
    workload, compilation = run.case.workload, run.case.compilation
    values = (ids[session], run.case.name, run.name, workload.pipeline, compilation.variant, compilation.engine)
    return dict(zip(_ABOUT, (*values, workload.batch_size, run.run.repeat), strict=True))


def _ended(session: SessionState, run: RunState) -> dict[str, Cell]:
    return {"state": run.state, "outcome": run.outcome, "reason": run.reason, "cold": _cold(session, run)}


def _cold(session: SessionState, run: RunState) -> bool | None:
    """As the figures of the case have it, whose cold and warm start-ups are told apart."""
    return was_cold(session, run) if run in Lot(session, run.case).usable else run.cold


def _figures(session: SessionState, run: RunState, device: Device) -> dict[str, Cell]:
    """Device, versions, workload and figures of a run, flat."""
    about = {"device": device.device, "device_name": device.name, "device_uuid": device.uuid, "driver": device.driver}
    versions = run.environment.versions if run.environment is not None else {}
    told: dict[str, Any] = {name: getattr(run.case.workload, name) for name in _WORKLOAD}
    told |= {f"asked_{name}": getattr(run.case.workload, name) for name in _ASKED}
    told |= {name: getattr(run.case.compilation, name) for name in ("backend", "mode", "fullgraph", "dynamic")}
    figures = run_figures(session, run)
    told |= {"measured_calls": sum(1 for call in figures.calls if call.phase == "measure")}
    told |= {name: getattr(figures, name) for name in figures.__struct_fields__ if name != "calls"}
    return dict(_flat("", {**about, "version": versions, **told}))


_WORKLOAD = (
    *("size", "weights", "width", "height", "frames", "guidance", "dtype", "scheduler", "attention", "memory_format"),
    *("seed", "scenario"),
)
_ASKED = ("steps", "warmup", "calls")
"""Of each call and of each run; calls of each leg. The figures have columns of nearly the same names."""


def _flat(prefix: str, value: Any) -> Iterator[tuple[str, Cell]]:
    """``value`` as columns called after the fields that lead to it."""
    if isinstance(value, msgspec.Struct):
        value = {name: getattr(value, name) for name in value.__struct_fields__}
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _flat(f"{prefix}_{name}" if prefix else name, inner)
    elif isinstance(value, list | tuple):
        if all(isinstance(one, str) for one in value):
            yield prefix, _JOINED.join(value)
        elif prefix in _KEYED_BY_NAME:
            for one in value:
                rest = {name: getattr(one, name) for name in one.__struct_fields__ if name != "name"}
                yield from _flat(f"{prefix.removesuffix('s')}_{one.name}", rest)
        else:
            for number, one in enumerate(value, start=1):
                yield from _flat(f"{prefix.removesuffix('s')}{number}", one)
    else:
        yield prefix, value


def _columns(rows: Sequence[dict[str, Cell]]) -> list[str]:
    """All columns that any row has, each behind those that stand before it in the row that has it."""
    columns: list[str] = []
    known: set[str] = set()
    for row in rows:
        place = 0
        for name in row:
            if name in known:
                place = columns.index(name) + 1
            else:
                columns.insert(place, name)
                known.add(name)
                place += 1
    return columns


def _calls(ids: Ids, session: SessionState, run: RunState, fields: Sequence[str]) -> Iterator[list[Cell]]:
    about = list(_about(ids, session, run).values())
    headline = {call.index for call in headline_calls(run)[0]}
    for one in run_figures(session, run).calls:
        loops = run.calls[one.call].loops.values()
        told = all(loop.ns is not None for loop in loops)
        yield [
            *about,
            *(getattr(one, name) for name in fields),
            one.call in headline,
            len(loops),
            sum(loop.iterations for loop in loops) if told else None,
            _JOINED.join(one.flags),
        ]


def _steps(ids: Ids, session: SessionState, run: RunState) -> Iterator[list[Cell]]:
    about = list(_about(ids, session, run).values())
    headline = {call.index for call in headline_calls(run)[0]}
    begun_ns = run.header.t if run.header is not None else session.started_ns or 0
    for call in run.calls.values():
        if call.first_step < 0:
            continue
        told = [
            *about,
            call.index,
            call.phase,
            call.leg,
            call.phase == "measure",
            is_clean(call) if call.ended else None,
            call.index in headline,
        ]
        yield from ([*told, *row] for row in _steps_of(run, call, begun_ns))


def _steps_of(run: RunState, call: Call, begun_ns: int) -> Iterator[tuple[Cell, ...]]:
    first, last = call.first_step, call.first_step + call.steps

    def column(name: str, shown: Callable[[int], Cell] = int) -> list[Cell]:
        return [None if value == ABSENT else shown(value) for value in run.steps.column(name, first, last)]

    names = {index: loop.name for index, loop in call.loops.items()}
    loops = run.steps.column("loop", first, last)
    return zip(
        column("loop"),
        [names.get(index) for index in loops],
        column("step"),
        # A start lies before the log's where the clock of an earlier boot is read on the last one's.
        [(start - begun_ns) / 1e9 for start in run.steps.column("start_ns", first, last)],
        *(column(name, _milliseconds) for name in ("ns", "host_ns", "enqueue_ns", "scheduler_ns")),
        column("host_bound", bool),
        column("graphs"),
        strict=True,
    )


def _milliseconds(ns: int) -> float:
    return ns / 1e6


def _written(columns: Sequence[str], rows: Iterator[Sequence[Cell]], at_once: int = 256) -> Iterator[str]:
    """The header and then ``rows`` as text, ``at_once`` of them in a piece."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([_guarded(name) for name in columns])
    for number, row in enumerate(rows, start=1):
        writer.writerow([_cell(value) for value in row])
        if number % at_once == 0:
            yield text.getvalue()
            text.seek(0)
            text.truncate()
    yield text.getvalue()


def _cell(value: Cell) -> Cell:
    if type(value) is str:
        return _guarded(value)
    if type(value) is bool:
        return "true" if value else "false"
    return value if type(value) in (int, float) or value is None else _guarded(str(value))


@lru_cache(maxsize=4096)
def _guarded(text: str) -> str:
    """Text that no spreadsheet computes and no terminal obeys: an apostrophe before what would begin a formula."""
    return _FORMULA.sub(lambda found: f"{found[0]}'", unsteering(text))
