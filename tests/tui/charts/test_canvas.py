"""What a chart looks like, cell by cell."""

from __future__ import annotations

import itertools
import math
import random
import subprocess
import sys

import pytest
from rich.cells import cell_len
from rich.style import Style

from tui.charts.canvas import Row, plot_place, render
from tui.charts.palette import MARK_STYLES, VARIANT_STYLES, Colours, variant_style
from tui.charts.spec import Axis, ChartSpec, Clip, Mark, Series, Slot, Tick


def text(rows: tuple[Row, ...]) -> list[str]:
    return ["".join(run.text for run in row) for row in rows]


def style_at(row: Row, column: int) -> str:
    for run in row:
        if column < len(run.text):
            return run.style
        column -= len(run.text)
    raise IndexError(column)


def line(key: str, xs: tuple[float, ...], ys: tuple[float, ...], **more: object) -> Series:
    return Series(key, key, xs, ys, variant_style(key), **more)  # type: ignore[arg-type]


SLOTS = tuple(
    Slot(label, 10.0 * i, 10.0 * (i + 1), label[0].upper())
    for i, label in enumerate(("compile", "warm-up", "call 1", "call 2"))
)


def live_spec() -> ChartSpec:
    rng = random.Random(7)
    xs = tuple(k + 0.5 for k in range(40))
    lines = [
        line("no-compile", xs[10:], tuple(0.062 + rng.uniform(-0.002, 0.002) for _ in xs[10:])),
        line("compile", xs, (24.3, *(0.031 + rng.uniform(-0.001, 0.001) for _ in xs[1:]))),
        line("regional-compile", xs[:25], (6.1, *(0.042 for _ in xs[1:25]))),
    ]
    return ChartSpec(
        "Step latency",
        tuple(lines),
        Axis(0, 40, slots=SLOTS),
        Axis(0, 0.08, "s"),
        (Mark(0.5, "C", "compile"), Mark(25.5, "R", "compile", "height 512 -> 768")),
        (Clip(0.5, 24.3, "compile"), Clip(0.5, 6.1, "regional-compile")),
        mark_row=True,
    )


def test_a_live_chart_shows_its_parts() -> None:
    rows = text(render(live_spec(), 80, 16))
    assert rows[0].startswith("Step latency ms  ● no-compile  ▲ compile  ■ regional-compile")
    assert rows[1].startswith("  80┤^ 24.3 s")
    assert rows[2].startswith("    │^ 6.1 s")
    assert rows[12].startswith("   0┤")
    assert rows[13].startswith("    └──")
    assert rows[13].count("┴") == 3
    assert rows[14].replace(" ", "") == "CR"
    assert rows[15].split() == ["compile", "warm-up", "call", "1", "call", "2"]


def test_ascii_uses_nothing_else() -> None:
    rows = text(render(live_spec(), 80, 16, ascii=True))
    assert all(row.isascii() for row in rows)
    body = "".join(rows[1:13])
    assert {"o", "x", "+", "|", ":"} <= set(body)
    assert "o no-compile  x compile  + regional-compile" in rows[0]


def test_marks_stand_under_their_step_and_in_the_plot() -> None:
    spec = live_spec()
    rows = render(spec, 80, 16)
    column = text(rows)[14].index("R")
    assert column == 5 + int(25.5 / 40 * plot_place(spec, 80, 16)[1])
    assert style_at(rows[14], column) == MARK_STYLES["R"].colour
    assert text(rows)[12][column] == "┊"


def test_a_low_chart_puts_marks_on_the_axis() -> None:
    rows = text(render(live_spec(), 40, 5))
    assert "C" in rows[-1]
    assert "R" in rows[-1]


def test_the_mark_row_is_kept_free_so_that_the_plot_does_not_jump() -> None:
    spec = ChartSpec("t", (line("compile", (0.0, 1.0), (0.0, 1.0)),), mark_row=True)
    with_mark = ChartSpec("t", spec.series, marks=(Mark(0.5, "C"),), mark_row=True)
    assert text(render(spec, 40, 10))[7].startswith("    └")
    assert text(render(with_mark, 40, 10))[7].startswith("    └")


def test_a_line_runs_from_its_first_to_its_last_dot() -> None:
    spec = ChartSpec("t", (line("compile", (0.0, 10.0), (0.0, 1.0)),), Axis(0, 10), Axis(0, 1), legend=False)
    rows = text(render(spec, 45, 13))
    assert rows[1][-1] in "⠈⠉⠊⠘⠁", "the upper right dot of the top right cell"
    assert rows[10][5] in "⡀⡠⣀⡰", "the lower left dot of the bottom left cell"


def test_overlapping_lines_keep_each_others_dots() -> None:
    level = line("compile", (0.0, 10.0), (0.0, 0.0))
    other = line("no-compile", (0.0, 10.0), (0.04, 0.04))
    alone = render(ChartSpec("t", (level,), Axis(0, 10), legend=False), 45, 13)
    both = render(ChartSpec("t", (level, other), Axis(0, 10), legend=False), 45, 13)
    dots_alone, dots_both = (ord(text(rows)[10][10]) - 0x2800 for rows in (alone, both))
    assert dots_alone & dots_both == dots_alone
    assert dots_both != dots_alone


