"""The table of a comparison: a row a lot. The figures are the profiler's; here they become text."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from profiler.analysis.cases import CaseFigures
from tui import safe
from tui.pictures import words
from tui.pictures.compare.marks import Mark
from tui.pictures.compare.resolved import Entry
from tui.pictures.compare.view import CompareView
from tui.pictures.looks import Look
from tui.pictures.table import (
    VERDICT_STYLES,
    break_even_cell,
    latencies,
    number_cell,
    remark_of,
    state_of,
    verdict_cell,
)

Cell = tuple[str, str]
NOTHING: Cell = (words.NOTHING, "quiet")


def comparable_bytes(figures: CaseFigures) -> int | None:
    """The peak that can be compared: of torch's allocations, on a CPU the resident set size.

    What torch reserves depends on what it freed before, and what is used of a device on who else uses it.
    """
    memory = figures.memory
    return memory.allocated_peak_bytes if memory.allocated_peak_bytes is not None else memory.rss_peak_bytes


VALUES: Mapping[str, Callable[[CaseFigures], float | None]] = MappingProxyType(
    {
        "it/s": lambda one: one.iterations_per_second,
        "step ms": lambda one: one.steps.median_ms if one.steps else None,
        "p95": lambda one: one.steps.p95_ms if one.steps else None,
        "speed-up": lambda one: one.speedup,
        "even at": lambda one: one.break_even_images,
        "first": lambda one: one.first_image_cold_s,
        "memory": comparable_bytes,
        "img/J": lambda one: one.images_per_joule,
    }
)
"""What a column is sorted by."""


@dataclass(frozen=True, slots=True)
class LotLine:
    """One lot. ``cells`` are (text, style) by column; ``remark`` stands in for figures that can't come."""

    key: str
    mark: Mark
    session: str
    label: str
    symbol: str
    symbol_ascii: str
    style: str
    variant: str
    baseline: bool  # what the others are compared with
    under_way: bool
    cells: Mapping[str, Cell]
    remark: str
    words: str  # what a filter looks through, in small letters


def lot_line(
    entry: Entry,
    figures: CaseFigures,
    look: Look,
    label: str,
    *,
    baseline: bool,
    output: Cell = NOTHING,
    published: Cell = NOTHING,
) -> LotLine:
    """The row of a lot; ``baseline``: others are compared with it."""
    lot = entry.lot
    session = safe.line(lot.session.session, 100)
    remark = remark_of(lot.runs, figures, session_over=lot.session.over)
    state, state_style, _, _ = state_of(lot.runs, figures)
    device = (
        safe.line(lot.session.device.name or "", 60) if lot.session.device is not None else lot.session.request.device
    )
    cells: dict[str, Cell] = {
        "state": (state, state_style),
        "session": (session, "quiet"),
        "runs": (f"{len(lot.usable)}", "" if lot.usable else "quiet"),
        **latencies(figures.loops, figures.steps),
        "speed-up": speedup_cell(figures, baseline=baseline),
        "interval": interval_cell(figures),
        "verdict": judged_cell(figures, baseline=baseline),
        "even at": break_even_cell(figures),
        "first": first_image_cell(figures),
        "memory": memory_cell(figures),
        "img/J": number_cell(figures.images_per_joule),
        "output": output,
        "published": published,
    }
    return LotLine(
        key=entry.key,
        mark=entry.mark,
        session=session,
        label=label,
        symbol=look.style.marker,
        symbol_ascii=look.style.ascii_marker,
        style=look.word,
        variant=safe.line(lot.case.compilation.variant, 40),
        baseline=baseline,
        under_way=any(run.state in ("running", "waiting") for run in lot.runs),
        cells=MappingProxyType(cells),
        remark=remark,
        words=" ".join([label, session, safe.line(lot.name, 200), device, figures.verdict or "", state]).casefold(),
    )


def first_image_cell(figures: CaseFigures) -> Cell:
    """With an empty compile cache; with ``w`` that of a filled one, where there is no other."""
    cold, warm = figures.first_image_cold_s, figures.first_image_warm_s
    if cold is not None or warm is None:
        return (words.seconds(cold), "") if cold is not None else NOTHING
    return f"{words.seconds(warm)}w", "quiet"


def memory_cell(figures: CaseFigures) -> Cell:
    peak = comparable_bytes(figures)
    return words.size(peak), "" if peak is not None else "quiet"


def speedup_cell(figures: CaseFigures, *, baseline: bool) -> Cell:
    if figures.speedup is None:
        return ("base", "quiet") if baseline else NOTHING
    return f"{words.ratio(figures.speedup)}x", VERDICT_STYLES.get(figures.verdict or "", "")


def interval_cell(figures: CaseFigures) -> Cell:
    if figures.interval is None:
        return NOTHING
    return words.interval(*figures.interval), ""


def judged_cell(figures: CaseFigures, *, baseline: bool) -> Cell:
    """The verdict; why there is none is told in the details."""
    told = figures.verdict is not None or figures.speedup is not None
    return ("baseline", "quiet") if baseline and not told else verdict_cell(figures)


def wanted(lines: Iterable[LotLine], view: CompareView) -> list[LotLine]:
    """Those that pass the filters: every word, and none of those after a minus, must be found."""
    asked = view.typed.casefold().split()
    some = [word for word in asked if not word.startswith("-")]
    none = [word[1:] for word in asked if word.startswith("-") and len(word) > 1]
    return [
        line
        for line in lines
        if (view.variant is None or line.variant == view.variant)
        and all(word in line.words for word in some)
        and not any(word in line.words for word in none)
    ]


def in_order(
    keys: list[str], figures: Mapping[str, CaseFigures], labels: Mapping[str, str], view: CompareView
) -> list[str]:
    """``keys`` as the view sorts them; rows without a figure come last either way."""
    if view.sort == "":
        return keys[::-1] if view.descending else keys
    if view.sort == "label":
        return sorted(keys, key=lambda key: labels[key].casefold(), reverse=view.descending)
    value = VALUES[view.sort]
    told = {key: found for key in keys if (found := value(figures[key])) is not None}
    return [
        *sorted(told, key=lambda key: told[key], reverse=view.descending),
        *(key for key in keys if key not in told),
    ]
