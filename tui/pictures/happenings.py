"""What happened in a session, one line each: compiles, recompiles and why, graph breaks, limits, notes, outcomes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from profiler import events as ev
from profiler.analysis.batches import largest_batches
from profiler.analysis.legs import stretches
from profiler.analysis.progress import short_name
from profiler.analysis.state import Losses, RunState, SessionState
from profiler.analysis.triggers import Occurrence
from profiler.report.tables import batch_text
from tui import safe
from tui.pictures import words
from tui.pictures.compiles import BLAMED, Explained, compile_text, told_ns
from tui.pictures.looks import case_look
from tui.pictures.names import (
    OUTCOME_STYLES,
    OUTCOME_SYMBOLS,
    STATE_SYMBOLS,
    group_key,
    group_label,
    latest_ns,
    on_cuda,
    origin_ns,
    outcome_text,
    run_label,
    session_s,
)
from tui.pictures.triggers.lines import STYLES, SYMBOLS

MOST = 2000
"""Happenings that the list holds; the newest ones."""

LONGEST = 400


_About = tuple[str, str, str, str, str, str]


@dataclass(frozen=True, slots=True)
class Happening:
    """One line of the list. ``t`` is on the log's clock; ``symbol`` and ``style`` say of what kind it is."""

    t: int
    when: str
    symbol: str
    style: str
    marker: str  # of the run's case; "" for the session, as the next four
    marker_ascii: str
    label: str
    repeat: str
    group: str  # the run's workload, where there are several
    label_style: str
    text: str


class Happenings:
    """Collects the happenings of a session; looks again only at runs to which something happened."""

    def __init__(self, session: SessionState, explained: Explained | None = None) -> None:
        self._session = session
        self._explained = explained or Explained()
        self._seen: dict[str, tuple[tuple[object, ...], list[Happening]]] = {}
        self._lines: dict[str, tuple[Occurrence, int, Happening]] = {}  # of each occurrence, by its key
        self._all: tuple[Happening, ...] = ()

    def newest_first(self) -> tuple[Happening, ...]:
        """All of them; the same object as long as nothing happened."""
        session = self._session
        changed = self._look("", _session_key(session), self._of_session)
        said: dict[tuple[str, ...], str] = {}
        for run in session.runs.values():
            # What every run of a pipeline says, as that a text encoder is left out, is told of the first one.
            news = tuple(note for note in run.notes if said.setdefault(_saying(run, note), run.name) == run.name)
            compiles = self._explained.of(run)
            key = (origin_ns(session), len(news), compiles, *_run_key(run))
            changed |= self._look(run.name, key, partial(self._of_run, run, news, compiles))
        if changed:
            every = [found for _, batch in self._seen.values() for found in batch]
            # Stable: what a log says at one moment stays in the order in which it said it.
            every.sort(key=lambda found: found.t)
            self._all = tuple(reversed(every[-MOST:]))
        return self._all

    def _look(self, name: str, key: tuple[object, ...], collect: Callable[[], list[Happening]]) -> bool:
        seen = self._seen.get(name)
        if seen is not None and seen[0] == key:
            return False
        found = collect()
        self._seen[name] = (key, found)
        return bool(found) or seen is not None

    def _of_session(self) -> list[Happening]:
        session = self._session
        out = [self._line(note.t, *_note_kind(note), _note_text(note)) for note in session.notes]
        for command in session.commands:
            what = "stop was asked for" if command.command == "stop" else f"{command.command} was asked for"
            out.append(self._line(command.t, "■", "quiet", what))
        if on_cuda(session) and session.device is not None and session.device.reason:
            out.append(self._line(session.device.t, "i", "quiet", f"GPU figures n/a: {session.device.reason}"))
        for field, reason in session.gpu_fields.items():
            out.append(self._line(session.device.t if session.device else 0, "i", "quiet", f"{field} n/a: {reason}"))
        if session.losses:
            out.append(self._line(session.last_t, "!", "warn", losses_text(session.losses, "the session's log")))
        if session.over:
            end = session.ended_ns or latest_ns(session)
            # The case goes by its marker and label: its name would leave no room for the answer.
            out += [
                self._line(end, "i", "good", batch_text(found), self._about(session.runs_of(found.case)[0]))
                for found in largest_batches(session)
            ]
            text = f"session {outcome_text(session.state, _reason(session), LONGEST)}"
            style = {"done": "good", "stopped": "quiet"}.get(session.state, "bad")
            symbol = STATE_SYMBOLS.get(session.state, "■")
            out.append(self._line(session.ended_ns or latest_ns(session), symbol, style, text))
        return out

    def _of_run(self, run: RunState, notes: Sequence[ev.Note], compiles: Sequence[Occurrence]) -> list[Happening]:
        about = self._about(run)
        told = [self._line(*line, about) for line in _of_run(run, notes)]
        return [*told, *(self._compile_line(run, one, about) for one in compiles)]

    def _compile_line(self, run: RunState, one: Occurrence, about: _About) -> Happening:
        """Kept while nothing new is known of it: a run may have thousands."""
        origin = origin_ns(self._session)
        known = self._lines.get(one.key)
        if known is not None and known[0] is one and known[1] == origin:
            return known[2]
        line = self._line(*_compile_line(run, one), about)
        self._lines[one.key] = (one, origin, line)
        return line

    def _about(self, run: RunState) -> _About:
        """What every line of a run has: the marks of its case, its label, repeat, workload and style."""
        request = self._session.request
        look = case_look(run.case, request)
        repeat = f"#{run.run.repeat}" if request.repeats > 1 else ""
        group = group_label(group_key(run.case.workload), request)
        return look.style.marker, look.style.ascii_marker, run_label(run, request), repeat, group, look.word

    def _line(self, t: int, symbol: str, style: str, text: str, about: _About = ("",) * 6) -> Happening:
        when = words.at(session_s(self._session, t))
        return Happening(t, when, symbol, style, *about, safe.line(text, LONGEST))


