"""How far the session and the run under way are: two lines with a bar and an estimate each."""

from __future__ import annotations

from dataclasses import dataclass, replace

from profiler.analysis.progress import run_progress, session_progress
from profiler.analysis.state import RunState, SessionState
from profiler.vitals import WELL, Vitals
from tui import safe
from tui.pictures import words
from tui.pictures.looks import case_look
from tui.pictures.names import OUTCOME_STYLES, STATE_STYLES, outcome_text, outcome_word, run_label

_WORKER_WORDS = {
    "stopped": "the worker is suspended",
    "tracing-stop": "a debugger holds the worker",
    "disk-sleep": "the worker waits in the kernel",
    "running": "the worker computes",
    "sleeping": "the worker sleeps",
}
"""What a process does from which nothing comes, by the kernel's word for it."""


@dataclass(frozen=True, slots=True)
class ProgressLine:
    """One line: who, what it does, how far it is (``fraction`` None: no bar) and how long it will take."""

    symbol: str
    symbol_ascii: str
    label: str
    label_style: str
    text: str
    text_style: str
    fraction: float | None
    left: str
    brief: str = ""  # in place of a text that doesn't fit
    held: str = ""  # comes before ``brief`` where there is room for both


def progress_lines(
    session: SessionState, now_ns: int, *, copied: bool = False, vitals: Vitals = WELL
) -> tuple[ProgressLine, ProgressLine]:
    """The line of the session and the line of the run under way, or of how it all ended.

    A ``copied`` session goes on elsewhere, if at all: nothing is said about the time that is left. ``vitals`` say
    whether anything comes from its processes.
    """
    lines = _session_line(session, now_ns), _run_line(session, now_ns)
    if vitals.profiler is not None:
        text = "the profiler is suspended: it obeys nothing until it goes on"
        lines = replace(lines[0], text=text, text_style="bad", brief="the profiler is suspended", left=""), lines[1]
    elif vitals.disk is not None:
        text, brief = no_room_text(vitals.disk), safe.line(vitals.disk, 40)
        lines = replace(lines[0], text=text, text_style="bad", brief=brief, left=""), lines[1]
    if vitals.silent_s is not None and session.current is not None:
        lines = lines[0], _silent(lines[1], vitals, vitals.silent_s)
    return (replace(lines[0], left=""), replace(lines[1], left="")) if copied else lines


def no_room_text(disk: str) -> str:
    """What it means for a session under way that its logs can't grow."""
    return f"{safe.line(disk, 40)}: what is measured now is not kept"


def ended_text(session: SessionState) -> str:
    """How a session that is over ended, and how many of its runs were begun at all."""
    runs = session.runs.values()
    begun = sum(1 for run in runs if not _never_begun(run))
    return f"{safe.line(session.state, 40)}, {begun} of {words.count(len(runs), 'run')}"


def _session_line(session: SessionState, now_ns: int) -> ProgressLine:
    progress = session_progress(session, now_ns)
    if session.over:
        return ProgressLine("", "", "session", "bold", ended_text(session), _style(session.state), None, "")
    left = words.time_left(progress.eta_s) or "no estimate yet"
    if progress.until != "left":
        # Room is for what makes the figure another one.
        left = left.removeprefix("about ").removeprefix("a few ").replace("left", progress.until)
    return ProgressLine("", "", "session", "bold", progress.text, "", progress.fraction, left, progress.brief)


def _run_line(session: SessionState, now_ns: int) -> ProgressLine:
    run = session.current
    if run is None:
        return _between_runs(session)
    progress = run_progress(session, run, now_ns)
    look = case_look(run.case, session.request)
    return ProgressLine(
        look.style.marker,
        look.style.ascii_marker,
        run_label(run, session.request),
        look.word,
        safe.line(progress.text, 200),
        "warn" if run.waiting is not None else "",
        None if run.waiting is not None else progress.fraction,
        words.time_left(progress.eta_s),
        safe.line(progress.brief, 200),
        progress.held,
    )


def _silent(line: ProgressLine, vitals: Vitals, silent_s: float) -> ProgressLine:
    """``line`` of a run from which nothing comes: for how long, why, as far as it is known, and where it was."""
    # In tens of seconds: where nothing happens hardly anything is sent.
    brief = f"no sign of life for {words.elapsed(silent_s // 10 * 10)}"
    why = vitals.disk or _WORKER_WORDS.get(vitals.worker or "")
    text = f"{brief}{f' ({why})' if why else ''}: {line.text}"
    phase = f", at {safe.line(vitals.phase, 40)}" if vitals.phase else ""
    return replace(line, text=text, text_style="bad", brief=f"{brief}{phase}", held=why or "", left="")


def _between_runs(session: SessionState) -> ProgressLine:
    if session.over:
        return ProgressLine(
            "", "", "", "", how_it_ended(session), "bad" if session.state in ("died", "failed") else "", None, ""
        )
    text = "starting the profiler" if session.state == "starting" else "starting the next run"
    return ProgressLine("", "", "", "", text, "quiet", None, "")


def how_it_ended(session: SessionState) -> str:
    """The outcomes of the runs and the reason, if one was given, in one line."""
    tally: dict[str, int] = {}
    for run in session.runs.values():
        outcome = "not run" if _never_begun(run) else run.outcome or "not run"
        tally[outcome] = tally.get(outcome, 0) + 1
    text = ", ".join(f"{number} {outcome_word(outcome)}" for outcome, number in tally.items())
    reason = session.reason or (session.presumed if session.state == "died" else None) or _first_fault(session)
    return f"{text}: {safe.line(reason, 200)}" if reason else text


def _never_begun(run: RunState) -> bool:
    """Whether the session ended before the run's turn came."""
    return run.outcome in (None, "stopped") and run.started_ns is None and run.header is None


def _first_fault(session: SessionState) -> str | None:
    """Why the first run that went wrong did, for the one line that has room for one reason."""
    for run in session.runs.values():
        if run.outcome in ("failed", "died", "oom"):
            return run.reason
    return None


def _style(state: str) -> str:
    return STATE_STYLES.get(state, "")


@dataclass(frozen=True, slots=True)
class RunLine:
    """One run of the list of runs."""

    name: str
    symbol: str
    symbol_ascii: str
    label: str
    label_style: str
    state: str
    state_style: str


def run_lines(session: SessionState) -> tuple[RunLine, ...]:
    """Every run in the order in which they are made, with its state and why it ended as it did."""
    return tuple(_one_run(session, run) for run in session.runs.values())


def _one_run(session: SessionState, run: RunState) -> RunLine:
    look = case_look(run.case, session.request)
    state, state_style = run.state, {"running": "accent", "waiting": "warn"}.get(run.state, "quiet")
    if run.outcome is not None:
        state, state_style = outcome_word(run.outcome), OUTCOME_STYLES.get(run.outcome, "quiet")
        if run.outcome not in ("ok", "stopped"):
            state = outcome_text(run.outcome, run.reason, 120)
        elif run.outcome == "ok" and run.started_ns is not None and run.ended_ns is not None:
            state += f", {words.seconds((run.ended_ns - run.started_ns) / 1e9)}"
    elif run.state == "running" and run.phase is not None:
        state = run.phase.name
    return RunLine(
        run.name,
        look.style.marker,
        look.style.ascii_marker,
        run_label(run, session.request),
        look.word,
        safe.line(state, 160),
        state_style,
    )
