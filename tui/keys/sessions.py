"""The keys of the Sessions screen. What is done to sessions is done to those marked, else to the selected one."""

from __future__ import annotations

from tui.keys.model import SESSIONS, Key

KEYS = (
    Key("open", "enter", "open", "open", "open the session", (SESSIONS,), hint=10),
    Key("new", "n", "app.go('New')", "new", "a form for a new session", (SESSIONS,), hint=83),
    Key("new_like", "N", "new_like", "", "a form for a new session, filled in like this one", (SESSIONS,)),
    Key(
        "resume",
        "r",
        "resume",
        "resume",
        "make the runs that those marked, or this one, still owe (asks first)",
        (SESSIONS,),
        hint=22,
    ),
    Key(
        "remove",
        "d",
        "remove",
        "remove",
        "remove those marked, or this one, with logs, pictures and all (asks first)",
        (SESSIONS,),
        hint=70,
    ),
    Key("sessions_filter", "slash", "type", "filter", "show those that words fit: died -tiny", (SESSIONS,), hint=82),
    Key("sessions_all", "0", "clear", "all", "show all: no filter", (SESSIONS,), hint=8),
    Key("sessions_sort", "s", "next_sort", "sort", "sort by the next column", (SESSIONS,), hint=84),
    Key("sessions_turn", "S", "turn_sort", "", "sort the other way round", (SESSIONS,)),
    Key("replay", "p", "replay", "replay", "play the session again", (SESSIONS,), hint=86),
    Key("mark_all", "a", "mark_all", "", "mark all that are listed, or take all marks off", (SESSIONS,)),
    Key("columns_right", "shift+right", "scroll(1)", "", "to the columns at the right", (SESSIONS,)),
    Key("columns_left", "shift+left", "scroll(-1)", "", "to the columns at the left", (SESSIONS,)),
)
