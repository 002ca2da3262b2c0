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
    tolerance_db: float | None = None  # a PSNR below this is warned of; lower where the baseline differs from itself
    tolerance_abs: float | None = None  # so is a single value that is farther off
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


TOLERANCES_DB = {"float32": 60.0, "float16": 40.0, "bfloat16": 30.0}
"""PSNR in dB below which the latents of two variants are warned of, by the type that they were computed in.

That is a root mean square difference of 0.1 %, 1 % and 3 % of the range of the values. Between two seeds it is 13 to 14
dB. Compiled by inductor for a CPU, the tiny sd15-txt2img, sdxl-txt2img and flux1-dev with random weights and 20 steps
are at least 140 dB (float32), 70 dB (float16) and 52 dB (bfloat16) from no-compile, as no-compile itself is from the
same in float32: that is the type's rounding. The tolerances leave room for models that make more of it, 13 times as
much in bfloat16 and 34 times in float16. float32 has more room than its own rounding needs: convolutions of a GPU may
round it to TF32, which has float16's 10 bits. PyTorch's own checks of compiled models ask for 1e-4 in float32 and 1e-3
in half precision of one forward pass, and measure what exceeds that as here, by the root mean square
(torch/_dynamo/utils.py, ``same``).
"""

SELF_MARGIN = 3.0
"""Three times as far from the baseline as its own repeats are from each other is within tolerance: the multiplier of
``same`` for half precision.
"""
SELF_MARGIN_DB = 20 * math.log10(SELF_MARGIN)

LARGEST_BY_RMS = 10.0
"""A single value may be this many times as far off as the tolerance lets all of them be in the root mean square. In the
pipelines above rounding's farthest is 4 to 9 times its root mean square: beyond that is a fault in one place.
"""


@dataclass(frozen=True, slots=True)
class Tolerance:
    """What is not warned of. ``db`` is a PSNR, ``max_abs`` in units of the values, None where those are all one."""

    dtype: str
    db: float
    max_abs: float | None


def tolerance(dtypes: Sequence[str], span: float | None, own: Difference | None) -> Tolerance:
    """For the coarsest of ``dtypes`` (float32 where none is known), and values over a range of ``span``.

    ``own`` is the baseline's difference from itself. It widens the tolerance whatever the weights are: what a pipeline
    doesn't reproduce itself no variant can be blamed for.
    """
    known = [dtype for dtype in dtypes if dtype in TOLERANCES_DB]
    dtype = min(known, key=TOLERANCES_DB.__getitem__, default="float32")
    db = TOLERANCES_DB[dtype]
    if own is not None and own.psnr_db is not None:
        db = min(db, own.psnr_db - SELF_MARGIN_DB)
    if not span:
        return Tolerance(dtype, db, None)
    largest = LARGEST_BY_RMS * span / 10 ** (db / 20)
    return Tolerance(dtype, db, max(largest, SELF_MARGIN * own.max_abs) if own and own.max_abs else largest)


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
        reason = left_out[0] if left_out else f"{whose} has kept no latents"
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
    allowed = tolerance(every, worst.span, None if itself else worst_own)
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
        dtype=allowed.dtype,
        tolerance_db=allowed.db,
        tolerance_abs=allowed.max_abs,
        warning=_warning(worst, allowed, "its first repeat" if itself else "the baseline"),
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


def _warning(found: Difference, allowed: Tolerance, reference: str) -> str | None:
    if found.max_abs is None or found.span is None:
        whose = {(True, False): "its latents, and none in those of", (False, True): "the latents of"}
        between = whose.get((found.reference_finite, found.finite), "its latents, and in those of")
        return f"NaN or infinity in {between} {reference}"
    if not found.rms:
        return None
    decibels = found.psnr_db
    if decibels is None or allowed.max_abs is None:
        return f"differs from {reference}, whose latents are all one value"
    if decibels < allowed.db:
        least = f"{allowed.db:.0f} dB is the least for {allowed.dtype}"
        return f"differs from {reference}: PSNR {decibels:.1f} dB, and {least}"
    if found.max_abs > allowed.max_abs:
        share = found.max_abs / found.span
        return f"differs from {reference} in places: by up to {share:.0%} of the range, PSNR {decibels:.1f} dB"
    return None
