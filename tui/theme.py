"""The looks of stepscope: its themes, and the words by which rows name their styles.

What colours a terminal can show decides which themes there are (`tui.terminals`). Where it takes 256 or more the themes
bring their own, background included. With 16 they are the terminal's own colours on its own background, in two choices
that stand out on dark and on light; with none there are bold, dim and reverse alone.
"""

from __future__ import annotations

from functools import lru_cache

from rich.color import ColorSystem
from rich.style import Style
from textual.app import App
from textual.filter import Monochrome, NoColor
from textual.theme import Theme

from tui.charts.palette import MARK_STYLES, WORDS, Colours, further_style, variant_style
from tui.settings import Settings
from tui.terminals import Depth, terminal_kind


def _placeholders(colours: Colours) -> dict[str, str]:
    """Textual's own, of 38 % of the contrast, can't be read; in an empty line they say what to type."""
    return {"text-disabled": colours.quiet}


DARK = Theme(
    name="dark",
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
    variables=_placeholders(Colours()),
)
LIGHT = Theme(
    name="light",
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
    variables=_placeholders(Colours(dark=False)),
)
HIGH_DARK = Theme(
    name="high-contrast",
    primary="#87d7ff",
    secondary="#8ff0b0",
    accent="#ffd75f",
    foreground="#ffffff",
    background="#000000",
    surface="#000000",
    panel="#1c1c1c",
    warning="#ffd75f",
    error="#ff9c8a",
    success="#8ff0b0",
    dark=True,
    text_alpha=1.0,
    variables=_placeholders(Colours(high=True)),
)
HIGH_LIGHT = Theme(
    name="high-contrast-light",
    primary="#003f7f",
    secondary="#00501f",
    accent="#5a2d00",
    foreground="#000000",
    background="#ffffff",
    surface="#ffffff",
    panel="#eeeeee",
    warning="#5a2d00",
    error="#8b0000",
    success="#00501f",
    dark=False,
    text_alpha=1.0,
    variables=_placeholders(Colours(dark=False, high=True)),
)


def _of_terminal(name: str, *, dark: bool) -> Theme:
    """A theme that names the terminal's own colours alone, for Textual's own widgets too."""
    return Theme(
        name=name,
        ansi=True,
        primary="ansi_blue",
        secondary="ansi_green",
        accent="ansi_cyan",
        foreground="ansi_default",
        background="ansi_default",
        surface="ansi_default",
        panel="ansi_default",
        boost="ansi_default",
        warning="ansi_yellow" if dark else "ansi_magenta",
        error="ansi_red",
        success="ansi_green",
        dark=dark,
        variables={
            "ansi-background": "ansi_black" if dark else "ansi_white",
            "ansi-foreground": "ansi_white" if dark else "ansi_black",
            # Textual's own are for a black background; a place in a line is reversed, which takes no colour.
            "input-selection-foreground": "ansi_black",
            "scrollbar-background": "ansi_default",
            "scrollbar-background-hover": "ansi_default",
            "scrollbar-background-active": "ansi_default",
        },
    )


TERMINAL_DARK = _of_terminal("terminal-dark", dark=True)
TERMINAL_LIGHT = _of_terminal("terminal-light", dark=False)
MONO = _of_terminal("mono", dark=True)

THEMES = {
    theme.name: theme
    for theme in (DARK, LIGHT, HIGH_DARK, HIGH_LIGHT, TERMINAL_DARK, TERMINAL_LIGHT, MONO)
}  # fmt: skip
"""All there are by their names, which users write."""

_SYSTEMS: dict[Depth, ColorSystem] = {
    "truecolor": ColorSystem.TRUECOLOR,
    "256": ColorSystem.EIGHT_BIT,
    "16": ColorSystem.STANDARD,
    "none": ColorSystem.STANDARD,  # the filter leaves no colours to be sent
}

_COLOURS = {
    DARK.name: Colours(),
    LIGHT.name: Colours(dark=False),
    HIGH_DARK.name: Colours(high=True),
    HIGH_LIGHT.name: Colours(dark=False, high=True),
    TERMINAL_DARK.name: Colours("ansi"),
    TERMINAL_LIGHT.name: Colours("ansi", dark=False),
    MONO.name: Colours("none"),
}


def themes(depth: Depth) -> tuple[Theme, ...]:
    """Those that can be shown on a terminal of so many colours, in the order in which the key goes through them."""
    if depth == "none":
        return (MONO,)
    own = (TERMINAL_DARK, TERMINAL_LIGHT, MONO)
    return own if depth == "16" else (DARK, LIGHT, HIGH_DARK, HIGH_LIGHT, *own)


def first_theme(wanted: str, depth: Depth, *, dark: bool = True) -> Theme:
    """The theme called ``wanted``, "": the usual one on a terminal that is ``dark``.

    Where the terminal can't show it: the one for its colours on the same background. Raises KeyError for no name.
    """
    theme = THEMES[wanted] if wanted else DARK if dark else LIGHT
    possible = themes(depth)
    if theme in possible:
        return theme
    return next((other for other in possible if other.dark == theme.dark), possible[0])


def next_theme(name: str, depth: Depth) -> Theme:
    """The one after the theme called ``name``; the first one after the last."""
    possible = themes(depth)
    names = [theme.name for theme in possible]
    return possible[(names.index(name) + 1) % len(possible)] if name in names else possible[0]


def put_on(app: App[None], settings: Settings) -> None:
    """Give ``app`` the themes that its terminal can show and the first one of them; to be called in its ``__init__``.

    Textual's own ways with NO_COLOR (greys) and with the depth (an environment variable that is read on import) are put
    aside. Raises KeyError where the settings name a theme that isn't one of ``THEMES``.
    """
    kind = terminal_kind(colour=settings.colour)
    for each in THEMES.values():
        app.register_theme(each)
    app.no_color = kind.depth == "none"
    app._filters = [one for one in app._filters if not isinstance(one, Monochrome | NoColor)]
    if kind.depth == "none":
        app._filters.append(NoColor())
    app.console._color_system = _SYSTEMS[kind.depth]
    app.theme = first_theme(settings.theme, kind.depth, dark=kind.dark).name


def depth_of(app: App[None]) -> Depth:
    """Of the terminal that ``app`` was put on."""
    if app.no_color:
        return "none"
    return next(depth for depth, system in _SYSTEMS.items() if system is app.console._color_system)


def colours_of(theme: Theme) -> Colours:
    """What panels and charts colour with under ``theme``; one that isn't ours: by its background."""
    return _COLOURS.get(theme.name) or Colours("ansi" if theme.ansi else "rgb", dark=theme.dark)


@lru_cache(maxsize=512)
def rich_style(words: str, colours: Colours) -> Style:
    """The Rich style of ``words``: ``quiet``, ``bold good``, ``series:compile``, ``mark:R``, ``reverse``, or none.

    The words are this program's own, never a log's (of a variant: `tui.charts.palette.series_word`). Raises
    StyleSyntaxError for a word that names nothing.
    """
    parts: list[str] = []
    for word in words.split():
        kind, _, name = word.partition(":")
        if kind == "series":
            number = name.removeprefix("further-")
            further = number != name and number.isascii() and number.isdigit()
            parts.append(colours.of(further_style(int(number)) if further else variant_style(name)))
        elif kind == "mark":
            parts.append(colours.of(MARK_STYLES[name]))
        elif word in WORDS:
            parts.append(colours.word(word))
        else:
            parts.append(word)
    return Style.parse(" ".join(parts))
