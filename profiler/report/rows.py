"""Cases and runs as rows of text: what ``show``, ``compare``, ``export`` and the end of a headless run print."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from profiler.analysis.cases import BASELINE_VARIANT, CaseFigures
from profiler.analysis.loops import LoopFigures, StepFigures
from profiler.analysis.memory import MemoryFigures
from profiler.analysis.outputs import OutputComparison
from profiler.analysis.verdicts import FASTER, SLOWER
from profiler.report.columns import Column, Group
from profiler.report.publishedcells import PublishedFigure, published_text
from profiler.report.text import NOT_MEASURED, gibibytes, number


@dataclass(frozen=True, slots=True)
class Row:
    """``name`` and ``baseline`` are as short as tells them from the others; ``session`` is "" where there is one."""

    name: str
    figures: CaseFigures
    device: str  # as asked for: cpu or cuda:N
    session: str = ""
    baseline: str = ""
    output: OutputComparison | None = None
    published: Sequence[PublishedFigure] = ()

    @property
    def called(self) -> str:
        """What sentences call it."""
        return f"{self.session}/{self.name}" if self.session else self.name


def names_of(rows: Sequence[Row]) -> list[Column]:
    """The columns that say which row is which."""
    name = Column("case", [row.name for row in rows], right=False)
    return [Column("session", [row.session for row in rows], right=False), name] if _several(rows) else [name]


def _several(rows: Sequence[Row]) -> bool:
    return any(row.session for row in rows)


def figure_groups(rows: Sequence[Row]) -> list[Group]:
    """Every figure of ``rows`` that fits a cell, the ones that are looked for first in front."""
    figures = [row.figures for row in rows]
    return [
        Group("speed", _speed(figures)),
        Group("start-up", _startup(figures)),
        Group("memory, work", _work(rows)),
        Group("published it/s", _published(rows)),
    ]


def _speed(figures: Sequence[CaseFigures]) -> list[Column]:
    return [
        Column("runs", [f"{one.made}/{one.runs}" for one in figures]),
        Column("it/s", [rate_cell(one.loops) for one in figures]),
        Column("speed-up", [speedup_cell(one) for one in figures]),
        Column(confidence_title(figures), [interval_cell(one) for one in figures]),
        *latency_columns([one.steps for one in figures]),
    ]


def latency_columns(latencies: Sequence[StepFigures | LoopFigures | None]) -> list[Column]:
    """Median, spread and tails of the steps, in milliseconds."""
    titles = {"median_ms": "step ms", "iqr_ms": "IQR", "p95_ms": "p95", "p99_ms": "p99"}
    far_out = [one.outliers if one is not None else None for one in latencies]
    return [
        *(
            Column(title, [number(getattr(one, field, None), 2) for one in latencies], spare=field == "p99_ms")
            for field, title in titles.items()
        ),
        Column("outliers", [str(count) if count else NOT_MEASURED for count in far_out], spare=True),
    ]


def _startup(figures: Sequence[CaseFigures]) -> list[Column]:
    """Cold: with an empty compile cache. From the start of loading to the first image, both."""
    seconds = {"load_s": "load s", "first_image_cold_s": "cold s", "first_image_warm_s": "warm s"}
    return [
        Column("break-even", [break_even_cell(one) for one in figures]),
        *(Column(title, [number(getattr(one, name), 1) for one in figures]) for name, title in seconds.items()),
        Column("compile s", [number(one.compile_s, 1) for one in figures]),
        Column("recompiles", [str(one.recompiles) if one.compiles else NOT_MEASURED for one in figures]),
    ]


def _work(rows: Sequence[Row]) -> list[Column]:
    figures = [row.figures for row in rows]
    return [
        Column(memory_title([row.device for row in rows]), [memory_cell(one.memory) for one in figures]),
        Column("images/s", [number(one.images_per_second, 2) for one in figures]),
        Column("images/J", [number(one.images_per_joule, 2) for one in figures]),
        Column("GPU waits", [share(one.host_bound_share) for one in figures]),
        Column("output", [output_cell(row.output) for row in rows]),
    ]


def _published(rows: Sequence[Row]) -> list[Column]:
    releases = list(dict.fromkeys(figure.torch for row in rows for figure in row.published))
    return [
        Column(
            f"published {release}",
            [published_text(next((one for one in row.published if one.torch == release), None)) for row in rows],
        )
        for release in releases
    ]


def rate_cell(loops: Sequence[LoopFigures]) -> str:
    """Iterations per second: ``21.66``, of several loops ``97.34 / 27.23 / 111.66``."""
    return " / ".join(number(loop.iterations_per_second, 2) for loop in loops) or NOT_MEASURED


def speedup_cell(figures: CaseFigures) -> str:
    """The ratio and what is said of it: ``1.45x FASTER``; the ratio alone where there is no verdict."""
    return NOT_MEASURED if figures.baseline is None else ratio_cell(figures.speedup, figures.verdict)


def ratio_cell(speedup: float | None, verdict: str | None) -> str:
    return NOT_MEASURED if speedup is None else " ".join(filter(None, (times(speedup), verdict)))


def interval_cell(figures: CaseFigures) -> str:
    return NOT_MEASURED if figures.interval is None else "..".join(map(_ratio, figures.interval))


def confidence_title(figures: Sequence[CaseFigures]) -> str:
    """``95 %``; ``interval`` where those of the rows aren't of one confidence."""
    found = {one.confidence for one in figures if one.confidence is not None}
    return f"{found.pop() * 100:.4g} %" if len(found) == 1 else "interval"


