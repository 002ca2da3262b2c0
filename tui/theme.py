"""The looks of stepscope: one dark and one light theme, and the words by which rows name their styles."""

from __future__ import annotations

from functools import lru_cache

from rich.style import Style
from textual.theme import Theme

from tui.charts.palette import MARK_STYLES, further_style, variant_style

DARK = Theme(
    name="stepscope-dark",
    primary="#56b4e9",
    secondary="#009e73",
    accent="#e69f00",
    foreground="#d3d9de",
    background="#101418",
    surface="#161b20",
    panel="#1c2228",
    warning="#e6b450",
    error="#e5705a",
    success="#6cc08b",
    dark=True,
)
LIGHT = Theme(
    name="stepscope-light",
    primary="#0072b2",
    secondary="#00785a",
    accent="#b06a00",
    foreground="#1d2328",
    background="#fbfbf9",
    surface="#f2f2ef",
    panel="#e8e8e4",
    warning="#8a5a00",
    error="#b3261e",
    success="#1e7a45",
    dark=False,
)

_WORDS = {
    # word: (on dark, on light)
    "quiet": ("#808890", "#6a6a6a"),
    "faint": ("#3c4248", "#c4c4c4"),
    "good": ("#6cc08b", "#1e7a45"),
    "warn": ("#e6b450", "#8a5a00"),
    "bad": ("#e5705a", "#b3261e"),
    "accent": ("#56b4e9", "#0072b2"),
}


@lru_cache(maxsize=512)
def rich_style(words: str, dark: bool) -> Style:
    """The Rich style of ``words``: ``quiet``, ``bold good``, ``series:compile``, ``mark:R``, ``reverse``, or none."""
    parts: list[str] = []
    for word in words.split():
        kind, _, name = word.partition(":")
        if kind == "series":
            number = name.removeprefix("further-")
            style = further_style(int(number)) if number.isdigit() else variant_style(name)
            parts.append(style.colour_on(dark=dark))
        elif kind == "mark":
            parts.append(MARK_STYLES[name].colour_on(dark=dark))
        elif word in _WORDS:
            parts.append(_WORDS[word][0 if dark else 1])
        else:
            parts.append(word)
    return Style.parse(" ".join(parts))
