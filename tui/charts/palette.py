"""Colour and symbol of each variant, the one place that decides them: charts, tables and legends all read it here.

The hues are near those of Okabe and Ito's colour-blind safe set (https://jfly.uni-koeln.de/color/), moved so that any
two stay apart for protanopes, deuteranopes and tritanopes, and that text in them has the contrast that WCAG asks for on
its background, dark or light: the tests measure both. With the colour always goes a symbol: nothing is told by colour
alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal, NamedTuple


@dataclass(frozen=True, slots=True)
class SeriesStyle:
    """How one series is told from the others.

    `colour` is for dark and `light_colour` for light backgrounds (both `#rrggbb`), `ansi` and `light_ansi` the names of
    the nearest of the 16 terminal colours, `marker` one cell wide, `ascii_marker` one ASCII character.
    """

    colour: str
    marker: str
    ascii_marker: str = "*"
    light_colour: str = ""
    ansi: str = ""
    light_ansi: str = ""

    def colour_on(self, *, dark: bool) -> str:
        """The colour to use on a dark or a light background."""
        return self.colour if dark or not self.light_colour else self.light_colour

    def symbol(self, *, ascii: bool = False) -> str:
        """The one-cell symbol that stands for the series in legends, tables and on its line."""
        return self.ascii_marker if ascii else self.marker


VARIANT_STYLES: Mapping[str, SeriesStyle] = MappingProxyType(
    {
        "no-compile": SeriesStyle("#eca91d", "●", "o", "#773f01", "yellow", "magenta"),
        "compile": SeriesStyle("#41bdfc", "▲", "x", "#204178", "bright_blue", "blue"),
        "regional-compile": SeriesStyle("#319075", "■", "+", "#028372", "green", "green"),
    }
)

OTHER_STYLES: tuple[SeriesStyle, ...] = (
    SeriesStyle("#c274b6", "◆", "v", "#9a51c4", "magenta", "magenta"),
    SeriesStyle("#f3e432", "▼", "#", "#777133", "bright_yellow", "green"),
    SeriesStyle("#ce6301", "○", "@", "#dc2e15", "red", "red"),
    SeriesStyle("#1999e9", "△", "%", "#223ac6", "blue", "blue"),
    SeriesStyle("#a6a49f", "□", "=", "#565656", "white", "default"),
)
"""For what is not one of the three variants: a further way to compile, device memory, other GPU figures."""

NEUTRAL_STYLE = OTHER_STYLES[-1]
OTHER_SERIES = "other"
"""The name of what isn't one of the three variants, in the words of styles."""

_FURTHER = (0, 1, 3, 4, 2)
"""The order in which further ways to compile take them: the one most like a recompile's red comes last."""

MARK_MEANINGS: Mapping[str, str] = MappingProxyType(
    {
        "C": "compile",
        "R": "recompile",
        "B": "graph break",
        "L": "recompile limit",
        "E": "fall to eager",
        "G": "CUDA graph",
        "!": "failed compile",
    }
)
MARK_STYLES: Mapping[str, SeriesStyle] = MappingProxyType(
    {
        "C": SeriesStyle("#a6a49f", "C", "C", "#565656", "white", "default"),
        "R": SeriesStyle("#ce6301", "R", "R", "#dc2e15", "red", "red"),
        "B": SeriesStyle("#c274b6", "B", "B", "#9a51c4", "magenta", "magenta"),
        "G": SeriesStyle("#f3e432", "G", "G", "#777133", "bright_yellow", "green"),
        "E": SeriesStyle("#f3385b", "E", "E", "#6e0e04", "bright_red", "bright_red"),
        "L": SeriesStyle("#f3385b", "L", "L", "#6e0e04", "bright_red", "bright_red"),
        "!": SeriesStyle("#f3385b", "!", "!", "#6e0e04", "bright_red", "bright_red"),
    }
)
"""Compiling is expected and drawn quietly; a recompile is what the user came to see."""