def test_a_gap_is_left_open() -> None:
    xs = tuple(float(i) for i in range(41))
    ys = tuple(math.nan if 10 < x < 30 else 0.5 for x in xs)
    rows = text(render(ChartSpec("t", (line("compile", xs, ys),), Axis(0, 40), legend=False), 45, 13))
    drawn = {x - 5 for row in rows[1:11] for x, char in enumerate(row) if x >= 5 and char != " "}
    assert {0, 10, 30, 39} <= drawn
    assert not drawn & set(range(11, 30))


def test_stairs_hold_the_value_until_the_next_one() -> None:
    stairs = line("compile", (0.0, 5.0, 10.0), (0.0, 1.0, 1.0), draw="stairs")
    rows = text(render(ChartSpec("t", (stairs,), Axis(0, 10), legend=False), 45, 13))
    upright = {x for row in rows[3:9] for x, char in enumerate(row) if x >= 5 and char != " "}
    assert len(upright) == 1


def test_points_are_symbols_without_a_line() -> None:
    points = line("compile", (1.0, 5.0, 9.0), (0.2, 0.5, 0.8), draw="points")
    rows = text(render(ChartSpec("t", (points,), Axis(0, 10), legend=False), 45, 13))
    assert "".join(rows[1:11]).count("▲") == 3
    assert not any(0x2800 <= ord(char) < 0x2900 for row in rows for char in row)


def test_a_log_axis_spreads_decades_evenly() -> None:
    points = line("compile", (1.0, 2.0, 3.0), (0.01, 0.1, 1.0), draw="points")
    rows = text(render(ChartSpec("t", (points,), Axis(0, 4), Axis(0.01, 1, scale="log"), legend=False), 45, 14))
    at = [y for y, row in enumerate(rows) if "▲" in row]
    assert (at[0], at[-1]) == (1, 11)
    assert at[1] in (5, 6, 7)


def test_own_ticks_replace_the_chosen_ones() -> None:
    spec = ChartSpec("t", y=Axis(0, 1, ticks=(Tick(0.0, "low"), Tick(1.0, "high"))))
    rows = text(render(spec, 40, 10))
    assert rows[1].startswith("high┤")
    assert rows[7].startswith(" low┤")


def test_the_last_tick_of_the_x_axis_names_the_unit() -> None:
    rows = text(render(ChartSpec("t", x=Axis(0, 600, "s")), 80, 10))
    assert rows[-1].split()[-2:] == ["10", "min"]
    rows = text(render(ChartSpec("t", x=Axis(0, 20, label="images")), 80, 10))
    assert rows[-1].split()[-2:] == ["20", "images"]


def test_the_label_with_the_unit_goes_before_those_it_would_lie_on() -> None:
    x = Axis(0.0, 1.0, "", "of the loop")
    spec = ChartSpec("t", (Series("a", "a", (0.0, 1.0), (1.0, 2.0), variant_style("compile")),), x=x, y=Axis(0, 2, "s"))
    for width in range(24, 120):
        labels = "".join(run.text for run in render(spec, width, 12)[-1])
        assert labels.rstrip().endswith("of the loop")
        assert float(labels.split()[-4]) == 1


def test_nothing_yet_says_what_is_waited_for() -> None:
    waiting = ChartSpec("t", (line("compile", (), ()),), empty="waiting for step 1")
    assert "waiting for step 1" in "\n".join(text(render(waiting, 40, 8)))
    only_gaps = ChartSpec("t", (line("compile", (1.0,), (math.nan,)),), empty="waiting for step 1")
    assert "waiting for step 1" in "\n".join(text(render(only_gaps, 40, 8)))


def test_a_narrow_title_row_drops_the_note_then_label_ends_then_its_own_end() -> None:
    spec = ChartSpec("Step latency", live_spec().series, y=Axis(0, 0.08, "s"), note="log")
    assert text(render(spec, 80, 4))[0].endswith(" log")
    assert text(render(spec, 60, 4))[0] == "Step latency ms  ● no-compile  ▲ compile  ■ regional-compile"
    assert text(render(spec, 50, 4))[0] == "Step latency ms  ● no-comp…  ▲ compile  ■ regiona…"
    assert text(render(spec, 30, 4))[0] == "Step latency ms  ● no-…  ▲ co…"
    assert text(render(spec, 10, 4))[0] == "Step late…"
    assert text(render(spec, 10, 4, ascii=True))[0] == "Step late~"


def test_a_legend_that_comes_last_is_there_whole_or_not_at_all() -> None:
    spec = ChartSpec("Time", live_spec().series, y=Axis(0, 0.08, "s"), note="even at 13", legend_last=True)
    whole = "Time ms  ● no-compile  ▲ compile  ■ regional-compile"
    assert text(render(spec, 70, 4))[0] == f"{whole}        even at 13"
    assert text(render(spec, 60, 4))[0].split() == ["Time", "ms", "even", "at", "13"]


