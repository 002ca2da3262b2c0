"""What Compare's pictures and panels are made with: marks, looks, bars, charts, thumbnails, the arrangement."""

from __future__ import annotations

import dataclasses

import pytest

from profiler.analysis import curves
from profiler.analysis.cases import lot_figures
from profiler.analysis.lots import Lot, lots_of
from profiler.report.thumbnails import Thumbnail
from tests.support import recorded
from tests.tui.comparison import two_sessions
from tests.tui.support import flat, folded
from tui.charts.canvas import render
from tui.charts.palette import further_style
from tui.charts.spec import Axis, ChartSpec, Series, Upright
from tui.panels.compare.arranged import COLUMNS, arrangement
from tui.panels.compare.bands import BandsPanel
from tui.panels.compare.bars import BarsPanel
from tui.panels.compare.images import ImagesPanel
from tui.panels.rows import width_of
from tui.pictures.compare import charts
from tui.pictures.compare.bands import Band, Bands, bands_of
from tui.pictures.compare.bars import bars_of
from tui.pictures.compare.images import Tile, half_blocks
from tui.pictures.compare.looks import Looks
from tui.pictures.compare.marks import Mark, marked, unmarked
from tui.pictures.compare.published import gpu_of
from tui.pictures.compare.resolved import Entry, Seen, resolved
from tui.pictures.compare.view import VIEWS
from tui.pictures.looks import Look

HERE, THERE = Mark("/home/a"), Mark("/home/b", "case")


@pytest.fixture(scope="module")
def lots() -> list[Lot]:
    return [lot for recording in two_sessions() for lot in lots_of(folded(recording))]


def group_of(lots: list[Lot], of: int | None = None) -> charts.Group:
    found = curves.identities(lots)
    looks = [Look(further_style(number), f"series:further-{number}") for number in range(len(lots))]
    return charts.Group(
        lots=lots,
        baseline=lots[0],
        figures=[lot_figures(lot, lots[0]) for lot in lots],
        looks=dict(zip(curves.identities(lots, lots[0]), looks, strict=True)),
        labels=dict(zip(curves.identities(lots, lots[0]), (who.label for who in found), strict=True)),
        of=len(lots) if of is None else of,
    )


# --- marks ---


def test_a_thing_is_marked_once_and_a_session_covers_its_own() -> None:
    marks = marked((), [THERE, HERE, THERE])
    assert marks == (THERE, HERE)
    assert marked(marks, [Mark("/home/a", "case")]) == marks
    assert marked((Mark("/home/a", "one"), THERE), [HERE]) == (THERE, HERE)
    assert unmarked(marks, HERE) == (THERE,)


def test_marks_mean_cases_and_runs_and_say_what_they_miss() -> None:
    state = folded(recorded.finished())
    run = next(iter(state.runs))
    seen = {"/a": Seen(state), "/b": Seen(None, why="session b: gone"), "/c": Seen(None, reading=True)}
    marks = (Mark("/a", run), Mark("/a"), Mark("/a", "nope"), Mark("/b"), Mark("/c"))
    entries, wrong = resolved(marks, seen)
    assert [entry.lot.name for entry in entries] == [run, *(case.name for case in state.request.cases)]
    assert wrong == [f"session {state.session} has no case or run called nope", "session b: gone"]


def test_no_two_rows_look_alike_and_each_keeps_its_own() -> None:
    state = folded(recorded.finished())
    entries = [Entry(f"{number}", Mark(f"/{number}"), lots_of(state)[number % 3]) for number in range(28)]
    looks = Looks()
    first = dict(looks.of(entries))
    assert len({look.style.marker for look in first.values()}) == 28
    assert len({look.style.ascii_marker for look in first.values()}) == 28
    later = looks.of(entries[3:])
    assert all(first[key] == look for key, look in later.items())


# --- charts ---


def test_every_chart_has_a_line_of_each_lot(lots: list[Lot]) -> None:
    group = group_of(lots)
    for spec in (
        charts.latency(group, 0, full_range=False),
        charts.ecdf(group, 0),
        charts.memory(group, 80),
        charts.cumulative(group, ascii=False),
    ):
        assert len(spec.series) == len(lots)
        assert all(line.label for line in spec.series)
        assert not spec.legend, "of so many the table has the symbols"
        for row in render(spec, 80, 20):
            assert sum(len(run.text) for run in row) == 80


def test_a_histogram_counts_in_percent(lots: list[Lot]) -> None:
    found = bands_of(group_of(lots[:3]), 0)
    assert [band.label for band in found.bands] == ["no-compile", "compile", "regional-compile"]
    for band in found.bands:
        assert 90 < sum(band.shares) <= 100 + 1e-9
        assert max(band.shares) <= found.top


