"""The results: one line a case. The figures are the profiler's; here they become text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from profiler.analysis.cases import CaseFigures
from profiler.analysis.legs import LegFigures
from profiler.analysis.loops import LoopFigures, StepFigures
from profiler.analysis.state import RunState, SessionState
from profiler.report import rows
from profiler.report.text import NOT_MEASURED
from profiler.request import Case
from tui import safe
from tui.pictures import words
from tui.pictures.looks import case_look
from tui.pictures.names import (
    OUTCOME_ASCII,
    OUTCOME_STYLES,
    OUTCOME_SYMBOLS,
    case_label,
    on_cuda,
    outcome_text,
    outcome_word,
)

VERDICT_STYLES = {"FASTER": "good", "SLOWER": "bad", "SAME": "quiet", "UNCLEAR": "warn"}
TOO_FEW = "too few"

EVEN = 0.005
"""So far from the middle of its interval a speed-up may lie for ``±`` to be true of the two decimals that are shown."""

MOST_IMAGES = 99_999
"""Of a break-even: there is room for no more."""

NOT_YET = MappingProxyType({"it/s": (words.NOTHING, "quiet"), "step ms": (words.NOTHING, "quiet")})


@dataclass(frozen=True, slots=True)
class LegLine:
    """One leg of a case's scenario. ``cells`` are those columns that a leg has figures for.

    ``told`` says what else there is of its calls, the fullest text first: whoever shows it takes the first that fits.
    """

    name: str
    short: str  # what the name doesn't share with the beginning of the other legs'
    cells: Mapping[str, tuple[str, str]]
    told: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CaseLine:
    """One case. ``cells`` are (text, style) by column name; ``remark`` stands in for figures that can't come.

    In a scenario the cells are over the first of the ``legs``.
    """

    case: str
    symbol: str
    symbol_ascii: str
    label: str
    label_style: str
    state: str
    state_style: str
    mark: str
    mark_ascii: str
    under_way: bool
    cells: Mapping[str, tuple[str, str]]
    remark: str = ""
    legs: tuple[LegLine, ...] = ()


def case_lines(session: SessionState, figures: list[CaseFigures]) -> tuple[CaseLine, ...]:
    """A line for each case of the request, in its order."""
    return tuple(_line(session, figure) for figure in figures)


def _line(session: SessionState, figures: CaseFigures) -> CaseLine:
    case = session.request.case(figures.case)
    runs = session.runs_of(figures.case)
    look = case_look(case, session.request)
    remark = remark_of(runs, figures, session_over=session.over)
    state, state_style, mark, mark_ascii = state_of(runs, figures)
    return CaseLine(
        case=figures.case,
        symbol=look.style.marker,
        symbol_ascii=look.style.ascii_marker,
        label=case_label(case, session.request),
        label_style=look.word,
        state=state,
        state_style=state_style,
        mark=mark,
        mark_ascii=mark_ascii,
        under_way=any(run.state in ("running", "waiting") for run in runs),
        cells=MappingProxyType(_cells(session, figures)),
        remark=remark,
        legs=() if remark else _leg_lines(case, figures),
    )


def _leg_lines(case: Case, figures: CaseFigures) -> tuple[LegLine, ...]:
    """A line for each leg, those to come among them; none where all calls are alike."""
    names = [leg.name for leg in figures.legs]
    names += [leg.name for leg in case.workload.legs][len(names) :]
    if len(names) < 2:
        return ()
    shared = words.shared(names)
    found = [*figures.legs, *[None] * (len(names) - len(figures.legs))]
    return tuple(_leg_line(name, name[shared:], leg) for name, leg in zip(names, found, strict=True))


def _leg_line(name: str, short: str, leg: LegFigures | None) -> LegLine:
    name, short = safe.line(name, 60), safe.line(short, 60)
    if leg is None:
        return LegLine(name, short, NOT_YET)
    cells = latencies(leg.loops, leg.steps)
    cells["compile"] = (words.seconds(leg.compile_s or None), "" if leg.compile_s else "quiet")
    cells["recomp"] = (str(leg.recompiles), "mark:R bold") if leg.recompiles else (words.NOTHING, "quiet")
    clean = f"{leg.clean_calls} of {leg.calls}"
    calls = f"{clean} calls clean" + (", so all count" if leg.all_calls and leg.clean_calls < leg.calls else "")
    told = [calls, f"{clean} clean", f"{leg.clean_calls}/{leg.calls} clean"]
    if leg.first_call_ms is not None:
        told.insert(0, f"{calls}; first call {words.seconds(leg.first_call_ms / 1e3)}")
    return LegLine(name, short, MappingProxyType(cells), tuple(told))


def state_of(runs: list[RunState], figures: CaseFigures) -> tuple[str, str, str, str]:
    """Word, style and symbols: of the run under way, else of the worst outcome, else queued."""
    for run in runs:
        if run.state in ("running", "waiting"):
            word = run.phase.name if run.state == "running" and run.phase is not None else run.state
            return safe.line(word, 40), "warn" if run.state == "waiting" else "accent", "▸", ">"
    for outcome in ("died", "failed", "oom", "unsupported", "stopped", "ok"):
        if outcome in figures.outcomes:
            if outcome == "ok" and figures.ended < figures.runs:
                break
            style = OUTCOME_STYLES[outcome]
            return outcome_word(outcome), style, OUTCOME_SYMBOLS[outcome], OUTCOME_ASCII[outcome]
    return "queued", "quiet", " ", " "


def _cells(session: SessionState, figures: CaseFigures) -> dict[str, tuple[str, str]]:
    return {
        "runs": (f"{figures.made}/{figures.runs}", ""),
        **latencies(figures.loops, figures.steps),
        "compile": (words.seconds(figures.compile_s or None), "" if figures.compile_s else "quiet"),
        "recomp": _recompiles(figures),
        "memory": memory_cell(session, figures),
        "speed-up": speedup_cell(figures),
        "verdict": verdict_cell(figures),
        "even at": break_even_cell(figures),
    }


def latencies(loops: Sequence[LoopFigures], steps: StepFigures | None) -> dict[str, tuple[str, str]]:
    """The latency figures of the loops by column: ``it/s``, ``step ms``, ``iqr``, ``p95``."""
    return {
        "it/s": _each(loop.iterations_per_second for loop in loops),
        "step ms": _each(loop.median_ms for loop in loops),
        "iqr": _spread(steps),
        "p95": number_cell(steps.p95_ms if steps else None),
    }


def _recompiles(figures: CaseFigures) -> tuple[str, str]:
    if not figures.compiles and not figures.recompiles:
        return words.NOTHING, "quiet"
    return str(figures.recompiles), "mark:R bold" if figures.recompiles else "quiet"


def number_cell(value: float | None) -> tuple[str, str]:
    """A figure, quiet where there is none."""
    return (words.decimal(value), "" if value is not None else "quiet")


def _each(values: Iterable[float | None]) -> tuple[str, str]:
    """A figure of each loop: ``97.3 / 27.2 / 112``, in most cases just one."""
    text = " / ".join(words.decimal(value) for value in values)
    return (text, "") if text.strip(f"{words.NOTHING} /") else (words.NOTHING, "quiet")


def _spread(steps: StepFigures | None) -> tuple[str, str]:
    """The IQR with as many places as the median beside it: more would be noise."""
    if steps is None or steps.iqr_ms is None or steps.median_ms is None:
        return words.NOTHING, "quiet"
    places = len(words.decimal(steps.median_ms).partition(".")[2])
    return f"{steps.iqr_ms:.{places}f}", ""


def memory_cell(session: SessionState, figures: CaseFigures) -> tuple[str, str]:
    """The peak: resident set size on a CPU, of the device where NVML was asked, else with ``t`` torch's own."""
    memory = figures.memory
    if not on_cuda(session):
        return (words.size(memory.rss_peak_bytes), "" if memory.rss_peak_bytes is not None else "quiet")
    if memory.device_peak_bytes is not None:
        return words.size(memory.device_peak_bytes), ""
    if memory.reserved_peak_bytes is not None:
        # What torch holds is less than what the device has in use: say which it is.
        return f"{words.size(memory.reserved_peak_bytes)}t", ""
    return words.NOTHING, "quiet"