def test_text_from_outside_can_neither_move_the_cursor_nor_widen_the_row() -> None:
    spec = ChartSpec("\x1b[2J画像\n生成", (line("compile", (), ()),), note="[red]x[/]", empty="\x1b[31mboo\t")
    for width in range(1, 40):
        rows = text(render(spec, width, 6))
        assert all(cell_len(row) == width for row in rows)
        assert not any("\x1b" in row or "\n" in row or "\t" in row for row in rows)


ODD_LINES = [
    (),
    (line("compile", (), ()),),
    (line("compile", (3.0,), (0.5,)),),
    (line("compile", (1.0, 2.0, 3.0), (0.5, 0.5, 0.5)),),
    (line("compile", (1.0, 2.0, 3.0, 4.0), (math.nan, math.inf, -math.inf, 0.1)),),
    (line("compile", (math.nan, math.inf), (0.1, 0.2)),),
    (line("compile", (-1e300, 5.0, 1e300), (-1e300, 1e300, 0.0)),),
    (line("compile", tuple(float(i) for i in range(3000)), tuple(1e-9 * i for i in range(3000))),),
]
ODD_AXES = [
    Axis(0, 10),
    Axis(5, 5),
    Axis(10, 0),
    Axis(math.nan, 1),
    Axis(0, math.inf),
    Axis(0, 10, scale="log"),
    Axis(-1e308, 1e308, "s"),
    Axis(0, 10, slots=(Slot("a", -5, 3), Slot("b", 3, 30), Slot("", math.nan, 2))),
]


@pytest.mark.parametrize("size", [(10, 4), (1, 1), (2, 2), (5, 3), (11, 5), (17, 7), (80, 1), (1, 24)])
@pytest.mark.parametrize("ascii", [False, True])
def test_odd_data_in_any_size_is_drawn_in_exactly_that_size(size: tuple[int, int], ascii: bool) -> None:
    width, height = size
    for series, x, y in itertools.product(ODD_LINES, ODD_AXES, ODD_AXES):
        spec = ChartSpec("title", series, x, y, (Mark(1, "R"), Mark(math.nan, "C")), (Clip(math.nan, math.inf, "?"),))
        rows = text(render(spec, width, height, ascii=ascii))
        assert [cell_len(row) for row in rows] == [width] * height


def test_no_size_no_rows() -> None:
    assert render(live_spec(), 0, 5) == ()
    assert render(live_spec(), 5, 0) == ()


def test_a_larger_plot_than_the_terminal_is_drawn_whole() -> None:
    xs = tuple(float(i) for i in range(300))
    rows = text(render(ChartSpec("t", (line("compile", xs, tuple(x / 300 for x in xs)),), Axis(0, 300)), 300, 80))
    assert [len(row) for row in rows] == [300] * 80
    assert rows[1].rstrip()[-1] != "┤", "the line reaches the top"


def test_a_growing_line_leaves_the_cells_behind_it_alone() -> None:
    rng = random.Random(3)
    xs = tuple(k + 0.5 for k in range(400))
    ys = tuple(rng.uniform(0.2, 0.8) for _ in xs)
    before: list[str] | None = None
    for count in range(150, 400, 25):
        spec = ChartSpec("t", (line("compile", xs[:count], ys[:count]),), Axis(0, 400), legend=False)
        rows = text(render(spec, 105, 20))
        if before is not None:
            done = 5 + (count - 25) // 4 - 1
            assert [row[:done] for row in rows] == [row[:done] for row in before]
        before = rows


def test_colours_can_be_ansi_or_none() -> None:
    def styles(colours: Colours) -> set[str]:
        return {run.style for row in render(live_spec(), 80, 16, colours=colours) for run in row}

    assert styles(Colours("none")) <= {"", "bold", "dim"}
    assert not any("#" in style for style in styles(Colours("ansi")))
    light, dark = styles(Colours(dark=False)), styles(Colours(dark=True))
    assert not {style for style in light & dark if "#" in style}
    for style in light | dark | styles(Colours("ansi")):
        Style.parse(style)


def test_every_variant_has_a_colour_and_a_symbol_of_its_own() -> None:
    for field in ("colour", "light_colour", "ansi", "marker", "ascii_marker"):
        assert len({getattr(style, field) for style in VARIANT_STYLES.values()}) == 3
    assert all(cell_len(style.marker) == 1 and style.ascii_marker.isascii() for style in VARIANT_STYLES.values())
    assert variant_style("something else") not in VARIANT_STYLES.values()


def test_a_series_with_unequal_lengths_is_refused() -> None:
    with pytest.raises(ValueError, match="2 xs but 1 ys"):
        line("compile", (1.0, 2.0), (1.0,))


def test_only_the_canvas_needs_plotext_and_nothing_needs_numpy_or_torch() -> None:
    probe = (
        "import sys; import tui.charts.frame, tui.charts.axes, tui.charts.path; assert 'plotext' not in sys.modules;"
        "import tui.charts.widget; assert not {'numpy', 'torch'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", probe], check=True)
