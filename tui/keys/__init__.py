"""The one table of key bindings: it makes the bindings of every screen, its footer and the help screen.

Letters, digits, arrows and function keys alone: Ctrl chords belong to tmux, screen and the terminal. Every binding has
an id, by which the config file gives it other keys. A screen's own keys are in a module of its name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from textual.binding import Binding, BindingsMap, BindingType

from tui.keys import choose, compare, everywhere, live, new, replay, sessions, triggers
from tui.keys.model import ASKING, CHOOSE, COMPARE, HELP, LIVE, NEW, PALETTE, REPLAY, SCREENS, SESSIONS, TRIGGERS, Key

__all__ = [
    "ASKING",
    "CHOOSE",
    "COMPARE",
    "HELP",
    "INTERRUPT",
    "LIVE",
    "NEW",
    "PALETTE",
    "REPLAY",
    "SCREENS",
    "SESSIONS",
    "TABLE",
    "TRIGGERS",
    "Key",
    "bindings",
    "display",
    "hints",
    "keyed",
    "keys_of",
    "named",
    "remap",
    "remapped",
    "staying",
    "written",
]

TABLE: tuple[Key, ...] = (
    *live.KEYS,
    *replay.KEYS,
    *triggers.KEYS,
    *compare.KEYS,
    *choose.KEYS,
    *sessions.KEYS,
    *new.KEYS,
    *everywhere.KEYS,
)

INTERRUPT = Binding("ctrl+c", "app.help_quit", show=False)
"""For a screen over the others, which the app's own keys don't reach; nobody takes this one for another key."""

STAYING = 90
"""Hints from this place on are always seen, however narrow the footer is: how to leave, and where all keys are."""

_ID = re.compile(r"\{([a-z0-9_]+)\}")

_NAMES = {
    "question_mark": "?",
    "right_square_bracket": "]",
    "left_square_bracket": "[",
    "right_curly_bracket": "}",
    "left_curly_bracket": "{",
    "greater_than_sign": ">",
    "less_than_sign": "<",
    "plus": "+",
    "minus": "-",
    "equals_sign": "=",
    "full_stop": ".",
    "comma": ",",
    "colon": ":",
    "slash": "/",
    "escape": "esc",
    "pageup": "pgup",
    "pagedown": "pgdn",
}


def bindings(where: str, table: Sequence[Key] = TABLE) -> list[BindingType]:
    """The bindings of a screen; those of a question come first, so that its y and n win while it is asked."""
    found = keys_of(ASKING, table) + keys_of(where, table) if where in SCREENS else keys_of(where, table)
    return [
        # Textual itself moves the focus with tab, from a binding that only one with priority goes before.
        Binding(name, key.action, key.short or key.id, show=False, id=key.id, priority=name in ("tab", "shift+tab"))
        for key in found
        for name in key.keys.split(",")
    ]


def keys_of(where: str, table: Sequence[Key] = TABLE) -> list[Key]:
    """The table's rows for a screen, in its order."""
    return [key for key in table if where in key.where]


def named(name: str) -> str:
    """A key as people write it: ``esc`` for ``escape``."""
    shift, _, plain = name.rpartition("+") if name.startswith("shift+") else ("", "", name)
    written = f"F{plain[1:]}" if plain[:1] == "f" and plain[1:].isdigit() else _NAMES.get(plain, plain)
    return f"shift+{written}" if shift else written


def display(key: Key) -> str:
    """The keys as people write them: ``tab c``."""
    return " ".join(named(name) for name in key.keys.split(","))


def keyed(text: str, table: Sequence[Key] = TABLE) -> str:
    """``text`` with the first key of a binding in place of its id in braces, as of ``{stop}``."""
    first = {key.id: named(key.keys.split(",")[0]) for key in table}
    return _ID.sub(lambda found: first.get(found[1], found[0]), text)


def hints(where: str, enabled: Iterable[str], table: Sequence[Key] = TABLE) -> list[tuple[str, str]]:
    """(key, word) for the footer of a screen: what has a word and can be done now (``enabled`` actions)."""
    possible = set(enabled)
    return [
        (named(key.keys.split(",")[0]), key.short)
        for key in sorted(keys_of(where, table), key=lambda key: key.hint)
        if key.short and key.action in possible
    ]


def staying(where: str, enabled: Iterable[str], table: Sequence[Key] = TABLE) -> int:
    """How many of the last hints are always seen."""
    possible = set(enabled)
    return sum(key.hint >= STAYING for key in keys_of(where, table) if key.short and key.action in possible)


def written(places: Sequence[str]) -> str:
    """Several keys in the fewest characters: ``1-5`` of five digits in order."""
    digits = "".join(places)
    if len(places) > 2 and len(digits) == len(places) and digits in "123456789":
        return f"{places[0]}-{places[-1]}"
    return " ".join(named(place) for place in places)


def remapped(changes: Mapping[str, str]) -> tuple[Key, ...]:
    """The table with other keys for the ids in ``changes``, which are keys as Textual names them, with commas."""
    return tuple(replace(key, keys=changes[key.id]) if key.id in changes else key for key in TABLE)


def remap(found: BindingsMap, where: str, table: Sequence[Key]) -> None:
    """Give the bindings that a screen was made with the keys of ``table``.

    Textual's own key maps take every binding of a key away with the one that moves, also those of a question.
    """
    ours = {key.id for key in (*keys_of(where), *keys_of(ASKING))}
    now = BindingsMap(bindings(where, table)).key_to_bindings
    for name, others in found.key_to_bindings.items():
        left = [binding for binding in others if binding.id not in ours]
        if left:
            now[name] = [*now.get(name, []), *left]
    found.key_to_bindings = now
