"""The points of every chart that compares lots, as frozen plain data: what the screen and the HTML page both draw.

Base units throughout: seconds, bytes, shares from 0 to 1. A NaN in ``ys`` is a gap in the line.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a line or a bar belongs to, the same in every chart of one comparison.

    ``variant`` and ``engine`` decide the colour, ``nth`` the marker and dash: it counts the lots of the same variant
    and engine from 0, so that two of one variant, of two sessions for instance, are told apart. ``label`` is as short
    as tells it from the other lots of the comparison. It comes from logs: make it safe before showing it.
    """

    key: tuple[str, str]  # Lot.key: session and name
    label: str
    variant: str
    engine: str | None
    nth: int
    baseline: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """The one run of a lot that a chart over time shows: the middle one by its denoising time, of ``of`` runs."""

    who: Identity
    run: str
    of: int


@dataclass(frozen=True, slots=True)
class Line:
    """``xs`` ascend. ``low`` and ``high`` are the quartiles of at least 5 calls at each x, () where there are fewer."""

    who: Identity
    xs: tuple[float, ...]
    ys: tuple[float, ...]
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()
    n: int = 0  # calls that the line is made of


@dataclass(frozen=True, slots=True)
class LoopLatency:
    """Seconds a step of one denoising loop.

    ``overlay``: the median call, over all the clean measured calls of a lot; x is the step from 0 on, or, where lots
    make different numbers of steps (``fraction``), the share of the loop from 0 to 1.
    ``in_order``: every measured step of one run of each lot (``shown``) one after the other; x counts them from 0.
    Between two calls the line has no gap: ``calls`` says at which x each call of it begins.
    """

    name: str
    fraction: bool
    steps: int  # of the lot that makes the most
    overlay: tuple[Line, ...]
    in_order: tuple[Line, ...]
    calls: tuple[tuple[int, ...], ...]  # as in_order: where each call begins
    shown: tuple[Shown, ...]
    note: str  # what a reader must know of the x axis; "" where there is nothing


@dataclass(frozen=True, slots=True)
class Histogram:
    """How many steps lie in each of the shared bins, below the first and beyond the last; ``n`` is all of them."""

    who: Identity
    counts: tuple[int, ...]
    below: int
    beyond: int
    n: int


@dataclass(frozen=True, slots=True)
class LoopDistribution:
    """Seconds a step of one loop. ``edges`` ascend, one more than there are bins; () where nothing was measured.

    An ECDF's ``ys`` are the share of steps that took at most x; it ends at 1 with the slowest, wherever that lies.
    """

    name: str
    edges: tuple[float, ...]
    histograms: tuple[Histogram, ...]
    ecdfs: tuple[Line, ...]
    slowest: float | None  # of all lots: the overflow reaches so far


@dataclass(frozen=True, slots=True)
class MemoryLine:
    """Bytes over the seconds since the run began.

    ``kind``: allocated, reserved (torch's), device (NVML's, of all processes), rss (main memory, on a CPU).
    """

    who: Identity
    kind: str
    xs: tuple[float, ...]
    ys: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class PhaseSpan:
    """A phase of the run that is shown: load, compile, warmup, measure."""

    who: Identity
    name: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class MemoryOverTime:
    lines: tuple[MemoryLine, ...]
    phases: tuple[PhaseSpan, ...]
    shown: tuple[Shown, ...]
    end_s: float  # of the longest


@dataclass(frozen=True, slots=True)
class SpeedupBar:
    """A comparison with the baseline. ``estimate`` None: not measured, ``reason`` says why; low, high: the interval."""

    who: Identity
    estimate: float | None
    low: float | None
    high: float | None
    confidence: float | None
    verdict: str | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class CumulativeLine:
    """Seconds from the end of loading until so many images more than the first call's are there.

    It starts at ``startup_s``, when the first call ends, and grows by ``image_s`` an image.
    """

    who: Identity
    startup_s: float
    image_s: float
    xs: tuple[float, ...]
    ys: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Crossing:
    """Where a lot has made up for what it costs more to start: ``images`` is its break-even, None: never, ``why``."""

    who: Identity
    baseline: tuple[str, str] | None  # key of the lot that it is compared with
    images: float | None
    seconds: float | None
    why: str  # in words, also where it does cross


@dataclass(frozen=True, slots=True)
class Cumulative:
    """x goes from 0 to ``images``. ``missing``: lots without a line, and why."""

    images: float
    lines: tuple[CumulativeLine, ...]
    crossings: tuple[Crossing, ...]
    missing: tuple[tuple[Identity, str], ...]


@dataclass(frozen=True, slots=True)
class PeakBar:
    """The highest memory of a phase over all runs of a lot, in bytes. ``kind`` as of MemoryLine, without device."""

    who: Identity
    phase: str
    kind: str
    bytes: int


@dataclass(frozen=True, slots=True)
class StageBar:
    """The stages of one call, in seconds and in order, the last being what none of them covers ("other")."""

    who: Identity
    parts: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class ShareBar:
    """The share of steps in which the GPU waited for Python; None: not measured, as on a CPU."""

    who: Identity
    share: float | None
