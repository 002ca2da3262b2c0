"""What would come of the form: cases and runs, time and memory, the command, or what is wrong. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from profiler import catalog
from profiler.analysis.expecting import Expectation, Expected
from profiler.analysis.legs import planned_legs
from profiler.catalog.footprint import weight_bytes
from profiler.request import LOOKS, Options, Request, Workload, code_of
from profiler.request.commandline import Unsayable, command_line, quoted
from tui import safe
from tui.pictures import words
from tui.pictures.new.fields import FIELDS, OFF, ON, Field, explained

Line = tuple[str, str, str]
"""A label, what is to be said, and its style."""


@dataclass(frozen=True)
class NewPicture:
    """What is known of a form. ``texts`` are those of the form that was looked at."""

    texts: Mapping[str, str] = field(default_factory=dict)
    usual: Mapping[str, str] = field(default_factory=dict)  # what each field stands at while it isn't changed
    fault: str = ""
    fault_field: str | None = None
    lines: tuple[Line, ...] = ()
    command: str = ""
    code: tuple[str, ...] = ()  # what would be run that is neither ours nor an installed package's


# --- the defaults -----------------------------------------------------------------------------------------------------


def usual_texts(request: Request | None) -> dict[str, str]:
    """What each field stands at by itself: as resolved where that is one value, else as --help says."""
    found: dict[str, str] = {}
    for each in FIELDS:
        value = _resolved(each, request) if request is not None else None
        found[each.name] = _shown(value) if value is not None else explained(each.name).default
    return found


_BY_HELP = ("pipeline", "size", "prompt")
"""What the other defaults depend on, and what is too long."""


def _resolved(of: Field, request: Request) -> Any:
    if of.name == "device":
        return request.device
    if of.kind == "table" or of.name in _BY_HELP:
        return None
    first = request.cases[0]
    for holder in (request, first.workload):
        if of.name in holder.__struct_fields__:
            return getattr(holder, of.name)
    if of.name == "batch_sizes":
        return 1
    if of.name in ("mode", "fullgraph", "backend"):
        values = {getattr(case.compilation, of.name) for case in request.cases if case.compilation.backend is not None}
        return values.pop() if len(values) == 1 else None
    return None


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return ON if value else OFF
    if isinstance(value, float):
        return f"{value:.12g}"
    return safe.line(str(value), 200)


# --- what would come of it --------------------------------------------------------------------------------------------


def outcome(
    options: Options,
    device: str | None,
    request: Request,
    expectation: Expectation,
    *,
    room: int | None,
    reading: bool,
    now_ns: int,
) -> tuple[tuple[Line, ...], str]:
    """The lines about a request that can be run, and its command line. ``room``: bytes that its device has."""
    lines = [
        ("runs", _runs(request), ""),
        *_time(request, expectation, reading, now_ns),
        *_memory(request, expectation, room),
    ]
    try:
        command = quoted(command_line(options, device))
    except Unsayable as error:
        return (*lines, ("", str(error), "quiet")), ""
    return tuple(lines), command


def _runs(request: Request) -> str:
    cases, runs = words.count(len(request.cases), "case"), words.count(len(request.runs), "run")
    text = f"{cases}, {runs} on {request.device}"
    if request.until_sure:
        most = max(LOOKS[-1], request.repeats) * len(request.cases)
        text += f", up to {most} until every verdict is settled"
    if request.find_max_batch:
        text += ", then those of the search for the largest batch"
    calls = len(planned_legs(request.cases[0].workload))
    return f"{text}; {words.count(calls, 'measured call')} each"


def _time(request: Request, expectation: Expectation, reading: bool, now_ns: int) -> list[Line]:
    limit = f", stopped after {words.seconds(request.max_time_s)}" if request.max_time_s else ""
    if not expectation.cases:
        text = "reading earlier sessions" if reading else "not known: no session here has measured this yet"
        return [("time", text + limit, "quiet")]
    nearest = expectation.cases[0]
    if expectation.seconds is None:
        return [("time", "not known: nobody can tell how many batches fit" + limit, "quiet")]
    text = f"about {_about(expectation.seconds)} ({_sure(expectation.cases)})"
    if expectation.most_s is not None:
        text += f", up to {_about(expectation.most_s)}"
    if expectation.unknown:
        known = {case.case for case in expectation.cases}
        missing = _distinct(case.compilation.variant for case in request.cases if case.name not in known)
        text += f" without {', '.join(missing)}, of which nothing is known"
    return [("time", text + limit, "bold"), ("", _source(expectation.cases, nearest, now_ns), "quiet")]


def _sure(cases: Sequence[Expected]) -> str:
    """How sure the estimate is: beside its figure, where a narrow screen cuts it off last."""
    surest = {case.sure for case in cases}
    elsewhere = not all(case.past.here for case in cases)
    if "rough" in surest:
        return "a rough guess"
    if "scaled" in surest:
        return "scaled from another machine" if elsewhere else "scaled"
    return "measured on another machine" if elsewhere else "measured"


def _source(cases: Sequence[Expected], nearest: Expected, now_ns: int) -> str:
    """From where it is known, and in what that was something else."""
    past = nearest.past
    where = f" on {past.device_name}" if past.device_name else ""
    elsewhere = "" if past.here else ", another machine"
    others = len({case.past.session for case in cases}) - 1
    more = f" and {words.count(others, 'other')}" if others else ""
    text = f"from {past.session}{where}{elsewhere}, {words.age((now_ns - past.made_ns) / 1e9)}{more}"
    surest = {case.sure for case in cases}
    if surest == {"measured"}:
        return safe.line(f"{text}; with the same settings", 400)
    how = "settings differ" if "rough" in surest else "scaled"
    return safe.line(f"{text}; {how}: {'; '.join(_distinct(line for case in cases for line in case.differs))}", 400)


def _memory(request: Request, expectation: Expectation, room: int | None) -> list[Line]:
    known = [case for case in expectation.cases if case.memory_bytes is not None]
    if known:
        largest = max(known, key=lambda case: case.memory_bytes or 0)
        bound = f"{largest.bound} " if largest.bound else ""
        variant = next(case.compilation.variant for case in request.cases if case.name == largest.case)
        every = len(known) == len(request.cases)
        which = f" ({variant} needs most{'' if every else ' of those that are known'})" if len(known) > 1 else ""
        if not which and not every:
            which = f" ({variant}, of the others nothing is known)"
        guess = ", a rough guess" if largest.sure == "rough" else ""
        text = f"{bound}{words.size(largest.memory_bytes)} {largest.memory_is}{which}{guess}"
        wrong = "" if largest.bound == "at most" else _short_of(largest.memory_bytes or 0, request, room)
        return [("memory", text + wrong, "warn" if wrong else "")]
    floors = [found for case in request.cases if (found := floor(case.workload)) is not None]
    if not floors:
        return [("memory", "not known", "quiet")]
    wrong = _short_of(max(floors), request, room)
    text = f"not measured yet; the weights alone are {words.size(max(floors))}"
    return [("memory", text + wrong, "warn" if wrong else "quiet")]


def _short_of(needed: int, request: Request, room: int | None) -> str:
    """That there isn't so much, "" where there is, or weights may be kept elsewhere."""
    if room is None or needed <= room or any(case.workload.offload for case in request.cases):
        return ""
    whose = "this machine" if request.device == "cpu" else "the largest GPU here"
    return f", more than the {words.size(room)} of {whose}"


def floor(work: Workload) -> int | None:
    """Bytes of a workload's weights, by the catalogue's counts; None outside the catalogue."""
    if work.origin is not None or work.pipeline not in catalog.names():
        return None
    return weight_bytes(
        catalog.find(work.pipeline),
        work.size,
        work.dtype,
        text_encoders=work.text_encoders,
        stored=work.layerwise_casting,
        own_vae=work.vae is None,
    )


def foreign_code(request: Request) -> tuple[str, ...]:
    """What the runs would call that is neither ours nor an installed package's."""
    return tuple(_distinct(code for case in request.cases if (code := code_of(case.workload)) is not None))


def _about(seconds: float) -> str:
    """No finer than an estimate is: ``40 s``, ``3 min 20 s``, ``1 h 05 min``."""
    if seconds < 90:
        return f"{max(5, 5 * round(seconds / 5))} s"
    if seconds < 600:
        tens = round(seconds / 10)
        return f"{tens // 6} min" + (f" {tens % 6 * 10} s" if tens % 6 else "")
    return words.hours(round(seconds / 60))


def _distinct(values: Any) -> list[str]:
    return list(dict.fromkeys(values))
