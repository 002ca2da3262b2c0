"""Everything there is to say of one row of a comparison, as paragraphs: what the detail pane lays out."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from profiler.analysis.cases import CaseFigures
from profiler.analysis.lots import Lot
from profiler.analysis.verdicts import CONFIDENCE
from tui import safe
from tui.charts.axes import format_value
from tui.pictures import words
from tui.pictures.names import OUTCOME_WORDS, device_label
from tui.pictures.table import VERDICT_STYLES, remark_of
from tui.pictures.triggers.detail import Block, Detail, Gap, Para

LONGEST = 1000
"""Characters of one text that are shown; what is longer is cut with a sign."""

MEANS = {
    "FASTER": "faster than the baseline as far as the interval reaches",
    "SLOWER": "slower than the baseline as far as the interval reaches",
    "SAME": "within 3 % of the baseline as far as the interval reaches",
    "UNCLEAR": "too wide for a verdict",
}


@dataclass(frozen=True, slots=True)
class Told:
    """What is said of a lot beside its figures: from its files, from its stages, from the published table."""

    label: str
    baseline: str | None = None  # the label of what it is compared with
    output: str = ""
    output_style: str = ""
    published: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    folder: str = ""  # of the session


def detail(lot: Lot, figures: CaseFigures, told: Told) -> Detail:
    """The paragraphs of a lot."""
    blocks: list[Block] = [Para("", told.label, "bold", head=True)]
    blocks += [*_verdict(figures, told), Gap(), *_doubts(figures), Gap(), *_start(figures), Gap()]
    blocks += [*_running(figures, told), Gap(), *_where(lot, figures, told)]
    return tuple(blocks)


def _verdict(figures: CaseFigures, told: Told) -> Iterator[Block]:
    """What the comparison says, how sure that is, and what would make it surer."""
    if told.baseline is None:
        yield Para("", "the baseline: others are compared with it", "quiet", head=True)
        return
    if figures.speedup is None:
        yield Para("verdict", f"none against {told.baseline}: {_clean(figures.reason or 'not measured')}", "warn")
        return
    style = VERDICT_STYLES.get(figures.verdict or "", "warn")
    word = figures.verdict or "no verdict"
    yield Para("verdict", f"{word}: {figures.speedup:.3f}x as fast as {told.baseline}", f"bold {style}")
    if figures.doubt and figures.verdict is not None:
        yield Para("", _clean(figures.doubt), "warn")
    if figures.interval is not None:
        low, high = figures.interval
        sure = f"{(figures.confidence or CONFIDENCE) * 100:.4g} %"
        means = MEANS.get(figures.verdict or "", "")
        yield Para("interval", f"{sure}: {low:.3f}x to {high:.3f}x{f', {means}' if means else ''}")
    if figures.reason:
        yield Para("why", _clean(figures.reason))
    more = figures.more_repeats
    if more and str(more) not in (figures.reason or ""):
        yield Para("settle", f"about {words.count(more, 'more repeat')} would settle it")
    if figures.cycle_speedup is not None:
        cycles = f"{figures.cycle_speedup:.3f}x in clock cycles: {figures.cycle_verdict or 'no verdict'}"
        yield Para("cycles", cycles, "warn" if figures.vanishes_in_cycles else "quiet")
    for number, leg in enumerate(figures.leg_comparisons):
        ratio = f"{leg.speedup:.3f}x" if leg.speedup is not None else words.NOTHING
        between = f" {leg.interval[0]:.3f}x to {leg.interval[1]:.3f}x" if leg.interval is not None else ""
        text = f"{_clean(leg.name)}: {ratio}{between} {leg.verdict or ''}".rstrip()
        yield Para("" if number else "legs", text, VERDICT_STYLES.get(leg.verdict or "", ""))
    yield from _even(figures)


def _even(figures: CaseFigures) -> Iterator[Block]:
    """When what starting up costs more has paid for itself, and what that is made of."""
    if figures.saved_s is None:
        return
    saved = f"{words.seconds(abs(figures.saved_s))} an image {'saved' if figures.saved_s >= 0 else 'lost'}"
    extra = figures.extra_startup_s
    cost = "" if extra is None else f", {words.seconds(abs(extra))} {'more' if extra >= 0 else 'less'} to start"
    reason = figures.break_even_reason
    yield Para("pays off", f"{_images(figures.break_even_images, reason)}: {saved}{cost}")
    if figures.break_even_warm_images is not None and figures.extra_startup_warm_s is not None:
        yield Para("", f"with a warm compile cache {_images(figures.break_even_warm_images, None)}", "quiet")


def _images(images: float | None, reason: str | None) -> str:
    if images is None:
        return _clean(reason) if reason else "not known"
    if images == 0:
        return "from the first image on"
    if images > 1e6:
        return "after more than a million images"
    whole = math.ceil(images)
    return f"after {whole:,} image{'s' * (whole != 1)}"


def _doubts(figures: CaseFigures) -> Iterator[Block]:
    yield from _listed("differs", figures.warnings, "warn")
    yield from _listed("flags", figures.flags, "warn")
    yield from _listed("notes", figures.remarks, "quiet")


def _listed(label: str, texts: Iterable[str], style: str) -> Iterator[Block]:
    for number, text in enumerate(texts):
        yield Para("" if number else label, _clean(text), style)


def _start(figures: CaseFigures) -> Iterator[Block]:
    """The first image with a cold and a warm compile cache, and what it consists of."""
    cold, warm = figures.first_image_cold_s, figures.first_image_warm_s
    firsts = [f"{words.seconds(value)} {word}" for value, word in ((cold, "cold"), (warm, "warm")) if value is not None]
    if firsts:
        yield Para("1st image", ", ".join(firsts))
    parts = [
        f"{word} {words.seconds(value)}"
        for word, value in (
            ("load", figures.load_s),
            ("start-up after it", figures.startup_s),
            ("compiling", figures.compile_s or None),
            ("warm-up", figures.warmup_s),
            ("measured", figures.measured_s),
        )
        if value is not None
    ]
    if parts:
        yield Para("phases", ", ".join(parts))
    counts = [
        words.count(number, one)
        for number, one in (
            (figures.compiles, "compile"),
            (figures.recompiles, "recompile"),
            (figures.graph_breaks, "graph break"),
            (
                figures.limit_hits,
                "recompile limit hit",
            ),
            (figures.eager_fallback_steps, "step fallen to eager"),
        )
        if number
    ]
    if counts:
        yield Para("compiled", ", ".join(counts))


def _running(figures: CaseFigures, told: Told) -> Iterator[Block]:
    for loop in figures.loops:
        name = f"{_clean(loop.name)} " if len(figures.loops) > 1 else ""
        rate = words.decimal(loop.iterations_per_second)
        spread = f", IQR {words.decimal(loop.iqr_ms)} ms" if loop.iqr_ms is not None else ""
        tail = f", p95 {words.decimal(loop.p95_ms)} ms" if loop.p95_ms is not None else ""
        yield Para("step", f"{name}{words.decimal(loop.median_ms)} ms{spread}{tail} over {loop.n}; {rate} it/s")
    if figures.stages:
        named = ((_clean(one.name).replace("_", " "), one.median_ms / 1e3) for one in figures.stages)
        yield Para("stages", ", ".join(f"{name} {format_value(seconds, 's')}" for name, seconds in named))
    if figures.bound_means:
        yield Para("bound", _clean(figures.bound_means), "warn" if figures.bound == "host" else "")
    memory = figures.memory
    peaks = [
        f"{word} {words.size(value)}"
        for word, value in (
            ("allocated", memory.allocated_peak_bytes),
            ("reserved", memory.reserved_peak_bytes),
            ("device", memory.device_peak_bytes),
            ("RSS", memory.rss_peak_bytes),
        )
        if value is not None
    ]
    if peaks:
        yield Para("memory", f"peaks: {', '.join(peaks)}")
    energy = [] if figures.joules_per_image is None else [f"{words.decimal(figures.joules_per_image)} J an image"]
    if figures.images_per_second is not None:
        energy.insert(0, f"{words.decimal(figures.images_per_second)} images/s")
    if figures.energy_error is not None and figures.joules_per_image is not None:
        energy.append(f"energy within {figures.energy_error * 100:.2g} %")
    if energy:
        yield Para("images", ", ".join(energy))
    if figures.energy_reason:
        yield Para("energy", f"not measured: {_clean(figures.energy_reason)}", "quiet")
    if told.output:
        yield Para("output", told.output, told.output_style)
    yield from _listed("published", told.published, "")
    yield from _listed("files", told.files, "quiet")


def _where(lot: Lot, figures: CaseFigures, told: Told) -> Iterator[Block]:
    session = lot.session
    ended = ", ".join(
        f"{number} {OUTCOME_WORDS.get(outcome, safe.line(outcome, 40))}" for outcome, number in figures.outcomes.items()
    )
    remark = remark_of(lot.runs, figures, session_over=session.over)
    yield Para("runs", f"{len(lot.usable)} of {len(lot.runs)} measured{f', {ended}' if ended else ''}")
    if remark:
        yield Para("", remark, "bad")
    yield Para("session", _clean(f"{session.session} ({session.state})"), "quiet")
    if told.folder:
        yield Para("in", _clean(told.folder), "quiet")
    yield Para("on", device_label(session), "quiet")
    versions = dict.fromkeys(
        ", ".join(
            f"{package} {run.environment.versions[package]}"
            for package in ("torch", "diffusers", "cuda")
            if run.environment.versions.get(package)
        )
        for run in lot.runs
        if run.environment is not None
    )
    for text in versions:
        if text:
            yield Para("with", _clean(text), "quiet")
    yield Para("named", _clean(lot.name), "quiet")


def _clean(text: str) -> str:
    return safe.line(text, LONGEST)