def break_even_cell(figures: CaseFigures) -> str:
    """Whole images until the extra start-up has paid for itself; ``never`` where an image takes longer.

    With a question mark where no verdict says that anything is saved, or lost: SAME says neither.
    """
    if figures.break_even_images is not None:
        images = math.ceil(figures.break_even_images)
        unsure = "" if figures.verdict == FASTER else "?"
        return ("at once" if images == 0 else f"{images} image{'s' * (images > 1)}") + unsure
    if figures.saved_s is None or figures.saved_s > 0:
        return NOT_MEASURED
    return "never" if figures.verdict == SLOWER else "never?"


def only_warm(figures: CaseFigures) -> bool:
    """Whether all of its start-ups found compiled code in the cache, so that break-even is that of a warm one."""
    compiles = figures.variant != BASELINE_VARIANT
    return compiles and figures.first_image_cold_s is None and figures.first_image_warm_s is not None


def memory_title(devices: Sequence[str]) -> str:
    """What the memory column holds: main memory on a CPU is not VRAM."""
    kinds = {device.startswith("cuda") for device in devices}
    return "peak memory" if len(kinds) > 1 else "peak VRAM" if True in kinds else "peak RSS"


def memory_cell(memory: MemoryFigures) -> str:
    """The comparable figure: what torch allocated on a GPU, resident memory on a CPU."""
    value = memory.allocated_peak_bytes if memory.allocated_peak_bytes is not None else memory.rss_peak_bytes
    return gibibytes(value)


def output_cell(output: OutputComparison | None) -> str:
    """How the final latents compare with the baseline's: ``equal``, ``87.3 dB``, ``DIFFERS 12.3 dB``."""
    if output is None:
        return NOT_MEASURED
    if output.finite is False:
        return "not finite"
    if output.equal:
        return "equal"
    apart = NOT_MEASURED if output.psnr_db is None else f"{output.psnr_db:.1f} dB"
    return f"DIFFERS {apart}".removesuffix(f" {NOT_MEASURED}") if output.warning else apart


def share(value: float | None) -> str:
    """A share from 0 to 1 as percent."""
    return NOT_MEASURED if value is None else f"{value * 100:.0f} %"


def times(ratio: float) -> str:
    """``1.45x``; near 1, where verdicts are decided, ``1.003x``."""
    return f"{_ratio(ratio)}x"


def _ratio(ratio: float) -> str:
    if ratio >= 1e6:
        return f"{ratio:.3g}"
    return f"{ratio:.3f}" if 0.9 < ratio < 1.1 else f"{ratio:.2f}" if ratio >= 0.1 else number(ratio, 2)
