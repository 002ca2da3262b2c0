"""The one table of key bindings: it makes the bindings of every screen, its footer and the help screen.

Letters, digits, arrows and function keys alone: Ctrl chords belong to tmux, screen and the terminal. Every binding has
an id, so that a key map can replace its keys.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from textual.binding import Binding, BindingType

LIVE, SESSIONS, TRIGGERS, HELP, ASKING = "Live", "Sessions", "Triggers", "Help", "A question"


@dataclass(frozen=True, slots=True)
class Key:
    """One binding. ``short`` is the word in the footer ("" keeps it out of there), ``long`` the help screen's line."""

    id: str
    keys: str  # comma-separated, as Textual names them
    action: str
    short: str
    long: str
    where: tuple[str, ...]


TABLE: tuple[Key, ...] = (
    Key("chart", "tab,c", "next_chart", "chart", "show the other chart (where one fits at a time)", (LIVE,)),
    Key(
        "repeat",
        "r",
        "next_repeat",
        "repeat",
        "choose which repeat the step chart shows: the newest, 1, 2",
        (LIVE,),
    ),
    Key("zoom", "z", "full_range", "full range", "full y range with the compile spikes, or the steady steps", (LIVE,)),
    Key("group", "w", "next_group", "workload", "choose which workload the step chart shows", (LIVE,)),
    Key("loop", "l", "next_loop", "loop", "choose which denoising loop the step chart shows", (LIVE,)),
    Key("legs", "f", "fold_legs", "legs", "show a scenario's legs in the results, or hide them", (LIVE,)),
    Key("cases_down", "right_square_bracket", "cases(1)", "results", "scroll the table of results down", (LIVE,)),
    Key("up", "up,k", "move(-1)", "", "up: newer events, or the session above", (LIVE, SESSIONS)),
    Key("down", "down,j", "move(1)", "", "down: older events, or the session below", (LIVE, SESSIONS)),
    Key("page_up", "pageup", "page(-1)", "", "a page up", (LIVE, SESSIONS)),
    Key("page_down", "pagedown", "page(1)", "", "a page down", (LIVE, SESSIONS)),
    Key("first", "home,g", "edge(-1)", "", "to the first line", (LIVE, SESSIONS)),
    Key("last", "end,G", "edge(1)", "", "to the last line", (LIVE, SESSIONS)),
    Key("cases_up", "left_square_bracket", "cases(-1)", "", "scroll the table of results up", (LIVE,)),
    Key("open", "enter", "open", "open", "open the session", (SESSIONS,)),
    Key("skip", "s", "skip", "skip run", "skip the run under way (asks first)", (LIVE,)),
    Key("stop", "x", "stop", "stop", "stop the session (asks first)", (LIVE, SESSIONS)),
    Key("back", "escape", "app.back", "back", "back to the sessions", (LIVE,)),
    Key("close_help", "escape,q,question_mark,f1,enter", "close", "close", "close this page", (HELP,)),
    Key("theme", "t", "app.theme", "", "dark or light colours", (LIVE, SESSIONS)),
    Key("redraw", "f5", "app.redraw", "", "draw the whole screen again", (LIVE, SESSIONS)),
    Key("yes", "y", "answer(True)", "yes", "yes", (ASKING,)),
    Key("no", "n,escape", "answer(False)", "no", "no", (ASKING,)),
    Key("help", "question_mark,f1", "app.help", "help", "this page", (LIVE, SESSIONS)),
    Key("quit", "q", "app.quit", "quit", "quit; the profiler keeps running", (LIVE, SESSIONS)),
)

_NAMES = {
    "question_mark": "?",
    "right_square_bracket": "]",
    "left_square_bracket": "[",
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
    found = keys_of(ASKING) + keys_of(where) if where in (LIVE, SESSIONS) else keys_of(where)
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
        for key in keys_of(where)
        if key.short and key.action in possible
        for first in [key.keys.split(",")[0]]
    ]
