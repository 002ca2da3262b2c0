"""The wire: what is sent is the difference, and after it the terminal shows what it should."""

from __future__ import annotations

import random
import re

import pyte
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.cells import get_character_cell_size
from rich.color import ColorSystem
from rich.segment import Segment
from rich.style import Style

from tests.tui.hostile import HOSTILE
from tui.painting import PLAIN, Cell, Memory, cells_of

RED, BOLD, ON_BLUE = (Style.parse(text) for text in ("#ff0000", "bold", "on #000080"))


def cells(text: str, style: Style | None = None) -> list[Cell]:
    return cells_of([Segment(text, style)], ColorSystem.TRUECOLOR)


def test_what_the_terminal_shows_already_is_not_sent() -> None:
    memory = Memory()
    assert memory.difference([(0, 0, cells("step 12 of 51"))])
    assert memory.difference([(0, 0, cells("step 12 of 51"))]) == ""


def test_only_the_cells_that_differ_are_sent() -> None:
    memory = Memory()
    memory.difference([(3, 0, cells("step 12 of 51"))])
    assert memory.difference([(3, 0, cells("step 13 of 51"))]) == "\x1b[4;7H3"


def test_a_second_change_on_a_row_costs_a_short_jump() -> None:
    memory = Memory()
    memory.difference([(0, 0, cells("a.........b"))])
    assert memory.difference([(0, 0, cells("A.........B"))]) == "\x1b[1;1HA\x1b[9CB"


def test_a_small_gap_is_sent_again_and_not_jumped_over() -> None:
    memory = Memory()
    memory.difference([(0, 0, cells("a..b"))])
    assert memory.difference([(0, 0, cells("A..B"))]) == "\x1b[1;1HA..B"


def test_a_style_is_named_once_and_only_what_changes_of_it() -> None:
    memory = Memory()
    row = cells_of([Segment("ab", ON_BLUE), Segment("cd", ON_BLUE + RED)], ColorSystem.TRUECOLOR)
    sent = memory.difference([(0, 0, row)])
    assert sent == "\x1b[1;1H\x1b[48;2;0;0;128mab\x1b[38;2;255;0;0mcd\x1b[0m"


def test_bold_is_turned_on_and_off_without_naming_the_colours_again() -> None:
    red, bold_red = Style.parse("#ff0000"), Style.parse("bold #ff0000")
    row = cells_of([Segment("a", red), Segment("b", bold_red), Segment("c", red)], ColorSystem.TRUECOLOR)
    assert Memory().difference([(0, 0, row)]) == "\x1b[1;1H\x1b[38;2;255;0;0ma\x1b[1mb\x1b[22mc\x1b[0m"


def test_dim_that_follows_bold_stays_when_bold_goes() -> None:
    both, dim = Style.parse("bold dim #ff0000"), Style.parse("dim #ff0000")
    row = cells_of([Segment("a", both), Segment("b", dim)], ColorSystem.TRUECOLOR)
    assert "a\x1b[22;2mb" in Memory().difference([(0, 0, row)])


def test_a_blank_is_the_same_in_every_colour() -> None:
    memory = Memory()
    memory.difference([(0, 0, cells("   "))])
    assert memory.difference([(0, 0, cells("   ", RED))]) == ""
    assert memory.difference([(0, 0, cells("   ", ON_BLUE))]) != ""


def test_everything_is_sent_again_after_forgetting() -> None:
    memory = Memory()
    first = memory.difference([(0, 0, cells("hello"))])
    memory.forget()
    assert memory.difference([(0, 0, cells("hello"))]) == first


def test_a_wide_character_is_two_cells_and_sent_whole() -> None:
    assert cells("世") == [("世", PLAIN), ("", PLAIN)]
    memory = Memory()
    memory.difference([(0, 0, cells("ab世"))])
    assert memory.difference([(0, 0, cells("ab界"))]) == "\x1b[1;3H界"
    # a half of it overwritten: both cells differ
    assert memory.difference([(0, 0, cells("abcd"))]) == "\x1b[1;3Hcd"


def test_after_a_wide_character_the_place_is_said_again() -> None:
    memory = Memory()
    sent = memory.difference([(0, 0, cells("世")), (0, 2, cells("x"))])
    assert sent == "\x1b[1;1H世\x1b[1;3Hx"


def test_a_combining_mark_belongs_to_the_cell_before() -> None:
    assert cells("e\u0301x") == [("e\u0301", PLAIN), ("x", PLAIN)]


@pytest.mark.parametrize("seed", range(5))
def test_a_terminal_shows_what_was_meant_after_any_changes(seed: int) -> None:
    source = random.Random(seed)
    width, height = 30, 6
    screen = pyte.Screen(width, height)
    stream = pyte.Stream(screen)
    memory = Memory()
    meant = [[" "] * width for _ in range(height)]
    styles = [None, RED, BOLD, ON_BLUE]
    for _ in range(60):
        spans = []
        for _ in range(source.randrange(1, 4)):
            y, x = source.randrange(height), source.randrange(width)
            text = "".join(source.choice("ab .─⣿●") for _ in range(source.randrange(1, width - x + 1)))
            spans.append((y, x, cells(text, source.choice(styles))))
            meant[y][x : x + len(text)] = text
        stream.feed(memory.difference(spans))
        assert [line.rstrip() for line in screen.display] == ["".join(row).rstrip() for row in meant]


def bare(sent: str) -> str:
    """What is left of what was sent without the sequences that painting makes."""
    return re.sub(r"\x1b\[(\d+;\d+H|\d*C|[\d;]*m)", "", sent)


@given(st.lists(st.text(max_size=12) | st.sampled_from(HOSTILE), max_size=4))
@example(list(HOSTILE))
def test_no_text_that_a_widget_was_given_steers_the_terminal(texts: list[str]) -> None:
    row = cells_of([Segment(text, RED) for text in texts], ColorSystem.TRUECOLOR)
    assert len(row) == sum(get_character_cell_size(char) for text in texts for char in text)
    sent = bare(Memory().difference([(0, 0, row)]))
    assert sent.isprintable()
    assert all(len(text) <= 5 for text, _ in row)


def test_what_is_not_printable_takes_the_cells_that_the_layout_gave_it() -> None:
    assert cells("a\x1b[31mb\x07c\x9bd\u202ee") == [(char, PLAIN) for char in "a[31mbcde"]
    assert cells("a\ue0b0b\xa0c\ud800") == [(char, PLAIN) for char in "a?b c?"]
    assert cells("a\u3000b") == [(char, PLAIN) for char in "a  b"]


def test_a_cell_holds_no_heap_of_marks() -> None:
    assert cells("e" + "\u0301" * 1000 + "x") == [("e" + "\u0301" * 4, PLAIN), ("x", PLAIN)]