def losses_text(losses: Losses, what: str) -> str:
    """What a reader could not use, in few words."""
    if losses.refused:
        return losses.refused
    parts = [
        words.count(number, one, many)
        for number, one, many in (
            (losses.lost, "record lost", "records lost"),
            (losses.bad, "damaged line", "damaged lines"),
            (losses.unknown, "record of an unknown kind", "records of unknown kinds"),
        )
        if number
    ]
    return f"{what}: {', '.join(parts)}"


def _limit_text(limit: ev.CompileLimit) -> str:
    """That the recompile limit was reached, and what that means for the rest of the run."""
    where = short_name(limit.module, limit.fqn, limit.function)
    number = "" if limit.limit is None else f" of {limit.limit}"
    after = "the call fails (fullgraph)" if limit.fatal else "it runs eager where no compiled entry fits"
    return f"{where}: recompile limit{number} reached, {after}"


def _saying(run: RunState, note: ev.Note) -> tuple[str, ...]:
    """Notes with the same one say the same; what isn't good news is said by each run for itself."""
    if note.level != "info":
        return (run.name, str(note.seq), note.text)
    of = run.case.name if note.code == "compiled" else run.case.workload.pipeline
    return (of, note.code, note.text)


def _of_run(run: RunState, notes: Sequence[ev.Note]) -> Iterator[tuple[int, str, str, str]]:
    if run.started_ns is not None:
        yield run.started_ns, "▸", "quiet", "run started"
    if run.waiting is not None:
        yield run.waiting.t, "…", "warn", f"waits for the device, behind session {run.waiting.behind}"
    for leg in stretches(run):
        yield leg.first.start_ns, "▸", "accent", f"call {leg.ordinal + 1}: {leg.name}"
    for limit in run.limits:
        if limit.id is None:
            yield limit.t, "L", "bad", _limit_text(limit)
    for note in notes:
        yield (note.t, *_note_kind(note), _note_text(note))
    for output in run.outputs:
        if not output.finite:
            yield output.t, "!", "bad", f"the output of call {output.call} is not finite"
    if run.oom is not None:
        yield run.oom.t, "!", "bad", _oom_text(run.oom)
    if run.monitor_errors:
        yield run.last_t, "!", "warn", f"the compile monitor failed on {words.count(run.monitor_errors, 'record')}"
    if run.losses:
        yield run.last_t, "!", "warn", losses_text(run.losses, "this run's log")
    if run.outcome is not None and (run.ended_ns or run.last_t):
        symbol, style = OUTCOME_SYMBOLS.get(run.outcome, "?"), OUTCOME_STYLES.get(run.outcome, "quiet")
        yield run.ended_ns or run.last_t, symbol, style, outcome_text(run.outcome, run.reason, LONGEST)


def _compile_line(run: RunState, one: Occurrence) -> tuple[int, str, str, str]:
    style = "accent" if one.running else STYLES[one.kind]
    if one.kind == "recompile" and one.blame in BLAMED and not one.running:
        style = "quiet"  # it is as it should be
    return told_ns(run, one), SYMBOLS[one.kind], style, compile_text(one)


def _oom_text(oom: ev.OutOfMemory) -> str:
    sizes = [
        f"{name} {words.size(value)}"
        for name, value in (("asked", oom.asked_bytes), ("allocated", oom.allocated_bytes), ("free", oom.free_bytes))
        if value is not None
    ]
    return f"out of memory at {oom.when}" + (f" ({', '.join(sizes)})" if sizes else "")


def _note_kind(note: ev.Note) -> tuple[str, str]:
    return {"warning": ("!", "warn"), "error": ("!", "bad")}.get(note.level, ("i", "quiet"))


def _note_text(note: ev.Note) -> str:
    """The note's text; one that is names alone says nothing without its code."""
    if note.code == "compiled":
        return f"to be compiled: {note.text}"  # by the first call: torch.compile itself only prepares it
    return f"{note.code}: {note.text}" if " " not in note.text and note.code else note.text


def _reason(session: SessionState) -> str | None:
    return session.reason or (session.presumed if session.state == "died" else None)


def _session_key(session: SessionState) -> tuple[object, ...]:
    losses = session.losses
    return (
        origin_ns(session),
        len(session.notes),
        len(session.commands),
        session.device is not None,
        tuple(session.gpu_fields.items()),
        (losses.lost, losses.bad, losses.unknown, losses.refused),
        session.state,
        latest_ns(session) if session.over else None,  # of one that died: when
    )


def _run_key(run: RunState) -> tuple[object, ...]:
    losses = run.losses
    return (
        run.state,
        run.outcome,
        run.reason,
        run.started_ns,  # another one once it was made anew
        run.ended_ns,  # the profiler's word comes a moment after the run's own
        len(run.calls) if run.case.workload.scenario != "steady" else 0,
        len(run.limits),
        len(run.notes) + len(run.outputs),
        run.oom is not None,
        run.monitor_errors,
        (losses.lost, losses.bad, losses.unknown, losses.refused),
    )
