"""The keys of several screens, of questions and of the help page."""

from __future__ import annotations

from tui.keys.model import ASKING, CHOOSE, COMPARE, HELP, LIVE, PALETTE, REPLAY, SCREENS, SESSIONS, TRIGGERS, Key

LISTS = tuple(where for where in SCREENS if where != REPLAY)
"""A replay has home and end for the whole of the session."""

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
    Key("compare_filter", "slash", "type", "filter", "filter rows by words", (COMPARE, CHOOSE)),
    Key("compare_all", "0", "clear", "all", "show all: no filter", (COMPARE, CHOOSE)),
    Key("up", "up,k", "move(-1)", "", "up: newer events, or the line above", (*SCREENS, HELP)),
    Key("down", "down,j", "move(1)", "", "down: older events, or the line below", (*SCREENS, HELP)),
    Key("page_up", "pageup", "page(-1)", "", "a page up", (*SCREENS, HELP)),
    Key("page_down", "pagedown", "page(1)", "", "a page down", (*SCREENS, HELP)),
    Key("first", "home,g", "edge(-1)", "", "to the first line", (*LISTS, HELP)),
    Key("last", "end,G", "edge(1)", "", "to the last line", (*LISTS, HELP)),
    Key("stop", "x", "stop", "stop", "stop the session (asks first)", (LIVE, SESSIONS), hint=80),
    Key("back", "escape", "app.back", "back", "back to where one came from", (TRIGGERS, COMPARE, CHOOSE), hint=90),
    Key("go_sessions", "1", "app.go('Sessions')", "", "Sessions: the list of all there are", SCREENS),
    Key("go_new", "2", "app.go('New')", "", "New: a form for a new session", SCREENS),
    Key("go_live", "3", "app.go('Live')", "", "Live: the session that was seen last, else the newest", SCREENS),
    Key("go_triggers", "4", "app.go('Triggers')", "", "Triggers: why things were compiled in that session", SCREENS),
    Key("go_compare", "5", "app.go('Compare')", "", "Compare: what is marked, side by side", SCREENS),
    Key("palette", "colon", "app.palette", "commands", "all commands: type a word of one", SCREENS, hint=89),
    Key("close_help", "escape,q,question_mark,f1,enter", "close", "close", "close this page", (HELP,)),
    Key("palette_up", "up", "move(-1)", "", "the command above", (PALETTE,)),
    Key("palette_down", "down", "move(1)", "", "the command below", (PALETTE,)),
    Key("palette_page_up", "pageup", "page(-1)", "", "a page up", (PALETTE,)),
    Key("palette_page_down", "pagedown", "page(1)", "", "a page down", (PALETTE,)),
    Key("palette_close", "escape,f1", "close", "", "close the list of commands", (PALETTE,)),
    Key("theme", "t", "app.theme", "", "the next theme: dark, light and others", SCREENS),
    Key("characters", "f2", "app.characters", "", "ASCII alone, where braille comes out as boxes; and back", SCREENS),
    Key("redraw", "f5", "app.redraw", "", "draw the whole screen again", SCREENS),
    Key("yes", "y", "answer(True)", "yes", "yes", (ASKING,)),
    Key("no", "n,escape", "answer(False)", "no", "no", (ASKING,)),
    Key("help", "question_mark,f1", "app.help", "help", "the help: keys, symbols and words", SCREENS, hint=91),
    Key("quit", "q", "app.quit", "quit", "quit; the profiler keeps running", SCREENS, hint=92),
)
