"""Other keys for bindings, as the user writes them: checked, and by the names that Textual has for keys."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from textual.keys import Keys, _character_to_key, key_to_character

from tui import keys
from tui.keys.model import Key

_ALIASES = {"esc": "escape", "pgup": "pageup", "pgdn": "pagedown", "return": "enter", "del": "delete", "ins": "insert"}
_BINDABLE = {key.value for key in Keys if not key.value.startswith(("ctrl", "<"))}
"""Ctrl chords aren't among them: they belong to the terminal, to tmux and to screen."""

_EDITING = {"left", "right", "home", "end", "delete", "backspace", "enter", "shift+left", "shift+right"}
_SIGNS = {_character_to_key(chr(code)) for code in range(ord(" "), ord("~") + 1)}
"""Where one types these are characters, and the ones above keys of the line."""

WHAT_WORKS = "a letter, a digit, a sign, f1 to f24, or a name as left, pageup, enter, shift+tab"
NEAR = 3


class BadKeys(Exception):
    """The keys for the binding ``id`` can't be used; the message is one line that says what would work."""

    def __init__(self, id: str, message: str) -> None:
        super().__init__(message)
        self.id = id


def checked(changes: Mapping[str, object]) -> dict[str, str]:
    """Keys by ids of bindings, as ``{"stop": "x,F9"}``, in Textual's names. Raises BadKeys.

    No key may mean two things on one screen; keys that change places are fine.
    """
    found = {id: _keys(id, given) for id, given in changes.items()}
    table = keys.remapped(found)
    for id in found:
        _alone(id, table)
    return found


def _keys(id: str, given: object) -> str:
    """The keys for one binding."""
    if not any(key.id == id for key in keys.TABLE):
        raise BadKeys(id, f"no key is called {id!r} ({_nearest(id)})")
    if not isinstance(given, str):
        raise BadKeys(id, f'the keys of {id} are text in quotes, as {id} = "{_own(id).keys.replace(",", ", ")}"')
    names = [_name(id, part.strip()) for part in given.split(",")]
    twice = [name for name, times in Counter(names).items() if times > 1]
    if twice:
        raise BadKeys(id, f"{keys.named(twice[0])!r} is given to {id} twice")
    if keys.PALETTE in _own(id).where:
        for name in names:
            _not_typed(id, name)
    return ",".join(names)


def _not_typed(id: str, name: str) -> None:
    """Over a line that one types into a key must be none of the line's own: it would never get further."""
    character = key_to_character(name)
    if name in _SIGNS or (character is not None and character.isprintable()):
        what = "a letter of what is typed into the palette"
    elif name in _EDITING:
        what = "a key of the line that is typed into the palette"
    else:
        return
    raise BadKeys(id, f"{keys.named(name)!r} is {what}: {id} may be f9 or another key without a letter, as pageup")


def _name(id: str, written: str) -> str:
    if not written:
        raise BadKeys(id, f"{id} needs at least one key, and a comma is called comma; a key is {WHAT_WORKS}")
    if len(written) == 1 and written.isprintable():
        return _character_to_key(written)
    name = written.lower()
    shift, _, plain = name.rpartition("+")
    name = f"{shift}+{_ALIASES.get(plain, plain)}" if shift else _ALIASES.get(name, name)
    if name in _BINDABLE or any(name in key.keys.split(",") for key in keys.TABLE):
        return name
    raise BadKeys(id, f"{written!r} is no key: a key is {WHAT_WORKS}")


def _alone(id: str, table: Sequence[Key]) -> None:
    """Whether the keys of ``id`` are its own on each of its screens."""
    own = next(key for key in table if key.id == id)
    for where in own.where:
        for other in keys.keys_of(where, table):
            shared = set(own.keys.split(",")) & set(other.keys.split(","))
            if other.id != id and shared:
                both = keys.named(min(shared))
                raise BadKeys(
                    id, f"{both!r} is {other.id} on {where} too ({other.long}): give {other.id} another key, or {id}"
                )


def _nearest(id: str) -> str:
    every = [key.id for key in keys.TABLE]
    near = get_close_matches(id, every, NEAR, cutoff=0.5)
    more = "the help page, ?, names all"
    return f"the nearest: {', '.join(near)}; {more}" if near else more


def _own(id: str) -> Key:
    return next(key for key in keys.TABLE if key.id == id)
