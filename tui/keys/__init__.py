"""The one table of key bindings: it makes the bindings of every screen, its footer and the help screen.

Letters, digits, arrows and function keys alone: Ctrl chords belong to tmux, screen and the terminal. Every binding has
an id, so that a key map can replace its keys. A screen's own keys are in a module of its name.
"""

from __future__ import annotations

from collections.abc import Iterable

from textual.binding import Binding, BindingType

from tui.keys import choose, compare, everywhere, live, new, sessions, triggers
from tui.keys.model import ASKING, CHOOSE, COMPARE, HELP, LIVE, NEW, REPLAY, SCREENS, SESSIONS, TRIGGERS, Key

__all__ = [
    "ASKING",
    "CHOOSE",
    "COMPARE",
    "HELP",
    "LIVE",
    "NEW",
    "REPLAY",
    "SCREENS",
    "SESSIONS",
    "TABLE",
    "TRIGGERS",
    "Key",
    "bindings",
    "display",
    "hints",
    "keys_of",
]

TABLE: tuple[Key, ...] = (
    *live.KEYS,
    *triggers.KEYS,
    *compare.KEYS,
    *choose.KEYS,
    *sessions.KEYS,
    *new.KEYS,
    *everywhere.KEYS,
)

_NAMES = {
    "question_mark": "?",
    "right_square_bracket": "]",
    "left_square_bracket": "[",
    "slash": "/",
    "escape": "esc",
    "pageup": "pgup",
    "pagedown": "pgdn",
    "f1": "F1",
    "f5": "F5",
    "up": "up",
    "down": "down",
}


def bindings(where: str) -> list[BindingType]:
    """The bindings of a screen; those of a question come first, so that its y and n win while it is asked."""
    found = keys_of(ASKING) + keys_of(where) if where in SCREENS else keys_of(where)
    return [
        # Textual itself moves the focus with tab, from a binding that only one with priority goes before.
        Binding(name, key.action, key.short or key.id, show=False, id=f"{key.id}.{number}", priority=name == "tab")
        for key in found
        for number, name in enumerate(key.keys.split(","))
    ]


def keys_of(where: str) -> list[Key]:
    """The table's rows for a screen, in its order."""
    return [key for key in TABLE if where in key.where]


def display(key: Key) -> str:
    """The keys as people write them: ``tab c``."""
    return " ".join(_NAMES.get(name, name) for name in key.keys.split(","))


def hints(where: str, enabled: Iterable[str]) -> list[tuple[str, str]]:
    """(key, word) for the footer of a screen: what has a word and can be done now (``enabled`` actions)."""
    possible = set(enabled)
    return [
        (_NAMES.get(first, first), key.short)
        for key in sorted(keys_of(where), key=lambda key: key.hint)
        if key.short and key.action in possible
        for first in [key.keys.split(",")[0]]
    ]
