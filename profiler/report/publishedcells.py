"""A case beside what was published of the same cell: figures, ratios, and in what the published work was another."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from profiler.analysis.cases import CaseFigures
from profiler.analysis.loops import LoopFigures
from profiler.report import published
from profiler.report.text import NOT_MEASURED, number
from profiler.request import Case, Workload

_OF_THE_BENCHMARK = {
    "batched-if": "at batch sizes above 1 the figure is the first stage's, theirs and ours: it alone makes the whole"
    " batch, and the later stages make one picture",
    "upscaler": "the published script gives the upscaler the first stage's picture of 64 pixels, not the second"
    " stage's of 256: it makes 256x256 pixels and not 1024x1024, and so does ours unless another size is asked for",
}


class PublishedFigure(msgspec.Struct, kw_only=True):
    """What was published of the same cell. ``ratio`` is ours by theirs, a figure a stage."""

    torch: str
    outcome: str
    iterations_per_second: list[float]
    ratio: list[float]


def published_figures(gpu: str, workload: Workload, figures: CaseFigures) -> list[PublishedFigure]:
    """What was published of a case's cell on ``gpu``, beside the case's own figures."""
    return cell_figures(gpu, workload, figures.variant, rates_as_published(workload, figures))


def cell_figures(gpu: str | None, workload: Workload, variant: str, ours: Sequence[float]) -> list[PublishedFigure]:
    """What was published of a cell, of each release of torch that there is something of. ``ours``: it/s a stage."""
    found: list[PublishedFigure] = []
    for release in published.RELEASES if gpu is not None else ():
        cell = published.cells(str(gpu), workload.batch_size, workload.pipeline, variant, release)
        if cell:
            theirs = [row.iterations_per_second for row in cell if row.iterations_per_second is not None]
            ratio = [one / other for one, other in zip(ours, theirs)] if len(ours) == len(theirs) else []
            found.append(
                PublishedFigure(torch=release, outcome=cell[0].outcome, iterations_per_second=theirs, ratio=ratio)
            )
    return found


def rates_as_published(workload: Workload, figures: CaseFigures) -> list[float]:
    """Iterations per second of each loop that a published cell has; [] where the case did not measure them all."""
    loops = _as_published(workload, figures.loops)
    rates = [loop.iterations_per_second for loop in loops if loop.iterations_per_second is not None]
    return rates if outcome_of(figures) == "ok" and len(rates) == len(loops) else []


def _as_published(workload: Workload, loops: Sequence[LoopFigures]) -> list[LoopFigures]:
    """At batch sizes above 1 DeepFloyd IF's published cell holds the first stage alone."""
    first_alone = workload.pipeline == "deepfloyd-if" and workload.batch_size > 1
    return list(loops[:1] if first_alone else loops)


def outcome_of(figures: CaseFigures) -> str | None:
    """``ok`` as soon as a run is, or goes on and has figures; else the worst that happened."""
    if "ok" in figures.outcomes or (figures.loops and figures.ended < figures.runs):
        return "ok"
    return next((one for one in ("died", "failed", "oom", "unsupported", "stopped") if one in figures.outcomes), None)


def published_notes(case: Case) -> list[str]:
    """In what the published work isn't the case's; nothing of pipelines that the benchmark doesn't have."""
    workload = case.workload
    if workload.pipeline not in published.LABELS:
        return []
    notes: list[str] = []
    for differences in (published.differences(workload), published.compiled_otherwise(case.compilation)):
        notes += [f"not the published work: {'; '.join(differences)}"] if differences else []
    if workload.pipeline == "deepfloyd-if":
        notes.append(_OF_THE_BENCHMARK["upscaler" if workload.batch_size == 1 else "batched-if"])
    return notes


def published_text(figure: PublishedFigure | None) -> str:
    """The cell's iterations per second as the published table has them, or its outcome in the benchmark's words."""
    if figure is None:
        return NOT_MEASURED
    if not figure.iterations_per_second:
        return {"oom_after_warmup": oom_text(1), "oom_after_iteration_2": oom_text(2), "oom": oom_text(0)}.get(
            figure.outcome, NOT_MEASURED if figure.outcome == "not_measured" else figure.outcome
        )
    return rates_text(figure.iterations_per_second)


def rates_text(rates: Sequence[float]) -> str:
    """``21.66``, of several loops ``97.34 / 27.23 / 111.66``."""
    return " / ".join(number(rate, 2) for rate in rates)


def oom_text(calls: int) -> str:
    """When memory ran out, in the benchmark's words; ``calls`` is how many had ended."""
    if calls == 0:
        return "OOM"
    return "OOM after warmup" if calls == 1 else f"OOM after {_ordinal(calls)} iteration"


def _ordinal(count: int) -> str:
    ending = {1: "st", 2: "nd", 3: "rd"}.get(count % 10, "th") if count % 100 not in (11, 12, 13) else "th"
    return f"{count}{ending}"
