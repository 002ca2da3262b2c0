"""Tables that fit a terminal, and the short names of their rows."""

from __future__ import annotations

import pytest

from profiler.report.columns import Column, Group, table
from profiler.report.naming import short_ids, short_names

NAMES = [Column("case", ["no-compile", "regional-compile"], right=False)]
SPEED = Group(
    "speed",
    [
        Column("runs", ["3/3", "3/3"]),
        Column("it/s", ["19.00", "27.14"]),
        Column("speed-up", ["-", "1.43x FASTER"]),
        Column("p95", ["50.91", "35.65"]),
        Column("p99", ["50.96", "35.69"], spare=True),
    ],
)
COST = Group(
    "cost",
    [Column("compile s", ["-", "4.1"]), Column("nothing", ["-", ""]), Column("peak", ["2 GiB", "1 GiB"])],
)


def test_all_stands_in_one_row_where_there_is_room() -> None:
    assert table(NAMES, [SPEED, COST], 100) == [
        "case              runs   it/s      speed-up    p95    p99  compile s   peak",
        "no-compile         3/3  19.00             -  50.91  50.96          -  2 GiB",
        "regional-compile   3/3  27.14  1.43x FASTER  35.65  35.69        4.1  1 GiB",
    ]


def test_else_each_group_has_its_own_rows_under_its_title() -> None:
    assert table(NAMES, [SPEED, COST], 60) == [
        "speed             runs   it/s      speed-up    p95    p99",
        "no-compile         3/3  19.00             -  50.91  50.96",
        "regional-compile   3/3  27.14  1.43x FASTER  35.65  35.69",
        "",
        "cost              compile s   peak",
        "no-compile                -  2 GiB",
        "regional-compile        4.1  1 GiB",
    ]


def test_a_spare_column_makes_no_rows_of_its_own_and_another_does() -> None:
    lines = table(NAMES, [SPEED], 55)
    assert lines[0] == "speed             runs   it/s      speed-up    p95"
    lines = table(NAMES, [SPEED], 46)
    assert lines[0].split()[1:] == ["runs", "it/s", "speed-up"]
    assert lines[4].split()[1:] == ["p95", "p99"]


@pytest.mark.parametrize("width", range(24, 100, 4))
def test_no_width_cuts_a_figure_or_is_exceeded(width: int) -> None:
    lines = table(NAMES, [SPEED, COST], width)
    assert max(map(len, lines)) <= width
    cells = [column.cells for group in (SPEED, COST) for column in group.columns if not column.spare]
    text = "\n".join(lines)
    assert all(cell in text for column in cells for cell in column)


def test_names_that_leave_no_room_stand_above_their_figures() -> None:
    long = [Column("case", ["a-very-long-name-of-a-case-without-end", "b"], right=False)]
    assert table(long, [Group("cost", [Column("compile s", ["12.0", "4.1"])])], 40) == [
        "cost",
        "  compile s",
        "a-very-long-name-of-a-case-without-end",
        "       12.0",
        "b",
        "        4.1",
    ]


def test_of_nothing_there_is_no_table_and_without_figures_there_are_names() -> None:
    assert table([Column("case", [])], [Group("cost", [Column("compile s", [])])]) == []
    assert table(NAMES, [Group("cost", [Column("compile s", ["-", "-"])])]) == ["case", *NAMES[0].cells]


@pytest.mark.parametrize(
    ("names", "short"),
    [
        (
            ["p-q-no-compile-b1", "p-q-compile-b1", "p-q-regional-compile-b1"],
            ["no-compile", "compile", "regional-compile"],
        ),
        (["p-no-compile-b1", "p-regional-compile-b1"], ["no-compile", "regional-compile"]),
        (["p-compile-b1", "p-compile-b4"], ["b1", "b4"]),
        (["p-compile-b1", "p-compile-b1-2"], ["b1", "b1-2"]),
        (["p-b1"], ["p-b1"]),
        (["a", "b"], ["a", "b"]),
        (["--", "-"], ["--", "-"]),
        ([], []),
    ],
)
def test_names_lose_the_words_that_all_share(names: list[str], short: list[str]) -> None:
    assert list(short_names(names).values()) == short


def test_sessions_are_called_by_as_much_of_their_ids_as_tells_them_apart() -> None:
    ids = ["abcd-sd15", "efgh-sd15", "abcd-sdxl", "abc"]
    assert list(short_ids(ids).values()) == ["abcd-sd15", "efgh", "abcd-sdxl", "abc"]
    assert short_ids(["abcd-sd15"]) == {"abcd-sd15": "abcd"}
