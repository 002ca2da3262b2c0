"""The points of the charts that compare lots: they agree with the figures, and hold for any data."""

from __future__ import annotations

import math
import random
from functools import cache
from itertools import pairwise

import pytest
from msgspec.structs import replace

from profiler import events as ev
from profiler.analysis import curves
from profiler.analysis.cases import lot_figures
from profiler.analysis.comparing import compare
from profiler.analysis.curves.distribution import MOST_BINS, MOST_POINTS, spread
from profiler.analysis.curves.model import Crossing, Cumulative, CumulativeLine, Identity, LoopDistribution
from profiler.analysis.lots import Lot, lots_of
from profiler.analysis.state import SessionState
from profiler.analysis.statistics import median
from tests.analysis.events import MS, call, chained, fold, frame, request
from tests.support.recorded import finished

WHO = Identity(("s", "a"), "a", "compile", None, 0, False)
OTHER = Identity(("s", "b"), "b", "no-compile", None, 0, True)


@cache
def recorded(seed: int = 1, session: str = "done-sd15", device: str = "cuda:0") -> SessionState:
    return finished(seed=seed, session=session, device=device, repeats=3).folded()


def single(durations: list[list[float]], *, variant: str = "no-compile", steps: int = 20) -> Lot:
    """A lot of one run with measured calls of these step durations in ms, 10 s apart."""
    given = request(variants=[variant], repeats=1, steps=steps)
    log = frame()
    for index, each in enumerate(durations):
        log += call(index, "measure", 1_000 + index * 10_000, each)
    return lots_of(fold(given, {given.runs[0].name: log}).state)[0]


# --- cumulative time ---


def meeting(one: CumulativeLine, other: CumulativeLine) -> float:
    """Where two drawn lines cross, from their end points alone."""
    rise = [(line.ys[-1] - line.ys[0]) / (line.xs[-1] - line.xs[0]) for line in (one, other)]
    return (one.ys[0] - other.ys[0]) / (rise[1] - rise[0])


def crossings(found: Cumulative) -> list[tuple[Crossing, CumulativeLine, CumulativeLine]]:
    lines = {line.who.key: line for line in found.lines}
    return [(cross, lines[cross.who.key], lines[cross.baseline]) for cross in found.crossings if cross.baseline]


def test_the_lines_of_cumulative_time_cross_at_the_break_even_of_the_figures() -> None:
    lots = lots_of(recorded())
    found = curves.cumulative(lots)
    checked = crossings(found)
    assert len(checked) == 2
    for cross, line, base in checked:
        lot = next(lot for lot in lots if lot.key == cross.who.key)
        assert cross.images == compare(lot, lots[0]).break_even
        assert cross.images == pytest.approx(meeting(line, base), rel=1e-9)
        assert cross.seconds == pytest.approx(base.startup_s + cross.images * base.image_s)
        assert cross.images * 1.5 <= found.images + 1
        assert f"after {math.ceil(cross.images)} image" in cross.why


def test_a_line_of_cumulative_time_begins_when_the_cold_start_up_is_over() -> None:
    lots = lots_of(recorded())
    for lot, line in zip(lots, curves.cumulative(lots).lines, strict=True):
        assert (line.xs[0], line.ys[0]) == (0.0, lot.startup_s)
        assert line.image_s == lot.middle(lambda run: run.image_s)


def test_where_nothing_is_saved_the_lines_have_no_break_even_and_it_says_why() -> None:
    slow, fast = single([[20.0] * 4] * 3), single([[10.0] * 4] * 3)
    (cross,) = curves.cumulative([fast, slow], fast).crossings
    assert cross.images is None and cross.seconds is None
    assert cross.why == lot_figures(slow, fast).break_even_reason
    # The faster one costs nothing more to start.
    (cross,) = curves.cumulative([slow, fast], slow).crossings
    assert cross.images == 0.0 and "ahead from the first" in cross.why