def speedup_cell(figures: CaseFigures) -> tuple[str, str]:
    """The ratio, and how far its interval reaches."""
    if figures.variant == "no-compile" and figures.baseline is None:
        return ("base", "quiet") if figures.loops else (words.NOTHING, "quiet")
    if figures.speedup is None:
        return words.NOTHING, "quiet"
    text = f"{words.ratio(figures.speedup)}x"
    if figures.interval is not None:
        text += f" {_around(figures.speedup, *figures.interval)}"
    return text, VERDICT_STYLES.get(figures.verdict or "", "")


def _around(ratio: float, low: float, high: float) -> str:
    """``±0.04``; both ends, ``0.67–2.03``, where a plus and minus would say others: the interval is of logarithms."""
    half = (high - low) / 2
    return f"±{half:.2f}" if abs(low + half - ratio) <= EVEN else words.interval(low, high)


def verdict_cell(figures: CaseFigures) -> tuple[str, str]:
    """The verdict; where there are too few processes for one that."""
    if figures.verdict is not None:
        return figures.verdict, VERDICT_STYLES.get(figures.verdict, "")
    return (TOO_FEW, "quiet") if figures.speedup is not None else (words.NOTHING, "quiet")


def break_even_cell(figures: CaseFigures) -> tuple[str, str]:
    """Whole images until compiling has paid for itself, as `show` says it, in less room."""
    said = rows.break_even_cell(figures)
    if said == NOT_MEASURED:
        return words.NOTHING, "quiet"
    count = figures.break_even_images
    if count is not None and count > MOST_IMAGES:
        return f">{MOST_IMAGES}{'?' if said.endswith('?') else ' img'}", ""
    return said.replace("images", "img").replace("image", "img"), ""


def remark_of(runs: list[RunState], figures: CaseFigures, *, session_over: bool) -> str:
    """Why a case has no figures, when all its runs ended without any."""
    if figures.loops or figures.ended < figures.runs:
        return ""
    for run in runs:
        if run.outcome not in (None, "ok") and run.started_ns is not None:
            return outcome_text(run.outcome or "", run.reason)
    return "not run" if session_over and all(run.started_ns is None and run.header is None for run in runs) else ""