@pytest.mark.parametrize("ascii", [False, True])
@pytest.mark.parametrize("size", [(30, 4), (58, 9), (80, 16), (160, 40)], ids=lambda size: f"{size[0]}x{size[1]}")
def test_histograms_stand_below_each_other_on_one_axis(lots: list[Lot], size: tuple[int, int], ascii: bool) -> None:
    width, height = size
    found = bands_of(group_of(lots), 0)
    rows = BandsPanel(found, ascii=ascii).lay_out(width, height)
    assert len(rows) <= height and all(width_of(row) <= width for row in rows)
    text = flat(rows)
    assert ("more: / filters" in text) == (height - 3 < len(lots))
    assert text.splitlines()[-1].split()[-1] == "ms"
    assert not ascii or text.isascii()


def test_every_bin_with_a_step_is_seen_where_it_is(lots: list[Lot]) -> None:
    one = Band("a", "o", "o", "", (0.2, 0.0, 99.8, 0.0))
    rows = flat(BandsPanel(Bands(bands=(one,), low=0.0, high=0.04, top=100.0)).lay_out(50, 8)).splitlines()
    drawn = rows[5][13:]
    assert drawn.startswith("▁▁▁") and drawn.rstrip().endswith("█")
    assert rows[5][:13].split() == ["o", "a"] and "peak 100 %" in rows[4]
    quarter = 36 // 4
    assert drawn[quarter + 1 : 2 * quarter].strip() == "" and set(drawn[2 * quarter + 1 : 3 * quarter]) == {"█"}


def test_an_ecdf_goes_from_nothing_to_all(lots: list[Lot]) -> None:
    for line in charts.ecdf(group_of(lots[:3]), 0).series:
        assert line.ys[0] == 0 and line.ys[-1] == pytest.approx(100)
        assert list(line.ys) == sorted(line.ys)


def test_lines_cross_at_the_break_even_that_the_figures_have(lots: list[Lot]) -> None:
    group = group_of(lots[:3])
    spec = charts.cumulative(group, ascii=False)
    assert [upright.x for upright in spec.uprights] == [
        pytest.approx(figures.break_even_images) for figures in group.figures[1:]
    ]
    assert spec.note.startswith("even at ")


def test_what_is_not_drawn_is_told(lots: list[Lot]) -> None:
    assert charts.latency(group_of(lots[:2], of=9), 0, full_range=False).title == "step latency (2 of 9)"


def test_nothing_measured_is_told_in_words() -> None:
    recording = recorded.finished()
    lots = lots_of(folded(recording, recording.records[0].event.t))
    group = group_of(lots)
    for spec in (charts.latency(group, 0, full_range=False), charts.ecdf(group, 0)):
        assert not spec.series and spec.empty == charts.NOT_YET
    assert charts.NOT_YET in flat(BandsPanel(bands_of(group, 0)).lay_out(60, 8))


def test_an_upright_has_its_symbol_on_the_axis_and_a_line_above_it() -> None:
    style = further_style(0)
    line = Series("a", "a", (0.0, 10.0), (0.0, 10.0), further_style(1))
    spec = ChartSpec("t", (line,), Axis(0, 10), Axis(0, 10), uprights=(Upright(5.0, style), Upright(99.0, style)))
    rows = ["".join(run.text for run in row) for row in render(spec, 40, 12)]
    axis = next(row for row in rows if "└" in row)
    assert axis.count(style.marker) == 1
    assert rows[3][axis.index(style.marker)] == "┊"


def test_few_steps_have_a_tick_each() -> None:
    recording = recorded.finished(steps=3, calls=2)
    spec = charts.latency(group_of(lots_of(folded(recording))), 0, full_range=False)
    assert [tick.label for tick in spec.x.ticks] == ["0", "1", "2", "3"]


# --- bars ---


@pytest.mark.parametrize("ascii", [False, True])
@pytest.mark.parametrize(("width", "height"), [(30, 5), (58, 14), (80, 16), (160, 40)])
def test_bars_keep_to_their_size_and_say_what_is_missing(lots: list[Lot], width: int, height: int, ascii: bool) -> None:
    group = group_of(lots)
    whose = {who: (look, group.labels[who]) for who, look in group.looks.items()}
    bars = bars_of(curves.speedups(lots, lots[0], group.figures), whose, {next(iter(whose))})
    assert bars.low <= 1 <= bars.high
    rows = BarsPanel(bars, ascii=ascii).lay_out(width, height)
    assert len(rows) <= height and all(width_of(row) <= width for row in rows)
    text = flat(rows)
    assert "more" in text or all(bar.label[:6] in text for bar in bars.bars)
    if width >= 160:
        assert "FASTER" in text and ("[" if ascii else "├") in text


