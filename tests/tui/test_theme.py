"""Colours: told apart by all eyes, read on their backgrounds, and no more of them than the terminal has."""

from __future__ import annotations

from itertools import combinations

import pytest
from rich.color import Color, ColorSystem
from rich.style import Style
from textual.theme import Theme

from tests.support.colourvision import VISIONS, contrast, distance, least_distance
from tui import theme
from tui.charts.palette import (
    MARK_STYLES,
    OTHER_STYLES,
    VARIANT_STYLES,
    WORDS,
    Colours,
    SeriesStyle,
    further_style,
    series_word,
    variant_style,
)
from tui.theme import THEMES, colours_of, rich_style

OWN = (theme.DARK, theme.LIGHT, theme.HIGH_DARK, theme.HIGH_LIGHT)
"""Themes that bring their colours."""

OF_TERMINAL = (theme.TERMINAL_DARK, theme.TERMINAL_LIGHT)
NAMED = {**VARIANT_STYLES, **{f"other {number}": style for number, style in enumerate(OTHER_STYLES)}, **MARK_STYLES}
GRAVE = "EL!"

names = pytest.mark.parametrize("one", OWN, ids=lambda one: one.name)


def in_256(colour: str) -> str:
    """The colour that a terminal with 256 of them shows for it."""
    return Color.parse(colour).downgrade(ColorSystem.EIGHT_BIT).get_truecolor().hex


# --- colour vision ---


def test_the_simulation_knows_what_its_authors_say() -> None:
    # Grey looks grey to all; red and green of one lightness are far apart, and close to deuteranopes.
    for vision in VISIONS:
        assert distance("#808080", "#808080", vision) == 0
        assert distance("#000000", "#ffffff", vision) == pytest.approx(100, abs=0.5)
    assert distance("#b35900", "#5f7a00", "normal") > 10 > 5 > distance("#b35900", "#5f7a00", "deuteranopia")
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)  # the grey that just fails, as is well known


@names
def test_the_three_variants_are_far_apart_for_all_eyes(one: Theme) -> None:
    for left, right in combinations((colours_of(one).of(style) for style in VARIANT_STYLES.values()), 2):
        assert least_distance(left, right)[0] >= 14


@names
def test_every_series_and_mark_is_told_apart_by_all_eyes(one: Theme) -> None:
    """A recompile's mark and those of what is worse are both reds: nearer to each other, and their letters differ."""
    every = {name: colours_of(one).of(style) for name, style in NAMED.items()}
    close = []
    for (left, its), (right, others) in combinations(every.items(), 2):
        if its == others:
            continue
        reds = {MARK_STYLES["R"], MARK_STYLES["!"]} == {_as_mark(NAMED[left]), _as_mark(NAMED[right])}
        found, vision = least_distance(its, others)
        if found < (LEAST_OF_REDS if reds else LEAST):
            close.append(f"{left} {its} and {right} {others}: {found:.1f} with {vision}")
    assert close == []


LEAST, LEAST_OF_REDS = 6.5, 5.0


def _as_mark(style: SeriesStyle) -> SeriesStyle | None:
    """The mark that has this colour, "R" or "!"."""
    return next((MARK_STYLES[each] for each in "R!" if MARK_STYLES[each].colour == style.colour), None)


def test_what_shares_a_colour_differs_in_its_symbol() -> None:
    styles = [*VARIANT_STYLES.values(), *(further_style(number) for number in range(25))]
    for ascii in (False, True):
        told = [(style.colour, style.symbol(ascii=ascii)) for style in styles]
        assert len(set(told)) == len(told)
    assert len({style.symbol() for style in MARK_STYLES.values()}) == len(MARK_STYLES)
    assert {MARK_STYLES[symbol].colour for symbol in GRAVE} == {MARK_STYLES["!"].colour}


# --- reading ---


