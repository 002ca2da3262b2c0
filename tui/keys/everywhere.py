"""The keys of several screens, of questions and of the help page."""

from __future__ import annotations

from tui.keys.model import ASKING, CHOOSE, COMPARE, HELP, LIVE, REPLAY, SCREENS, SESSIONS, TRIGGERS, Key

KEYS = (
    Key(
        "why",
        "i",
        "show_triggers",
        "why",
        "why things were compiled, what it cost and what to do",
        (LIVE, REPLAY, SESSIONS),
        hint=20,
    ),
    Key(
        "compare",
        "v",
        "compare",
        "compare",
        "compare this session, or those marked",
        (LIVE, REPLAY, SESSIONS),
        hint=60,
    ),
    Key("mark", "space", "mark", "mark", "mark for comparing, or take the mark off", (SESSIONS, CHOOSE)),
    Key("compared_typed", "slash", "type", "filter", "filter rows by words", (COMPARE, CHOOSE)),
    Key("compared_clear", "0", "clear", "all", "show all: no filter", (COMPARE, CHOOSE)),
    Key("up", "up,k", "move(-1)", "", "up: newer events, or the line above", SCREENS),
    Key("down", "down,j", "move(1)", "", "down: older events, or the line below", SCREENS),
    Key("page_up", "pageup", "page(-1)", "", "a page up", SCREENS),
    Key("page_down", "pagedown", "page(1)", "", "a page down", SCREENS),
    Key("first", "home,g", "edge(-1)", "", "to the first line", SCREENS),
    Key("last", "end,G", "edge(1)", "", "to the last line", SCREENS),
    Key("stop", "x", "stop", "stop", "stop the session (asks first)", (LIVE, SESSIONS), hint=80),
    Key("back", "escape", "app.back", "back", "back to where one came from", (TRIGGERS, COMPARE, CHOOSE), hint=90),
    Key("close_help", "escape,q,question_mark,f1,enter", "close", "close", "close this page", (HELP,)),
    Key("theme", "t", "app.theme", "", "dark or light colours", SCREENS),
    Key("redraw", "f5", "app.redraw", "", "draw the whole screen again", SCREENS),
    Key("yes", "y", "answer(True)", "yes", "yes", (ASKING,)),
    Key("no", "n,escape", "answer(False)", "no", "no", (ASKING,)),
    Key("help", "question_mark,f1", "app.help", "help", "this page", SCREENS, hint=91),
    Key("quit", "q", "app.quit", "quit", "quit; the profiler keeps running", SCREENS, hint=92),
)