def test_an_interval_that_ends_anywhere_leaves_the_others_room_and_has_a_sign(lots: list[Lot]) -> None:
    group = group_of(lots)
    whose = {who: (look, group.labels[who]) for who, look in group.looks.items()}
    plain, close, wide, *_ = curves.speedups(lots, lots[0], group.figures)
    uneven = dataclasses.replace(wide, estimate=1.2, low=0.03, high=58.0)
    bars = bars_of([plain, close, uneven], whose, {next(iter(whose))})
    assert 3 < bars.high < 8
    rows = flat(BarsPanel(bars).lay_out(100, 16)).splitlines()
    assert [row.count("›") for row in rows if "├" in row] == [1]
    assert any("0.03–58.00" in row for row in rows)
    in_ascii = flat(BarsPanel(bars, ascii=True).lay_out(100, 16)).splitlines()
    assert [row.count(">") for row in in_ascii if "[" in row] == [1]


# --- pictures ---


def picture(width: int, height: int) -> Thumbnail:
    return Thumbnail(width, height, bytes(x * 255 // width for _ in range(height) for x in range(width) for _ in "rgb"))


@pytest.mark.parametrize(
    ("size", "room"), [((64, 64), (40, 10)), ((160, 90), (16, 30)), ((3, 200), (20, 5)), ((1, 1), (1, 1))]
)
def test_a_picture_keeps_its_proportions_and_its_room(size: tuple[int, int], room: tuple[int, int]) -> None:
    rows = list(half_blocks(picture(*size), *room))
    assert 1 <= len(rows) <= room[1] and {len(row) for row in rows} == {len(rows[0])}
    assert len(rows[0]) <= room[0]
    if size == (64, 64):
        assert len(rows[0]) == 2 * len(rows)
        assert rows[0][0][1].startswith("#000000")


@pytest.mark.parametrize("ascii", [False, True])
def test_of_a_long_path_the_end_is_seen(ascii: bool) -> None:
    tile = Tile("a", "o", "o", "", None, (f"/{'long/' * 30}image-1.png",))
    rows = ImagesPanel((tile,), ascii=ascii).lay_out(40, 6)
    assert flat(rows).splitlines()[1].endswith("/long/image-1.png") and width_of(rows[1]) == 40


def test_pictures_stand_beside_each_other_or_are_told_by_their_paths() -> None:
    tiles = tuple(
        Tile(
            f"lot {n}",
            "●",
            "o",
            "",
            picture(32, 32) if n else None,
            (f"/runs/{n}/image-1.png",),
            0,
            "" if n else "gone",
        )
        for n in range(3)
    )
    panel = ImagesPanel(tiles)
    rows = panel.lay_out(80, 20)
    assert all(width_of(row) <= 80 for row in rows) and len(rows) <= 20
    assert all(f"lot {n}" in flat(rows[:1]) for n in range(3)) and "▀" in flat(rows) and "gone" in flat(rows)
    panel.colours = False
    assert "/runs/2/image-1.png" in flat(panel.lay_out(80, 20)) and "▀" not in flat(panel.lay_out(80, 20))
    assert "more" in flat(panel.lay_out(80, 3))


# --- the arrangement and the published figures ---


@pytest.mark.parametrize("size", [(60, 16), (80, 24), (120, 24), (120, 40), (160, 45), (300, 100)])
@pytest.mark.parametrize("lines", [0, 3, 60])
def test_the_grid_is_filled_row_by_row(size: tuple[int, int], lines: int) -> None:
    for view in VIEWS:
        found = arrangement(*size, view, lines, 1)
        assert found.cells[0] == ("table", COLUMNS)
        row = 0
        for _, span in found.cells:
            row += span
            assert row <= COLUMNS
            row %= COLUMNS
        assert row == 0
        assert sum(span for _, span in found.cells) == COLUMNS * len(found.rows.split())
        assert int(found.rows.split()[0]) <= size[1] // 2


@pytest.mark.parametrize(
    ("name", "gpu"),
    [
        ("NVIDIA GeForce RTX 3090", "RTX 3090"),
        ("NVIDIA A100-SXM4-80GB", "A100"),
        ("Tesla V100-PCIE-16GB", "V100"),
        ("Tesla T4", "T4"),
        ("NVIDIA GeForce RTX 3090 Ti", None),
        ("NVIDIA T400", None),
        ("NVIDIA H200", None),
        ("AMD EPYC", None),
    ],
)
def test_published_figures_are_of_the_very_gpu(name: str, gpu: str | None) -> None:
    state = folded(recorded.finished())
    for run in state.runs.values():
        assert run.environment is not None
        run.environment.device_name = name
    assert gpu_of(lots_of(state)[0]) == gpu