def test_a_crossing_far_behind_the_others_is_told_and_does_not_stretch_the_chart() -> None:
    lots = lots_of(recorded())
    figures = [lot_figures(lot, lots[0]) for lot in lots]
    far = replace(figures[2], break_even_images=1e7)
    found = curves.cumulative(lots, lots[0], [figures[0], figures[1], far])
    assert figures[1].break_even_images is not None
    assert found.images == math.ceil(figures[1].break_even_images * 1.5)
    assert "more than 1,000,000 images" in found.crossings[1].why


def test_a_lot_without_a_measured_call_has_no_line_and_is_named() -> None:
    lots = [single([[10.0] * 4] * 3), single([])]
    found = curves.cumulative(lots, lots[0])
    assert [line.who.key for line in found.lines] == [lots[0].key]
    assert [who.key for who, _ in found.missing] == [lots[1].key] and found.missing[0][1]


# --- distribution ---


def distribution(*values: list[float]) -> LoopDistribution:
    return spread("denoise", list(zip((WHO, OTHER), values)))


def check(found: LoopDistribution) -> None:
    """What holds of every distribution."""
    assert all(a < b for a, b in pairwise(found.edges)) and len(found.edges) <= MOST_BINS + 1
    for one in found.histograms:
        assert one.below + sum(one.counts) + one.beyond == one.n > 0
        assert len(one.counts) == len(found.edges) - 1
    for line in found.ecdfs:
        assert len(line.xs) == len(line.ys) <= MOST_POINTS
        assert all(a < b for a, b in pairwise(line.xs)) and all(a < b for a, b in pairwise(line.ys))
        assert line.ys[-1] == 1.0


def test_bins_are_shared_and_count_every_step() -> None:
    source = random.Random(1)
    one, other = ([source.gauss(middle, 0.001) for _ in range(n)] for middle, n in ((0.05, 5000), (0.03, 300)))
    found = distribution(one, other)
    check(found)
    assert [each.n for each in found.histograms] == [5000, 300]
    assert found.edges[0] == pytest.approx(min(other), abs=0.002) and found.edges[-1] >= max(one) - 0.002


def test_one_huge_outlier_is_counted_beyond_the_range_and_does_not_stretch_it() -> None:
    source = random.Random(2)
    found = distribution([source.gauss(0.05, 0.001) for _ in range(100)] + [9.4])
    check(found)
    assert found.histograms[0].beyond >= 1 and found.slowest == 9.4
    assert found.edges[-1] < 0.06 and sum(count > 0 for count in found.histograms[0].counts) > 5


def test_two_modes_are_both_within_the_range() -> None:
    found = distribution([0.010 + 1e-5 * n for n in range(90)] + [0.050 + 1e-5 * n for n in range(10)])
    check(found)
    assert found.histograms[0].beyond == 0 and found.histograms[0].counts[-1] > 0


@pytest.mark.parametrize(
    "values",
    [
        [0.05],
        [0.05, 0.05],
        [0.0, 0.0],
        [0.05] * 1000,
        [0.05] * 99 + [50.0],
        [1e-300, 2e-300],
        [1e300, -1e300],
        [0.1, 7.0],
    ],
    ids=["one", "two alike", "zeros", "constant", "constant but one", "tiny", "huge", "two"],
)
def test_odd_data_give_a_sane_distribution(values: list[float]) -> None:
    found = distribution(values)
    check(found)
    assert found.histograms[0].n == len(values)


def test_nothing_and_values_that_are_not_finite_are_left_out() -> None:
    assert distribution([], [math.nan, math.inf]) == LoopDistribution("denoise", (), (), (), None)
    found = distribution([0.05, math.nan, 0.06, -math.inf], [])
    check(found)
    assert [(each.who, each.n) for each in found.histograms] == [(WHO, 2)]


def test_an_ecdf_says_which_share_took_at_most_so_long() -> None:
    values = [float(n) for n in range(1, 1001)]
    (line,) = distribution(values).ecdfs
    assert (line.xs[0], line.xs[-1], line.n) == (1.0, 1000.0, 1000)
    assert all(y == pytest.approx(x / 1000) for x, y in zip(line.xs, line.ys, strict=True))


