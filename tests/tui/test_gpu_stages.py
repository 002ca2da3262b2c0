"""The GPU panel and the stages of a call: what is shown of a session, and what is said where there is nothing."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from rich.cells import cell_len

from profiler import events as ev
from profiler.analysis.cases import case_figures
from profiler.analysis.state import SessionState
from tests.support import recorded
from tests.support.story import SECOND
from tests.tui.charts.test_canvas import text
from tui.charts.canvas import render
from tui.charts.stacked import Bar, Kind, Stacked
from tui.charts.window import Window
from tui.panels.stacked import StackedPanel
from tui.pictures.gpu import SYMBOLS, GpuChart
from tui.pictures.live import LivePainter
from tui.pictures.samples import REASONS, GpuTrace
from tui.pictures.stages import StagesChart
from tui.pictures.view import StepsView


@pytest.fixture(scope="module")
def finished() -> SessionState:
    return recorded.finished().folded()


def sampled(*samples: ev.GpuSample, minor: int = 3, device: ev.DeviceSeen | None = None) -> SessionState:
    """A session of which nothing but its samples is known, each at its own second of the session."""
    recording = recorded.live()
    state = SessionState("s", recording.request)
    state.header = ev.Header(t=0, minor=minor)
    state.device = device
    state.started_ns = 0
    columns = state.gpu.names[1:]
    for sample in samples:
        values = (getattr(sample, column) for column in columns)
        state.gpu.extend((sample.t, *(-1 if value is None else value for value in values)))
        state.last_t = sample.t
    return state


def at(seconds: float, **fields: int) -> ev.GpuSample:
    return ev.GpuSample(t=int(seconds * SECOND), **fields)


# --- GPU ---


def test_every_figure_has_a_lane_with_its_newest_value_and_the_reasons_are_told_in_words(
    finished: SessionState,
) -> None:
    lanes = GpuChart(finished).lanes(120, 0.0)
    rows = text(render(lanes, 120, 24))
    assert [lane.name for lane in lanes.lanes] == ["busy", "SM clock", "power", "temp", "mem clock"]
    last = {name: finished.gpu.cell(-1, name) for name in ("utilization", "power_mw", "temperature_c")}
    assert [lane.value for lane in lanes.lanes] == [
        f"{last['utilization']}%",
        "1.98 GHz",
        f"{last['power_mw'] / 1000:.3g} W",
        f"{last['temperature_c']} °C",
        "9.5 GHz",
    ]
    assert rows[0].startswith("GPU  at the end: power cap")
    assert rows[0].rstrip().endswith("P power cap  . idle")
    assert {sign.symbol for sign in lanes.signs} == {"P", "."}


def test_a_window_and_a_cursor_read_what_was_there(finished: SessionState) -> None:
    chart = GpuChart(finished)
    whole = chart.lanes(120, 0.0)
    lanes = chart.lanes(120, 0.0, window=Window(10.0, 14.5), cursor=12.0)
    assert (lanes.x.low, lanes.x.high, lanes.x.whole) == (10.0, 14.5, (whole.x.low, whole.x.high))
    trace = GpuTrace(finished, ["utilization", "power_mw"])
    trace.follow()
    there = max(n for n, x in enumerate(trace.xs) if x <= 12.0)
    assert lanes.lanes[0].value == f"{trace.ys['utilization'][there]:.0f}%"
    assert lanes.lanes[2].value == f"{trace.ys['power_mw'][there] / 1000:.0f} W"
    assert lanes.note == "0:12: idle"
    assert lanes.cursor == 12.0
    assert all(9.0 < x < 15.5 for lane in lanes.lanes for x in lane.series[0].xs)
    assert [lane.y for lane in lanes.lanes] == [lane.y for lane in whole.lanes], "the ranges stay where they were"
    assert chart.lanes(120, 0.0, end=60.0).x.high == 60.0
    assert chart.lanes(120, 0.0, cursor=1e9).lanes[0].value == "–"


def test_silence_is_a_gap_but_not_in_logs_that_left_equal_samples_out() -> None:
    samples = [at(0, utilization=90), at(0.5, utilization=90), at(4, utilization=10), at(4.5, utilization=20)]
    trace = GpuTrace(sampled(*samples), ["utilization"])
    trace.follow()
    assert list(trace.xs) == [0, 0.5, 0.5, 4, 4.5]
    assert [y if math.isfinite(y) else None for y in trace.ys["utilization"]] == [90, 90, None, 10, 20]
    assert trace.at("utilization", 2.0) is None
    old = GpuTrace(sampled(*samples, minor=2), ["utilization"])
    old.follow()
    assert list(old.xs) == [0, 0.5, 4, 4.5]


def test_samples_are_taken_in_once_as_they_come() -> None:
    state = sampled(at(0, utilization=90, reasons=4), at(0.5, utilization=80, reasons=4))
    trace = GpuTrace(state, ["utilization"])
    trace.follow()
    state.gpu.extend((SECOND, *(70 if name == "utilization" else -1 for name in state.gpu.names[1:])))
    trace.follow()
    trace.follow()
    assert list(trace.ys["utilization"]) == [90, 80, 70]
    assert math.isnan(trace.ys[REASONS][-1])
    assert trace.reasons.touches(4, 0.6, 0.7)
    assert not trace.reasons.touches(4, 1.1, 2.0)
    state.pauses.append((0, SECOND // 4))
    trace.follow()
    assert trace.layout == 2
    assert list(trace.xs) == [0.0, 0.25, 0.75]


def test_a_rare_slowdown_is_seen_among_a_thousand_columns_of_other_reasons() -> None:
    every = [at(n / 10, reasons=0x40 if n == 5000 else 0x4) for n in range(10_000)]
    lanes = GpuChart(sampled(*every)).lanes(100, 0.0, end=1000.0)
    assert [sign.symbol for sign in lanes.signs] == ["P", "T", "P"]
    assert lanes.legend == "T hardware thermal slowdown  P power cap"
    row = text(render(lanes, 120, 20))[-3]
    assert row.count("T") == 1


def test_reasons_have_symbols_of_their_own_and_unknown_ones_are_told_by_number() -> None:
    assert len(set(SYMBOLS.values())) == len(SYMBOLS)
    lanes = GpuChart(sampled(at(0, reasons=0x4000), at(1, reasons=0x4000))).lanes(100, 0.0)
    assert [sign.symbol for sign in lanes.signs] == ["?"]
    assert lanes.legend == "? reason 0x4000"
    assert lanes.note == "now: reason 0x4000"


def test_what_could_not_be_measured_says_so_and_why() -> None:
    cpu = recorded.live(device="cpu").folded()
    assert GpuChart(cpu).lanes(100, 0.0).empty == "no GPU: this session measures the CPU"
    assert GpuChart(sampled()).lanes(100, 0.0).empty == "waiting for GPU figures"
    refused = sampled(device=ev.DeviceSeen(t=0, reason="no NVML\x1b[2J"))
    assert GpuChart(refused).lanes(100, 0.0).empty == "no GPU figures: no NVML␛[2J"
    partly = sampled(at(0, utilization=5), at(1, utilization=5))
    partly.gpu_fields["power_mw"] = "Not Supported\n"
    lanes = GpuChart(partly).lanes(100, 0.0)
    assert lanes.lanes[0].value == "5%"
    assert (lanes.lanes[2].value, lanes.lanes[2].empty) == ("–", "not measured: Not Supported⏎")
    assert lanes.signs_name == ""


def test_the_figures_change_once_a_second_at_most() -> None:
    state = sampled(at(0, utilization=90), at(0.5, utilization=90))
    chart = GpuChart(state)
    assert chart.lanes(100, 0.0).lanes[0].value == "90%"
    state.gpu.extend((SECOND, *(70 if name == "utilization" else -1 for name in state.gpu.names[1:])))
    assert chart.lanes(100, 0.5).lanes[0].value == "90%"
    assert chart.lanes(100, 1.0).lanes[0].value == "70%"


# --- stages ---


def panel(value: Stacked, width: int, height: int, *, ascii: bool = False) -> list[str]:
    rows = StackedPanel(value, ascii=ascii)._rows(width, height)
    return ["".join(part for part, _ in row) for row in rows]


def test_a_bar_a_case_of_the_stages_figures(finished: SessionState) -> None:
    figures = case_figures(finished)
    stacked = StagesChart(finished).bars(figures, 0.0)
    assert [kind.name for kind in stacked.kinds] == ["text encode", "denoise", "decode"]
    for bar, one in zip(stacked.bars, figures, strict=True):
        assert bar.values == tuple(stage.median_ms / 1e3 for stage in one.stages)
    rows = panel(stacked, 100, 10)
    assert rows[0].split() == ["stages", "of", "a", "call", "s", "█", "text", "encode", "▒", "denoise", "▓", "decode"]
    lengths = [row.count("▒") for row in (rows[1], rows[3], rows[5])]
    denoise = [bar.values[1] or 0.0 for bar in stacked.bars]
    assert lengths[0] / lengths[1] == pytest.approx(denoise[0] / denoise[1], rel=0.05)
    assert [row.split()[-2:] for row in (rows[1], rows[3], rows[5])] == [["1.09", "s"], ["694", "ms"], ["778", "ms"]]
    assert rows[-1].split()[-1] == "s"


def test_a_sample_of_a_while_ago_is_not_told_as_of_now() -> None:
    state = sampled(at(0, utilization=90, reasons=4), at(70, utilization=97, reasons=4))
    assert GpuChart(state).lanes(100, 0.0).note == "now: power cap"
    state.last_t += 5 * SECOND
    assert GpuChart(state).lanes(100, 0.0).note == "1:10: power cap"


def test_the_workload_that_the_step_chart_shows_comes_first() -> None:
    state = recorded.finished(batch_sizes=[1, 2], calls=1).folded()
    painter, asked = LivePainter(state), StepsView()
    shown = painter.picture(asked, state.last_t, copied=False, loading=False)
    assert [bar.label[:2] for bar in shown.stages.bars] == ["b2"] * 3 + ["b1"] * 3, "the newest"
    shown = painter.seen_as(replace(asked, group=shown.groups[0]), shown)
    assert [bar.label[:2] for bar in shown.stages.bars] == ["b1"] * 3 + ["b2"] * 3


def test_before_the_first_measured_call_the_panel_waits(finished: SessionState) -> None:
    fresh = SessionState("s", finished.request)
    stacked = StagesChart(fresh).bars(case_figures(fresh), 0.0)
    assert stacked.bars == ()
    assert "waiting for the first measured call" in "\n".join(panel(stacked, 60, 8))


KINDS = (Kind("a", "series:further-0", "█", "#"), Kind("b", "series:further-1", "▒", "="))


def stacked(*values: tuple[float | None, ...], high: float = 1.0) -> Stacked:
    bars = tuple(
        Bar(f"case {n}", "●", "o", "series:compile", value, "failed" if not value else "")
        for n, value in enumerate(values)
    )
    return Stacked("stages", "s", KINDS, bars, high)


def test_what_was_measured_has_a_cell_however_little_it_is() -> None:
    row = panel(stacked((0.0001, 0.9)), 60, 4)[1]
    assert row.count("█") == 1
    assert row.count("▒") > 20
    assert panel(stacked((0.0, 0.9)), 60, 4)[1].count("█") == 0
    assert panel(stacked((None, 0.9)), 60, 4)[1].count("█") == 0


def test_a_case_without_stages_says_why_and_bars_beyond_the_rows_are_counted() -> None:
    rows = panel(stacked((0.5, 0.4), (), (0.1, 0.1), (0.1, 0.2)), 60, 4)
    assert rows[2].split()[-1] == "failed"
    assert rows[3] == "… 2 more"
    assert panel(stacked((0.5, 0.4)), 60, 9, ascii=True)[1].count("#") > 5


@pytest.mark.parametrize("ascii", [False, True])
def test_odd_values_stay_within_the_panel(ascii: bool) -> None:
    odd = Stacked(
        "stages", "s", (Kind("画像" * 9, "quiet", "█", "#"), *KINDS),
        (Bar("生成" * 30, "●", "o", "quiet", (1e300, -5.0, None)), Bar("", "●", "o", "quiet", (0.0, 0.0, 0.0))), 0.0,
    )  # fmt: skip
    for value in (odd, stacked((5.0, 9.0)), Stacked("t"), stacked(())):
        for width, height in [(1, 1), (5, 2), (12, 3), (30, 6), (80, 24), (300, 4)]:
            rows = panel(value, width, height, ascii=ascii)
            assert len(rows) <= height
            assert all(cell_len(row) <= width for row in rows), (width, height)
            assert not ascii or value is odd or all(row.isascii() for row in rows)