@names
@pytest.mark.parametrize("shown", [str, in_256], ids=["truecolor", "256"])
def test_all_text_stands_out(one: Theme, shown: object) -> None:
    """4.5 to 1 at least (WCAG 1.4.3), 7 to 1 with high contrast (1.4.6) but for the series; not what is faint."""
    colours, high = colours_of(one), colours_of(one).high
    assert one.background is not None and one.foreground is not None
    background = shown(one.background)  # type: ignore[operator]
    for word in WORDS:
        if word != "faint":
            found = contrast(shown(colours.word(word)), background)  # type: ignore[operator]
            assert found >= (7 if high else 4.5), f"{word}: {found:.2f}"
    for name, style in NAMED.items():
        found = contrast(shown(colours.of(style)), background)  # type: ignore[operator]
        assert found >= 4.5, f"{name}: {found:.2f}"
    assert contrast(shown(one.foreground), background) >= (15 if high else 10)  # type: ignore[operator]
    placeholder = one.to_color_system().generate()["text-disabled"]
    assert contrast(shown(placeholder), background) >= (7 if high else 4.5)  # type: ignore[operator]


@pytest.mark.parametrize("one", OF_TERMINAL, ids=lambda one: one.name)
def test_the_terminals_own_colours_are_named_and_never_drawn_on(one: Theme) -> None:
    colours = colours_of(one)
    assert one.ansi and one.background == one.foreground == "ansi_default"
    styles = [*(colours.of(style) for style in NAMED.values()), *(colours.word(word) for word in WORDS)]
    for style in styles:
        found = Style.parse(style)
        assert found.bgcolor is None
        assert found.color is None or found.color.number is None or found.color.number < 16
    assert len({colours.of(style) for style in VARIANT_STYLES.values()}) == 3
    # What palettes give the background's colour: Solarized's bright black, anybody's yellow and white on light.
    read = {colours.word(word) for word in WORDS if word != "faint"} | {colours.of(style) for style in NAMED.values()}
    assert not read & ({"bright_black"} if one.dark else {"yellow", "bright_yellow", "white", "bright_white"})


def test_without_colours_there_are_none() -> None:
    colours = colours_of(theme.MONO)
    words = [*WORDS, *(f"series:{name}" for name in VARIANT_STYLES), *(f"mark:{symbol}" for symbol in MARK_STYLES)]
    for word in words:
        assert rich_style(word, colours).color is None
    assert rich_style("bold bad", colours).bold


# --- which theme ---


def test_a_terminal_has_the_themes_that_it_can_show() -> None:
    assert theme.themes("truecolor") == theme.themes("256") == tuple(THEMES.values())
    assert all(one.ansi for one in theme.themes("16"))
    assert theme.themes("none") == (theme.MONO,)


def test_the_first_theme_is_what_was_asked_for_or_its_like() -> None:
    assert theme.first_theme("", "truecolor") is theme.DARK
    assert theme.first_theme("", "256", dark=False) is theme.LIGHT
    assert theme.first_theme("light", "truecolor") is theme.LIGHT
    assert theme.first_theme("light", "16") is theme.TERMINAL_LIGHT
    assert theme.first_theme("high-contrast", "16") is theme.TERMINAL_DARK
    assert theme.first_theme("light", "none") is theme.MONO
    with pytest.raises(KeyError):
        theme.first_theme("mauve", "256")


def test_the_key_goes_round_the_themes() -> None:
    name, seen = theme.DARK.name, []
    for _ in theme.themes("256"):
        name = theme.next_theme(name, "256").name
        seen.append(name)
    assert sorted(seen) == sorted(THEMES) and name == theme.DARK.name
    assert theme.next_theme("textual-dark", "16") is theme.TERMINAL_DARK
    assert theme.next_theme("mono", "none") is theme.MONO


def test_another_theme_is_coloured_by_its_background() -> None:
    assert colours_of(Theme("mine", primary="#000000", dark=False)) == Colours(dark=False)


@pytest.mark.parametrize(
    "variant", ["x y", "\u00b2", "9" * 5000, "blink", "link http://example.invalid", "further-3", "", "on"]
)
def test_what_a_variant_is_called_names_no_style(variant: str) -> None:
    word = series_word(variant)
    for one in THEMES.values():
        other = Style.parse(colours_of(one).of(variant_style(variant)))
        assert rich_style(word, colours_of(one)) == other
    assert {rich_style(series_word(known), colours_of(theme.DARK)) for known in VARIANT_STYLES} != {other}
