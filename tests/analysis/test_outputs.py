"""Latents against latents: how far they are apart, and when that is worth a warning."""

from __future__ import annotations

import math
import random
from array import array
from collections.abc import Sequence

import pytest
import torch

from profiler.analysis.outputs import TOLERANCES_DB, Latents, OutputComparison, compare_latents, difference

VALUES = 4096


def noise(seed: int = 0, scale: float = 1.0, count: int = VALUES) -> list[float]:
    draw = random.Random(seed)
    return [scale * draw.gauss(0, 1) for _ in range(count)]


def near(values: Sequence[float], apart: float, seed: int = 9) -> list[float]:
    """``values`` and as much as ``apart``, in the root mean square, of their range."""
    rms = apart * (max(values) - min(values))
    return [value + off for value, off in zip(values, noise(seed, rms, len(values)), strict=True)]


def latents(
    values: Sequence[float], run: str = "r", seed: int = 0, dtype: str = "", shape: Sequence[int] = ()
) -> Latents:
    return Latents(run, array("f", values), tuple(shape) or (1, len(values)), seed, dtype)


def compared(
    ours: Sequence[Sequence[float]], theirs: Sequence[Sequence[float]], dtype: str = "float32"
) -> OutputComparison:
    return compare_latents(
        "a", [latents(one) for one in ours], "b", [latents(one) for one in theirs], dtypes=[dtype, dtype]
    )


def test_the_difference_agrees_with_torch() -> None:
    one, two = noise(1), noise(2)
    found = difference(array("f", one), array("f", two))
    first, second = (torch.tensor(values, dtype=torch.float32).double() for values in (one, two))
    span = float(first.max() - first.min())
    mean = float(((first - second) ** 2).mean())
    assert found.max_abs == float((first - second).abs().max())
    assert found.span == span
    assert found.psnr_db == pytest.approx(10 * math.log10(span * span / mean), abs=1e-9)
    assert not found.equal


def test_equal_is_bit_for_bit() -> None:
    assert difference(array("f", [0.0, 1.0]), array("f", [0.0, 1.0])).equal
    zeros = difference(array("f", [0.0, 1.0]), array("f", [-0.0, 1.0]))
    assert (zeros.equal, zeros.max_abs, zeros.psnr_db) == (False, 0.0, None)


