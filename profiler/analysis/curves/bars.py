"""What is drawn as bars: speed-ups, memory peaks, stages, the host-bound share."""

from __future__ import annotations

from collections.abc import Sequence

from profiler.analysis.cases import CaseFigures, lot_figures
from profiler.analysis.curves.identity import baselines, identities
from profiler.analysis.curves.model import PeakBar, ShareBar, SpeedupBar, StageBar
from profiler.analysis.legs import headline_calls
from profiler.analysis.lots import Lot
from profiler.analysis.statistics import median

OTHER = "other"
LEAST_OTHER = 0.01
"""Of a call: what is left below it is what medians of different calls don't add up by."""


def speedups(
    lots: Sequence[Lot], baseline: Lot | None = None, figures: Sequence[CaseFigures] | None = None
) -> list[SpeedupBar]:
    """One for each lot, the baseline's own too (its figures are None)."""
    if figures is None:
        figures = [lot_figures(lot, base) for lot, base in zip(lots, baselines(lots, baseline), strict=True)]
    return [
        SpeedupBar(
            who=who,
            estimate=of.speedup,
            low=None if of.interval is None else of.interval[0],
            high=None if of.interval is None else of.interval[1],
            confidence=of.confidence,
            verdict=of.verdict,
            reason="the baseline" if who.baseline else of.reason,
        )
        for who, of in zip(identities(lots, baseline), figures, strict=True)
    ]


def memory_peaks(lots: Sequence[Lot], baseline: Lot | None = None) -> list[PeakBar]:
    """The highest peak of each phase over all runs of a lot that began, however they ended: a run that was out of
    memory is one of them.
    """
    found: list[PeakBar] = []
    bases = baselines(lots, baseline)
    for who, lot, base in zip(identities(lots, baseline), lots, bases, strict=True):
        cuda = lot.session.request.device.startswith("cuda")
        for phase in lot_figures(lot, base).phases:
            for kind in ("allocated", "reserved") if cuda else ("rss",):
                value = getattr(phase.memory, f"{kind}_peak_bytes")
                if value is not None:
                    found.append(PeakBar(who, phase.name, kind, value))
    return found


def stages(lots: Sequence[Lot], baseline: Lot | None = None) -> list[StageBar]:
    """The stages of the median measured call of each lot that has any, and what of the call none of them covers."""
    found: list[StageBar] = []
    bases = baselines(lots, baseline)
    for who, lot, base in zip(identities(lots, baseline), lots, bases, strict=True):
        parts = [(one.name, one.median_ms / 1e3) for one in lot_figures(lot, base).stages]
        calls = [[call.ns / 1e9 for call in headline_calls(run)[0] if call.ns] for run in lot.usable]
        whole = median([middle for of in calls if (middle := median(of)) is not None])
        rest = (whole or 0.0) - sum(seconds for _, seconds in parts)
        if parts and rest > LEAST_OTHER * (whole or 0.0):
            parts.append((OTHER, rest))
        if parts:
            found.append(StageBar(who, tuple(parts)))
    return found


def host_bound(lots: Sequence[Lot], baseline: Lot | None = None) -> list[ShareBar]:
    """The host-bound share of each lot: the median run's."""
    return [
        ShareBar(who, lot_figures(lot, base).host_bound_share)
        for who, lot, base in zip(identities(lots, baseline), lots, baselines(lots, baseline), strict=True)
    ]