def test_distributions_are_over_the_steps_of_the_headline() -> None:
    lots = lots_of(recorded())
    (found,) = curves.distribution(lots)
    check(found)
    for lot, one, line in zip(lots, found.histograms, found.ecdfs, strict=True):
        steps = lot_figures(lot, None).steps
        assert steps is not None and one.n == line.n == steps.n
        below_median = max((y for x, y in zip(line.xs, line.ys, strict=True) if x * 1e3 <= steps.median_ms), default=0)
        assert below_median == pytest.approx(0.5, abs=0.02)


# --- latency ---


def test_the_overlay_is_the_median_call_with_quartiles_from_five_calls_on() -> None:
    (few,) = curves.latency([single([[1.0, 10.0], [2.0, 20.0], [9.0, 90.0]])])
    (line,) = few.overlay
    assert (line.xs, line.ys, line.low, line.n) == ((0.0, 1.0), (0.002, 0.02), (), 3)
    (many,) = curves.latency([single([[float(n)] * 2 for n in range(1, 6)])])
    (line,) = many.overlay
    assert (line.ys[0], line.low[0], line.high[0]) == pytest.approx((0.003, 0.002, 0.004))


def test_calls_with_a_compile_are_in_the_order_of_steps_but_not_in_the_overlay() -> None:
    given = request(variants=["compile"], repeats=1)
    log = [*frame(), *call(0, "measure", 100, [900.0, 5.0])]
    log.insert(6, ev.CompileStarted(t=150 * MS, id="0/0", call=0, step=0))
    for index in range(1, 4):
        log += call(index, "measure", 10_000 * index, [5.0, 6.0])
    (found,) = curves.latency(lots_of(fold(given, {given.runs[0].name: log}).state))
    assert found.overlay[0].ys == (0.005, 0.006)
    assert found.in_order[0].ys == (0.9, 0.005, *(0.005, 0.006) * 3)
    assert found.calls == ((0, 2, 4, 6),)


def test_lots_with_other_step_counts_are_drawn_over_the_share_of_the_loop_and_it_says_so() -> None:
    (found,) = curves.latency([single([[5.0] * 4] * 3), single([[5.0] * 8] * 3, steps=7)])
    assert found.fraction and "4, 8 steps" in found.note
    assert [line.xs[0] for line in found.overlay] == [1 / 8, 1 / 16]
    assert all(0 < x < 1 for line in found.overlay for x in line.xs)
    (alike,) = curves.latency([single([[5.0] * 4] * 3), single([[6.0] * 4] * 3)])
    assert not alike.fraction and alike.note == ""


def test_each_loop_of_a_chain_has_curves_of_its_own() -> None:
    given = request(variants=["no-compile"], repeats=1)
    log = frame()
    for index in range(3):
        log += chained(index, "measure", 1_000 * (index + 1), {"one": [5.0] * 3, "two": [50.0] * 2}, planned=5)
    lots = lots_of(fold(given, {given.runs[0].name: log}).state)
    assert [(found.name, found.steps) for found in curves.latency(lots)] == [("one", 3), ("two", 2)]
    assert [(found.name, found.histograms[0].n) for found in curves.distribution(lots)] == [("one", 9), ("two", 6)]


# --- memory, bars ---


def test_memory_over_time_begins_with_the_run_and_shows_the_middle_one() -> None:
    state = recorded()
    lots = lots_of(state)
    found = curves.memory(lots)
    assert {line.kind for line in found.lines} == {"allocated", "reserved", "device"}
    for shown in found.shown:
        lot = next(lot for lot in lots if lot.key == shown.who.key)
        figures = dict(zip([run.name for run in lot.usable], lot.figures(), strict=True))
        assert shown.of == 3
        assert figures[shown.run].denoise_s == median([one.denoise_s for one in figures.values() if one.denoise_s])
    for line in found.lines:
        assert all(a <= b for a, b in pairwise(line.xs)) and line.xs[0] >= 0 and line.xs[-1] <= found.end_s
    first = [phase for phase in found.phases if phase.who == found.shown[1].who]
    assert [phase.name for phase in first] == ["load", "compile", "warmup", "measure"]
    assert all(a.end_s == b.start_s for a, b in pairwise(first)) and first[0].start_s > 0


