"""Text from logs: nothing of it reaches the terminal as anything but visible characters."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len, get_character_cell_size

from profiler.analysis.cases import case_figures
from tests.support import recorded
from tests.tui.hostile import HOSTILE
from tests.tui.support import flat, folded
from tui import safe
from tui.panels.cases import CasesPanel
from tui.panels.help import HelpPanel, HelpRow
from tui.pictures.table import case_lines


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_becomes_printable_and_of_one_line(text: str) -> None:
    made = safe.line(text)
    assert made.isprintable()


@given(st.text())
def test_any_text_becomes_printable(text: str) -> None:
    made = safe.line(text, 50)
    # a combining mark that was kept is printable too; what isn't would be a control or format character
    assert all(char.isprintable() for char in made)
    assert safe.line(made, 400) == made


def test_what_was_hidden_is_visible() -> None:
    assert safe.line("a\x1b[31mb\nc\x07\x7f\u202ed\u200be") == "a␛[31mb⏎c␇␡‹202E›d‹200B›e"


def test_plain_text_is_left_alone() -> None:
    assert safe.line("unet.down_blocks.0 größer 世界") == "unet.down_blocks.0 größer 世界"


def test_long_text_is_cut_with_a_sign() -> None:
    assert safe.line("x" * 50, 10) == "x" * 10 + "…"


def test_a_stack_of_combining_marks_is_cut_down() -> None:
    assert safe.line("e" + "\u0301" * 100) == "e\u0301\u0301"


@given(st.text(), st.integers(min_value=0, max_value=30))
def test_fitted_text_never_takes_more_cells(text: str, width: int) -> None:
    assert cell_len(safe.fit(safe.line(text), width)) <= width


@given(st.text(), st.integers(min_value=1, max_value=30))
def test_padded_text_takes_the_cells_exactly(text: str, width: int) -> None:
    assert cell_len(safe.pad(safe.line(text), width)) == width


def test_a_cut_says_so() -> None:
    assert safe.fit("regional-compile", 8) == "regiona…"
    assert safe.fit("regional-compile", 8, ascii=True) == "regiona~"
    assert safe.fit("世界世界", 5) == "世界…"


def test_in_ascii_nothing_of_what_is_made_visible_is_left_beyond_it() -> None:
    shown = safe.line(
        "".join(map(chr, [*range(0x20), 0x7F, *range(0x80, 0xA0), 0x200B, 0x202E, 0x2066, 0xFEFF, 0xE0001]))
    )
    assert not shown.isascii()
    assert shown.translate(safe.OWN_ASCII).isascii()
    assert cell_len(shown.translate(safe.OWN_ASCII)) == cell_len(shown)


def test_plus_and_minus_is_no_sign_of_a_cut_in_ascii() -> None:
    state = folded(recorded.finished(repeats=2))
    panel = CasesPanel(case_lines(state, case_figures(state)), ascii=True)
    for width in (80, 120, 200):
        title, _, *rows = flat(panel._rows(width, 4)).splitlines()
        assert all("x +-0.01" in row and len(row) <= width for row in rows), rows
        end = title.index("speed-up") + len("speed-up")
        assert all(row[:end].endswith("x +-0.01") for row in rows), "the figures stand below the title"
        assert "~" not in "".join(rows)
        assert ("IQR" in title) == (width > 80)
    assert flat(HelpPanel((HelpRow("a", "", "± half"),), ascii=True)._rows(80, 2)).startswith("a  +- half\n")


@given(
    st.text(
        st.characters(categories=("L", "M", "So", "Sk", "Cf"))
        | st.sampled_from("\ufe0e\ufe0f\u200d\u2764👩👍🏽🇩🇪1\u20e3")
    )
)
def test_text_takes_as_many_cells_as_its_characters_do_one_by_one(text: str) -> None:
    made = safe.line(text)
    assert cell_len(made) == sum(map(get_character_cell_size, made))


def test_an_arrow_is_no_claim_in_ascii() -> None:
    text = "tokens 256 → 64 and channels 16 → 32"
    assert safe.as_wide_in_ascii(text) == "tokens 256 ->64 and channels 16 ->32"
    assert len(safe.as_wide_in_ascii(text)) == len(text)
    assert safe.in_ascii("256 → 64") == "256 -> 64"