@pytest.mark.parametrize("odd", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_told_of_either_side(odd: float) -> None:
    good, bad = noise(), [*noise()[:-1], odd]
    ours, theirs, both = compared([bad], [good]), compared([good], [bad]), compared([bad], [bad])
    assert [one.warning for one in (ours, theirs, both)] == [
        "NaN or infinity in its latents, and none in those of the baseline",
        "NaN or infinity in the latents of the baseline",
        "NaN or infinity in its latents, and in those of the baseline",
    ]
    assert [one.finite for one in (ours, theirs, both)] == [False, True, False]
    assert [one.equal for one in (ours, theirs, both)] == [False, False, True]
    assert ours.max_abs is ours.psnr_db is None


def test_infinities_of_both_signs_do_not_cancel() -> None:
    found = difference(array("f", [math.inf, -math.inf, 1.0]), array("f", [1.0, 2.0, 3.0]))
    assert (found.reference_finite, found.finite) == (False, True)


@pytest.mark.parametrize("dtype", list(TOLERANCES_DB))
def test_each_type_has_its_tolerance(dtype: str) -> None:
    allowed = 10 ** (-TOLERANCES_DB[dtype] / 20)
    base = noise()
    assert compared([near(base, allowed * 0.8)], [base], dtype).warning is None
    further = compared([near(base, allowed * 1.25)], [base], dtype)
    assert further.warning is not None
    assert dtype in further.warning
    assert further.tolerance_db == TOLERANCES_DB[dtype]


def test_the_coarser_type_of_the_two_counts() -> None:
    base = noise()
    ours, theirs = latents(base, dtype="float32"), latents(base, dtype="float32")
    found = compare_latents("a", [ours], "b", [theirs], dtypes=["float16", "bfloat16"])
    assert found.dtype == "bfloat16"  # Wan's latents are float32, and its transformer isn't
    found = compare_latents("a", [ours], "b", [latents(base, dtype="float16")], dtypes=["float32", "float32"])
    assert found.dtype == "float16"  # the user's own pipeline


def test_another_seed_s_picture_is_always_warned_of() -> None:
    assert all(compared([noise(1)], [noise(2)], dtype).warning for dtype in TOLERANCES_DB)


def test_a_fault_in_one_place_is_warned_of_though_the_rest_is_right() -> None:
    base = noise(count=1 << 18)
    broken = list(base)
    broken[1000] += 0.5 * (max(base) - min(base))
    found = compared([broken], [base], "float16")
    assert found.psnr_db is not None
    assert found.psnr_db > TOLERANCES_DB["float16"] + 10
    assert found.warning is not None
    assert "in places: by up to 50% of the range" in found.warning


def test_what_the_baseline_does_not_reproduce_itself_is_not_held_against_a_variant() -> None:
    base = noise()
    again, ours = near(base, 0.01, seed=1), near(base, 0.02, seed=2)
    alone = compared([ours], [base])
    assert alone.warning is not None
    assert alone.self_equal is alone.self_max_abs is alone.self_psnr_db is None
    beside = compared([ours], [base, again])
    assert beside.warning is None
    assert beside.self_equal is False
    assert beside.self_psnr_db == pytest.approx(40, abs=0.3)
    assert beside.tolerance_db == pytest.approx(beside.self_psnr_db - 9.54, abs=0.01)
    assert compared([near(base, 0.04)], [base, again]).warning is not None


def test_a_baseline_that_repeats_itself_exactly_has_the_type_s_tolerance() -> None:
    base = noise()
    found = compared([near(base, 0.01)], [base, base, base])
    assert (found.self_equal, found.self_max_abs, found.tolerance_db) == (True, 0.0, 60.0)
    assert found.warning is not None


def test_the_farthest_of_several_runs_counts() -> None:
    base = noise()
    found = compared([base, near(base, 0.1), near(base, 0.001)], [base])
    assert found.equal is False
    assert found.psnr_db == pytest.approx(20, abs=0.3)
    assert compared([base, base], [base]).equal is True


def test_the_baseline_against_itself_is_its_repeats() -> None:
    base = [latents(noise(), "r1"), latents(near(noise(), 0.01), "r2")]
    found = compare_latents("b", base, "b", base, itself=True, dtypes=["float32"])
    assert (found.equal, found.tolerance_db) == (False, 60.0)
    assert found.warning is not None
    assert found.warning.startswith("differs from its first repeat")
    alone = compare_latents("b", base[:1], "b", base[:1], itself=True, dtypes=["float32"])
    assert (alone.equal, alone.self_equal, alone.warning) == (True, None, None)


def test_what_cannot_be_compared_is_said() -> None:
    base = [latents(noise(), "r1", shape=(1, 4, 32, 32))]
    other_shape = compare_latents("a", [latents(noise(), "r2", shape=(1, 4, 64, 16))], "b", base)
    assert other_shape.reason == "r2: its latents are 1x4x64x16, the baseline's 1x4x32x32"
    other_seed = compare_latents("a", [latents(noise(), "r2", seed=7, shape=(1, 4, 32, 32))], "b", base)
    assert other_seed.reason == "r2: it has the seed 7, the baseline 0"
    missing = compare_latents("a", [], "b", base)
    assert missing.reason == "a has kept no latents"
    unreadable = compare_latents("a", [], "b", base, left_out=["r2: its latents can't be read"])
    assert unreadable.reason == "r2: its latents can't be read"
    for one in (other_shape, other_seed, missing, unreadable):
        assert one.equal is one.max_abs is one.psnr_db is one.warning is None


def test_runs_that_are_left_out_beside_others_are_named() -> None:
    base = latents(noise(), "r1")
    found = compare_latents("a", [latents(noise(), "r2"), latents(noise(), "r3", seed=1)], "b", [base])
    assert found.equal is True
    assert found.left_out == ("r3: it has the seed 1, the baseline 0",)


def test_latents_of_one_value() -> None:
    found = compared([[1.0, 2.0]], [[1.0, 1.0]])
    assert found.psnr_db is None
    assert found.warning == "differs from the baseline, whose latents are all one value"
    assert compared([[1.0, 1.0]], [[1.0, 1.0]]).warning is None