def test_on_a_cpu_memory_is_the_resident_set() -> None:
    lots = lots_of(recorded(device="cpu"))
    assert {line.kind for line in curves.memory(lots).lines} == {"rss"}
    assert {bar.kind for bar in curves.memory_peaks(lots)} == {"rss"}


def test_bars_are_the_figures_themselves() -> None:
    lots = lots_of(recorded())
    for bar, lot in zip(curves.speedups(lots), lots, strict=True):
        figures = lot_figures(lot, lots[0])
        assert (bar.estimate, bar.verdict) == (figures.speedup, figures.verdict)
        assert (bar.low, bar.high) == (figures.interval or (None, None))
    for stage, lot in zip(curves.stages(lots), lots, strict=True):
        told = {one.name: one.median_ms / 1e3 for one in lot_figures(lot, None).stages}
        assert told.items() <= dict(stage.parts).items()
    top = {one.who.key: 0 for one in curves.memory_peaks(lots)}
    for peak in curves.memory_peaks(lots):
        if peak.kind == "allocated":
            top[peak.who.key] = max(top[peak.who.key], peak.bytes)
    assert [top[lot.key] for lot in lots] == [lot_figures(lot, None).memory.allocated_peak_bytes for lot in lots]
    assert [bar.share for bar in curves.host_bound(lots)] == [lot_figures(lot, None).host_bound_share for lot in lots]


# --- who is who ---


def test_labels_are_the_variants_where_that_tells_them_apart() -> None:
    found = curves.identities(lots_of(recorded()))
    assert [one.label for one in found] == ["no-compile", "compile", "regional-compile"]
    assert [one.baseline for one in found] == [True, False, False]


def test_lots_of_one_variant_from_two_sessions_are_told_apart() -> None:
    lots = [*lots_of(recorded()), *lots_of(recorded(2, "othr-sd15"))]
    found = curves.identities(lots, lots[0])
    assert [one.label for one in found[:2]] == ["no-compile done", "compile done"]
    assert [one.label for one in found[3:5]] == ["no-compile othr", "compile othr"]
    assert [one.nth for one in found] == [0, 0, 0, 1, 1, 1]
    assert [one.baseline for one in found] == [True, *[False] * 5]
    assert len({one.key for one in found}) == 6


def test_a_label_names_of_what_differs_as_little_as_tells_apart() -> None:
    lots = [*lots_of(recorded()), *lots_of(recorded(2, "othr-sd15", "cpu"))]
    labels = [one.label for one in curves.identities(lots)]
    # The data type differs and with it the memory format: one of them says it.
    assert labels[0] == "float16 no-compile" and labels[3] == "float32 no-compile"
    runs = [Lot(recorded(), run.case, run.name) for run in recorded().runs.values()]
    labels = [one.label for one in curves.identities(runs)]
    assert len(set(labels)) == len(runs) and "compile #2" in labels


def test_the_same_lot_twice_is_numbered() -> None:
    lot = lots_of(recorded())[0]
    assert [one.label for one in curves.identities([lot, lot])] == ["no-compile (1)", "no-compile (2)"]


# --- any state at all ---


def test_every_curve_answers_at_any_moment_of_a_session() -> None:
    recording = finished(repeats=1, calls=2, steps=3)
    times = [record.event.t for record in recording.records]
    for until in [0, *times[:: max(1, len(times) // 25)], times[-1]]:
        lots = lots_of(recording.folded(until))
        for found in curves.latency(lots):
            assert len(found.in_order) == len(found.calls) == len(found.shown)
        for spreading in curves.distribution(lots):
            check(spreading)
        cumulative = curves.cumulative(lots)
        assert len(cumulative.lines) + len(cumulative.missing) == len(lots)
        assert len(curves.speedups(lots)) == len(curves.host_bound(lots)) == len(lots)
        assert (
            curves.memory(lots).end_s >= 0 and curves.stages(lots) is not None and curves.memory_peaks(lots) is not None
        )


def test_no_lots_give_empty_curves() -> None:
    assert curves.latency([]) == curves.distribution([]) == curves.speedups([]) == curves.stages([]) == []
    assert curves.memory([]).lines == curves.cumulative([]).lines == ()
