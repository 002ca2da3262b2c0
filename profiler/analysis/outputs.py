"""Whether two variants made the same picture: their final latents, value by value. Needs neither torch nor numpy."""

from __future__ import annotations

import math
import operator
from array import array
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec


class OutputComparison(msgspec.Struct, frozen=True, kw_only=True):
    """The final latents of one lot against another's, at the same seed. Where they can't be compared ``reason`` says
    why and the figures are None.

    A lot of several runs is as far from the baseline's first run as its farthest one is. ``self_max_abs`` and
    ``self_psnr_db`` are the same of the baseline's own repeats against its first: what it does not reproduce itself
    can't be asked of anybody else. They are None with one repeat.
    """

    case: str
    baseline: str
    equal: bool | None = None  # bit for bit, in all runs
    max_abs: float | None = None
    psnr_db: float | None = None  # peak: the range of the baseline's values; None where nothing differs or they are one
    range: float | None = None  # largest minus smallest value of the baseline's
    finite: bool | None = None  # no NaN and no infinity in this lot's
    self_equal: bool | None = None
    self_max_abs: float | None = None
    self_psnr_db: float | None = None
    dtype: str | None = None  # whose tolerance applies: the coarsest that either computes in
    tolerance_db: float | None = None  # a PSNR below this is warned of; scaled where the baseline differs from itself
    warning: str | None = None  # one sentence
    reason: str | None = None  # why nothing is compared
    left_out: tuple[str, ...] = ()  # "run: why", of runs that are not in the comparison


@dataclass(frozen=True, slots=True)
class Latents:
    """The final latents of a run, flat. ``dtype`` is the type in which the pipeline had them, "" if not known."""

    run: str
    values: array[float]
    shape: tuple[int, ...]
    seed: int
    dtype: str = ""


@dataclass(frozen=True, slots=True)
class Difference:
    """How far values are from a reference. ``max_abs`` and ``rms`` are None where one of them isn't finite."""

    equal: bool  # bit for bit
    max_abs: float | None
    rms: float | None  # the root of the mean square
    span: float | None  # largest minus smallest value of the reference
    reference_finite: bool
    finite: bool

    @property
    def psnr_db(self) -> float | None:
        """Peak signal-to-noise ratio, the peak being the reference's range; None where that says nothing."""
        return None if not self.rms or not self.span else 20 * math.log10(self.span / self.rms)


def difference(reference: array[float], values: array[float]) -> Difference:
    """Compare two arrays of float32 of one length, which is at least 1.

    The squares are added exactly (math.fsum), so that the order of the values changes nothing. 262,144 values, those
    of a 1024x1024 picture with 16 channels, take about 50 ms.
    """
    # Float32 values can't add up to more than a float64 holds: only NaN and infinity give NaN or infinity.
    reference_finite, finite = math.isfinite(sum(reference)), math.isfinite(sum(values))
    equal = memoryview(reference).cast("B") == memoryview(values).cast("B")
    span = max(reference) - min(reference) if reference_finite else None
    if not (reference_finite and finite):
        return Difference(equal, None, None, span, reference_finite, finite)
    if equal:
        return Difference(True, 0.0, 0.0, span, True, True)
    apart = list(map(operator.sub, reference, values))
    largest = max(map(abs, apart))
    rms = math.sqrt(math.fsum(map(operator.mul, apart, apart)) / len(apart))
    return Difference(False, largest, rms, span, True, True)


TOLERANCES_DB = {"float32": 60.0, "float16": 30.0, "bfloat16": 20.0}
SELF_MARGIN_DB = 20 * math.log10(3)


def tolerance_db(dtypes: Sequence[str], own_psnr_db: float | None) -> tuple[str, float]:
    """The coarsest of ``dtypes`` and the PSNR in dB below which a difference is warned of.

    It is lowered to ``SELF_MARGIN_DB`` below what the baseline's repeats reach against each other.
    """
    known = [dtype for dtype in dtypes if dtype in TOLERANCES_DB]
    dtype = min(known, key=TOLERANCES_DB.__getitem__, default="float32")
    decibels = TOLERANCES_DB[dtype]
    return dtype, decibels if own_psnr_db is None else min(decibels, own_psnr_db - SELF_MARGIN_DB)


def compare_latents(
    case: str,
    ours: Sequence[Latents],
    baseline: str,
    theirs: Sequence[Latents],
    *,
    itself: bool = False,
    dtypes: Sequence[str] = (),
    left_out: Sequence[str] = (),
) -> OutputComparison:
    """Compare what the runs of ``case`` made with what those of ``baseline`` did; ``itself``: they are the same ones.

    ``dtypes`` are those that the workloads name. ``left_out``: sentences about runs whose latents can't be read.
    """
    if not theirs or not ours:
        whose = baseline if not theirs else case
        reason = left_out[0] if left_out else f"{whose} has kept no latents yet"
        return OutputComparison(case=case, baseline=baseline, reason=reason, left_out=tuple(left_out))
    reference = theirs[0]
    skipped = list(left_out)
    own = _differences(reference, theirs[1:], skipped)
    found = own if itself else _differences(reference, ours, skipped)
    if itself and not found:
        found = [difference(reference.values, reference.values)]
    if not found:
        return OutputComparison(case=case, baseline=baseline, reason=skipped[-1], left_out=tuple(skipped))
    worst, worst_own = max(found, key=_severity), max(own, key=_severity, default=None)
    every = [*dtypes, reference.dtype, *(one.dtype for one in ours)]
    dtype, limit = tolerance_db(every, worst_own.psnr_db if worst_own is not None else None)
    return OutputComparison(
        case=case,
        baseline=baseline,
        equal=all(one.equal for one in found),
        max_abs=worst.max_abs,
        psnr_db=worst.psnr_db,
        range=worst.span,
        finite=all(one.finite for one in found),
        self_equal=None if worst_own is None else all(one.equal for one in own),
        self_max_abs=None if worst_own is None else worst_own.max_abs,
        self_psnr_db=None if worst_own is None else worst_own.psnr_db,
        dtype=dtype,
        tolerance_db=limit,
        warning=_warning(worst, dtype, limit),
        left_out=tuple(skipped),
    )


def _differences(reference: Latents, others: Sequence[Latents], skipped: list[str]) -> list[Difference]:
    found = []
    for other in others:
        if other.shape != reference.shape or len(other.values) != len(reference.values):
            skipped.append(f"{other.run}: its latents are {_shape(other)}, the baseline's {_shape(reference)}")
        elif other.seed != reference.seed:
            skipped.append(f"{other.run}: it has the seed {other.seed}, the baseline {reference.seed}")
        else:
            found.append(difference(reference.values, other.values))
    return found


def _shape(latents: Latents) -> str:
    return "x".join(map(str, latents.shape))


def _severity(found: Difference) -> tuple[bool, float]:
    return not found.finite or not found.reference_finite, found.rms or 0.0


def _warning(found: Difference, dtype: str, limit: float) -> str | None:
    if not found.finite or not found.reference_finite:
        if found.finite or found.reference_finite:
            whose = "its" if found.reference_finite else "the baseline's"
            return f"NaN or infinity in {whose} latents alone"
        return "NaN or infinity in its latents and in the baseline's"
    decibels = found.psnr_db
    if decibels is not None and decibels < limit:
        return f"another picture than the baseline's: PSNR {decibels:.1f} dB, where {dtype} allows {limit:.0f} dB"
    if decibels is None and found.rms:
        return "another picture than the baseline's, whose latents are all one value"
    return None
