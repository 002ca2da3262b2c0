"""The options of every command that opens a screen: one decorator, one Settings."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, get_args

import click

from tui import config
from tui.commands.common import BAD_USAGE, CommandError
from tui.settings import FASTEST_HZ, LEAST_BYTES_PER_SECOND, SLOWEST_HZ, ColourMode, Settings
from tui.terminals import terminal_kind

GROUP = "The screen"
"""The heading of these options in the help of a command that shows its options by groups."""


class ScreenOption(click.Option):
    """An option with a heading for helps that have headings."""

    group = GROUP


def screen_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options; it gets ``settings``, in which the config file fills what isn't on the command line.

    A config file with something wrong in it is a CommandError with code 2.
    """

    @wraps(command)
    def with_settings(*args: Any, **given: Any) -> Any:
        chosen = {name: given.pop(name) for name in _NAMES}
        return command(*args, settings=settings_of(chosen), **given)

    return unread_screen_options(with_settings)


def unread_screen_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options alone, None where not given: for ``settings_of``, if it opens a screen at all."""
    for declared, attributes in reversed(_OPTIONS):
        command = click.option(*declared, cls=ScreenOption, **attributes)(command)
    return command


def settings_of(chosen: Mapping[str, Any]) -> Settings:
    """Settings of what was given on the command line (None: not given), over the config file, over the defaults.

    Of these ASCII goes by the terminal: a console's font has no braille.
    """
    try:
        filed = config.load()
    except config.BadConfig as error:
        raise CommandError(str(error), BAD_USAGE) from None
    theme = chosen.get("theme")
    if theme and theme not in config.theme_names():
        raise CommandError(f"--theme is one of {', '.join(config.theme_names())}, not {theme!r}", BAD_USAGE)
    given = {name: value for name, value in chosen.items() if value is not None}
    return Settings(**{"ascii": terminal_kind().ascii, **filed, **given})


def _number(ctx: click.Context, param: click.Parameter, value: float | None) -> float | None:
    """``value``, which lies in a range as far as click can tell; not a number does for it."""
    if value is not None and math.isnan(value):
        raise click.BadParameter(f"it is pictures a second, {SLOWEST_HZ:g} to {FASTEST_HZ:g}, not nan", ctx, param)
    return value


_OPTIONS: tuple[tuple[tuple[str, ...], dict[str, Any]], ...] = (
    (
        ("--ascii/--no-ascii", "ascii"),
        {
            "default": None,
            "help": "ASCII alone: no braille, no box drawing.",
            "show_default": "by the terminal",
        },
    ),
    (
        ("--color", "--colour", "colour"),
        {
            "type": click.Choice(get_args(ColourMode)),
            "help": "How many colours the terminal takes.",
            "show_default": "auto",
        },
    ),
    (
        ("--theme", "theme"),
        {
            "metavar": "NAME",
            "help": "Colours by name; the key t tries the next.",
            "show_default": "dark or light, by the terminal",
        },
    ),
    (
        ("--mouse/--no-mouse", "mouse"),
        {
            "default": None,
            "help": "Without: the terminal keeps the mouse, for selecting text.",
            "show_default": "--mouse",
        },
    ),
    (
        ("--refresh", "refresh_hz"),
        {
            "type": click.FloatRange(SLOWEST_HZ, FASTEST_HZ),
            "callback": _number,
            "metavar": "HZ",
            "help": "Pictures a second at most; fewer over a slow link.",
            "show_default": f"{Settings().refresh_hz:g}",
        },
    ),
    (
        ("--max-bytes-per-second", "max_bytes_per_second"),
        {
            "type": click.IntRange(LEAST_BYTES_PER_SECOND),
            "metavar": "N",
            "help": "Send no more than this in the long run.",
            "show_default": "no limit",
        },
    ),
    (
        ("--plain/--no-plain", "plain"),
        {
            "default": None,
            "help": "Plain lines of text instead of a screen, for screen readers too.",
            "show_default": "--plain without a terminal",
        },
    ),
)
_NAMES = tuple(declared[-1] for declared, _ in _OPTIONS)
