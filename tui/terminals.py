"""What the terminal can show, as far as its environment tells: how many colours, which characters, dark or light.

Nothing is asked of the terminal itself: an answer takes a round trip, and over a slow link it comes as keys that nobody
pressed. The names are those of terminfo (https://invisible-island.net/ncurses/terminfo.src.html); the variables are
NO_COLOR (https://no-color.org: set and not empty), COLORTERM (truecolor or 24bit, https://github.com/termstandard/colors)
and COLORFGBG (rxvt's "foreground;background", which Konsole and iTerm2 set too).
"""

from __future__ import annotations

import codecs
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from tui.settings import ColourMode

Depth = Literal["truecolor", "256", "16", "none"]

DUMB = ("", "dumb", "unknown", "emacs", "cons25-nocursor")
"""Values of TERM whose terminals can't move a cursor about: no screen can be drawn there."""

_COLOURLESS = ("vt52", "vt100", "vt102", "vt125", "vt220", "vt240", "vt320", "vt420", "vt510", "ansi-m", "sun", "hp")
_FULL = ("direct", "truecolor", "kitty", "alacritty", "ghostty", "wezterm", "foot", "contour", "rio", "iterm2")
"""Parts of TERM that only terminals with 24 bits of colour have: over SSH COLORTERM stays behind."""

_FEW_GLYPHS = ("linux", "cons25", "wsvt25", "pcansi", "vt")
"""Beginnings of TERM of consoles whose fonts, of 256 or 512 characters, have no braille."""

_DARK_BACKGROUNDS = frozenset("01234568")
"""Of the 16 colours those that light text is read on; COLORFGBG's last number is the background's."""


@dataclass(frozen=True, slots=True)
class TerminalKind:
    """``draws``: whether a screen can be drawn at all. ``ascii``: whether what is beyond it may come out as boxes."""

    draws: bool
    depth: Depth
    ascii: bool
    dark: bool


def terminal_kind(
    environ: Mapping[str, str] | None = None, *, colour: ColourMode = "auto", encoding: str | None = None
) -> TerminalKind:
    """The terminal of ``environ`` (None: this process's), whose text is written in ``encoding`` (None: stderr's, which
    Textual draws through). A ``colour`` other than auto is obeyed, NO_COLOR or not.
    """
    environ = os.environ if environ is None else environ
    encoding = getattr(sys.__stderr__, "encoding", None) if encoding is None else encoding
    term = environ.get("TERM", "").lower()
    return TerminalKind(
        draws=term not in DUMB,
        depth=_depth(environ, term) if colour == "auto" else colour,
        ascii=term.startswith(_FEW_GLYPHS) or not _is_unicode(encoding or "utf-8"),
        dark=_is_dark(environ),
    )


def _depth(environ: Mapping[str, str], term: str) -> Depth:
    if environ.get("NO_COLOR"):
        return "none"
    if term in DUMB or term.startswith(_COLOURLESS) or term.endswith(("-m", "-mono")):
        return "none"
    if term.startswith("screen") and "STY" in environ and "TMUX" not in environ:
        # GNU screen before 5 takes 24 bits for something else, whatever the terminal around it has said.
        return "256" if "256color" in term else "16"
    if environ.get("COLORTERM", "").strip().lower() in ("truecolor", "24bit"):
        return "truecolor"
    if any(part in term for part in _FULL):
        return "truecolor"
    return "256" if "256color" in term else "16"


def _is_unicode(encoding: str) -> bool:
    try:
        return codecs.lookup(encoding).name.startswith("utf")
    except LookupError:
        return False


def _is_dark(environ: Mapping[str, str]) -> bool:
    """Most are, so it takes a number to say otherwise."""
    background = environ.get("COLORFGBG", "").rpartition(";")[2]
    # A number of thousands of digits Python doesn't take.
    return not (background.isascii() and background.isdigit()) or (background.lstrip("0") or "0") in _DARK_BACKGROUNDS
