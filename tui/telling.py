"""How far the run under way is, in a plain line every now and then: steps, speed, memory, the GPU, what is left."""

from __future__ import annotations

from profiler.analysis.columns import optional
from profiler.analysis.figures import run_figures
from profiler.analysis.progress import run_progress, session_progress
from profiler.analysis.state import RunState, SessionState
from profiler.report.rows import rate_cell
from tui.pictures import words
from tui.pictures.names import on_cuda

PACES_S = ((60.0, 10.0), (600.0, 30.0), (float("inf"), 60.0))
"""Until so many seconds after the report began a line comes every so many: whoever listens to them has to keep up."""

NEWS_S = 5.0
"""How old, in seconds, a sample of the GPU may be to be told as what it does now."""


class Pulse:
    """Decides when a line about the run under way is due, and says it. Times are nanoseconds of the log's clock."""

    def __init__(self) -> None:
        self._began: int | None = None
        self._said: int | None = None
        self._run: str | None = None
        self._last = ""

    def heard(self, now_ns: int) -> None:
        """Something else was said: the next line can wait."""
        self._said = now_ns

    def line(self, session: SessionState, now_ns: int) -> str | None:
        """The line that is due now; None where it isn't time, nothing is under way or nothing has changed."""
        if self._began is None:
            self._began = now_ns
        run = session.current
        if session.over or run is None or run.phase is None or not self._due(now_ns):
            return None
        text = pulse_text(session, run, now_ns)
        self._run, self._said = run.name, now_ns
        if text == self._last:
            return None
        self._last = text
        return text

    def _due(self, now_ns: int) -> bool:
        if self._said is None:
            return True  # whoever comes to a session under way wants to know where it is
        assert self._began is not None
        passed = (now_ns - self._began) / 1e9
        pace = next(pace for until, pace in PACES_S if passed < until)
        return (now_ns - self._said) / 1e9 >= pace


def pulse_text(session: SessionState, run: RunState, now_ns: int) -> str:
    """One line: what the run does, its speed so far, memory, the GPU, and how long the run and the session take."""
    doing = run_progress(session, run, now_ns)
    whole = session_progress(session, now_ns)
    parts = [doing.text, _speed(session, run), _memory(session, run), _gpu(session, now_ns), _left(doing.eta_s, "run")]
    left = words.time_left(whole.eta_s)
    if whole.until != "left":
        left = left.removesuffix("left") + whole.until if left else ""
    parts.append(", ".join(filter(None, (f"session {whole.text}", left))))
    return f"{run.name}: {'; '.join(filter(None, parts))}"


def _speed(session: SessionState, run: RunState) -> str:
    figures = run_figures(session, run)
    if not figures.loops or all(loop.iterations_per_second is None for loop in figures.loops):
        return ""
    step = f", step {figures.steps.median_ms:.2f} ms" if figures.steps is not None else ""
    return f"{rate_cell(figures.loops)} it/s{step} so far"


def _memory(session: SessionState, run: RunState) -> str:
    """What is in use now: of a GPU the device's and what torch has of it, else the resident set."""
    if not len(run.memory):
        return ""
    if not on_cuda(session):
        resident = optional(run.memory.cell(-1, "rss_bytes"))
        return f"RSS {words.size(resident)}" if resident is not None else ""
    allocated = optional(run.memory.cell(-1, "allocated_bytes"))
    used = optional(session.gpu.cell(-1, "used_bytes")) if len(session.gpu) else None
    total = session.device.total_bytes if session.device is not None else None
    parts = [f"{words.size(allocated)} allocated"] if allocated is not None else []
    if used is not None:
        parts.append(f"device {words.size(used)}{f' of {words.size(total)}' if total else ''}")
    return f"memory {', '.join(parts)}" if parts else ""


def _gpu(session: SessionState, now_ns: int) -> str:
    if not len(session.gpu) or (now_ns - session.gpu.cell(-1, "t")) / 1e9 > NEWS_S:
        return ""
    told = (
        ("utilization", 1, "%"),
        ("power_mw", 1000, "W"),
        ("temperature_c", 1, "C"),
        ("sm_mhz", 1, "MHz"),
    )
    found = [(optional(session.gpu.cell(-1, name)), by, unit) for name, by, unit in told]
    parts = [f"{value / by:.0f} {unit}" for value, by, unit in found if value is not None]
    return f"GPU {', '.join(parts)}" if parts else ""


def _left(seconds: float | None, of: str) -> str:
    text = words.time_left(seconds)
    return f"{text} of the {of}" if text else ""