GRAVEST_FIRST = "!LERBGC"
"""Of marks that share a place the first one of these is shown."""


def variant_style(variant: str) -> SeriesStyle:
    """The style of `variant`; a name that isn't one of the three keeps the neutral one."""
    return VARIANT_STYLES.get(variant, NEUTRAL_STYLE)


def series_word(variant: str) -> str:
    """The word of `tui.theme.rich_style` for the colour of `variant`; a name that isn't one of the three is not in it.

    A name may come from anybody's session, and words are split and looked up: it could be several, or none.
    """
    return f"series:{variant if variant in VARIANT_STYLES else OTHER_SERIES}"


def further_style(number: int) -> SeriesStyle:
    """The style of a further way to compile beside the three variants, counted from 0.

    Beyond the fifth a colour comes again with another symbol, so that no two of the first 25 are alike.
    """
    again, place = divmod(number, len(_FURTHER))
    style = OTHER_STYLES[_FURTHER[place]]
    other = OTHER_STYLES[_FURTHER[(place + again) % len(_FURTHER)]]
    return replace(style, marker=other.marker, ascii_marker=other.ascii_marker)


class Tones(NamedTuple):
    """One word of a row's style, as each kind of terminal shows it: Rich style definitions, `""` for its own colour."""

    dark: str
    light: str
    high_dark: str
    high_light: str
    ansi: str
    light_ansi: str
    none: str


WORDS: Mapping[str, Tones] = MappingProxyType(
    {
        "quiet": Tones("#8a929a", "#646464", "#d0d0d0", "#303030", "dim", "dim", "dim"),
        "faint": Tones("#3c4248", "#c4c4c4", "#808080", "#808080", "bright_black", "white", "dim"),
        "good": Tones("#6cc08b", "#1e7a45", "#8ff0b0", "#00501f", "green", "green", ""),
        "warn": Tones("#e6b450", "#8a5a00", "#ffd75f", "#5a2d00", "yellow", "magenta", "bold"),
        "bad": Tones("#e5705a", "#b3261e", "#ff9c8a", "#8b0000", "bright_red", "red", "bold"),
        "accent": Tones("#56b4e9", "#0072b2", "#87d7ff", "#003f7f", "bright_cyan", "blue", ""),
    }
)
"""The words of `tui.theme.rich_style`. Of the terminal's own colours nobody knows how they look: what must be read is
never its "bright black", which some palettes give the background's colour, and on light never its yellow.
"""


@dataclass(frozen=True, slots=True)
class Colours:
    """What to colour with: `rgb` (Okabe-Ito), `ansi` (the terminal's 16) or `none`; `dark` is the background, and with
    `high` contrast nothing is quiet.

    Its values are Rich style definitions, `""` for the terminal's own.
    """

    mode: Literal["rgb", "ansi", "none"] = "rgb"
    dark: bool = True
    high: bool = False

    def of(self, style: SeriesStyle) -> str:
        """The colour of a series, a mark or their symbols."""
        if self.mode == "none":
            return ""
        if self.mode == "ansi":
            return style.ansi if self.dark or not style.light_ansi else style.light_ansi
        return style.colour_on(dark=self.dark)

    def word(self, word: str) -> str:
        """The style of one of `WORDS`. Raises KeyError for any other."""
        tones = WORDS[word]
        if self.mode == "none":
            return tones.none
        if self.mode == "ansi":
            return tones.ansi if self.dark else tones.light_ansi
        if self.high:
            return tones.high_dark if self.dark else tones.high_light
        return tones.dark if self.dark else tones.light

    @property
    def quiet(self) -> str:
        """For axes, ticks and units."""
        return self.word("quiet")

    @property
    def cursor(self) -> str:
        """For the line at the place that is pointed at: the terminal's own colour, which stands out from all others."""
        return "bold"

    @property
    def faint(self) -> str:
        """For lines behind the data."""
        return self.word("faint")
