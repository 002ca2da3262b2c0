"""The one table of key bindings: it makes the bindings of every screen, its footer and the help screen.

Letters, digits, arrows and function keys alone: Ctrl chords belong to tmux, screen and the terminal. Every binding has
an id, so that a key map can replace its keys.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from textual.binding import Binding, BindingType

LIVE, SESSIONS, TRIGGERS, HELP, ASKING = "Live", "Sessions", "Triggers", "Help", "A question"
COMPARE, CHOOSE = "Compare", "Choose"
SCREENS = (LIVE, TRIGGERS, COMPARE, CHOOSE, SESSIONS)
"""Those with a footer, in the help page's order."""


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
    Key("why", "i", "show_triggers", "why", "why things were compiled, what it cost and what to do", (LIVE, SESSIONS)),
    Key("next_mark", "n", "next_mark(1)", "mark", "to the chart's next mark: which step, how long and why", (LIVE,)),
    Key("mark_before", "N", "next_mark(-1)", "", "to the mark before", (LIVE,)),
    Key("cases_down", "right_square_bracket", "cases(1)", "results", "scroll the table of results down", (LIVE,)),
    Key(
        "repeat",
        "r",
        "next_repeat",
        "repeat",
        "choose which repeat the step chart shows: the newest, 1, 2",
        (LIVE,),
    ),
    Key("zoom", "z", "full_range", "range", "full y range with the compile spikes, or the steady steps", (LIVE,)),
    Key("group", "w", "next_group", "workload", "choose which workload the step chart shows", (LIVE,)),
    Key("loop", "l", "next_loop", "loop", "choose which denoising loop the step chart shows", (LIVE,)),
    Key("legs", "f", "fold_legs", "legs", "show a scenario's legs in the results, or hide them", (LIVE,)),
    Key("enter", "enter", "enter", "", "unfold a trigger into its occurrences; on one alone as l", (TRIGGERS,)),
    Key("unfold", "right", "unfold", "unfold", "unfold a trigger into its occurrences", (TRIGGERS,)),
    Key("fold", "left", "fold", "", "fold it again", (TRIGGERS,)),
    Key("show_step", "l", "show_step", "chart", "look at the step that it held up on Live's chart", (TRIGGERS,)),
    Key("clear", "a", "clear", "all", "show all: no filter", (TRIGGERS,)),
    Key("view", "tab", "next_view", "view", "the next view: causes, side by side, waterfall", (TRIGGERS,)),
    Key("causes", "1", "view('causes')", "", "triggers by cause, in the order that s chooses", (TRIGGERS,)),
    Key("sides", "2", "view('sides')", "", "the compiles of two cases side by side", (TRIGGERS,)),
    Key("waterfall", "3", "view('waterfall')", "", "the compiles of one run on its time axis", (TRIGGERS,)),
    Key("left_side", "left_square_bracket", "next_side('left')", "left", "choose the left one", (TRIGGERS,)),
    Key("right_side", "right_square_bracket", "next_side('right')", "right", "choose the right one", (TRIGGERS,)),
    Key("typed", "slash", "type", "filter", "filter by words: module, argument, guard, what to do", (TRIGGERS,)),
    Key("by_run", "r", "next_value('run')", "run", "one run's, then the next; in the waterfall: which", (TRIGGERS,)),
    Key("by_variant", "v", "next_value('variant')", "", "one variant's, then the next one's", (TRIGGERS,)),
    Key("by_cause", "c", "next_value('cause')", "", "one class of causes, then the next one", (TRIGGERS,)),
    Key("by_module", "m", "next_value('module')", "", "one module's, then the next one's", (TRIGGERS,)),
    Key("sort", "s", "next_sort", "sort", "sort by what it cost, by how often it came, by when", (TRIGGERS,)),
    Key("copy", "y", "copy", "copy", "copy what to do to the clipboard (in tmux: set-clipboard on)", (TRIGGERS,)),
    Key("export", "e", "export", "export", "write the triggers seen into a file here, as text for people", (TRIGGERS,)),
    Key("detail_down", "J,space", "detail(1)", "", "scroll the details down", (TRIGGERS,)),
    Key("detail_up", "K,b", "detail(-1)", "", "scroll the details up", (TRIGGERS,)),
    Key(
        "compare",
        "v",
        "compare",
        "compare",
        "compare this session, or those marked",
        (LIVE, SESSIONS),
    ),
    Key("mark", "space", "mark", "mark", "mark for comparing, or take the mark off", (SESSIONS, CHOOSE)),
    Key("compared_view", "tab", "next_view", "view", "the next view: table, charts, images", (COMPARE,)),
    Key("view_table", "1", "view('table')", "", "the table, with everything about the selected row", (COMPARE,)),
    Key("view_latency", "2", "view('latency')", "", "the median call, step by step", (COMPARE,)),
    Key("view_distribution", "3", "view('distribution')", "", "how steps are distributed: histogram, ECDF", (COMPARE,)),
    Key("view_memory", "4", "view('memory')", "", "memory over the time of one run of each", (COMPARE,)),
    Key("view_speedup", "5", "view('speedup')", "", "speed-ups as bars with their intervals", (COMPARE,)),
    Key(
        "view_cumulative", "6", "view('cumulative')", "", "time for so many images, and where it evens out", (COMPARE,)
    ),
    Key("view_images", "7", "view('images')", "", "the pictures that were made (--save-images)", (COMPARE,)),
    Key("choose", "a", "choose", "add", "mark sessions, cases and runs in the list of all there are", (COMPARE,)),
    Key("pin", "b", "pin", "baseline", "compare everything with the selected row", (COMPARE,)),
    Key("unpin", "u", "unpin", "", "compare each with the no-compile case of its own workload again", (COMPARE,)),
    Key(
        "compared_export",
        "e",
        "export",
        "export",
        "write what is compared into files here: HTML and Markdown",
        (COMPARE,),
    ),
    Key("compared_sort", "s", "next_sort", "sort", "sort by the next column; then as they were marked", (COMPARE,)),
    Key("turn_sort", "S", "turn_sort", "", "sort the other way round", (COMPARE,)),
    Key("compared_typed", "slash", "type", "filter", "filter rows by words", (COMPARE, CHOOSE)),
    Key("drop", "d", "drop", "drop", "take the selected row off: files stay", (COMPARE,)),
    Key("compared_variant", "v", "next_variant", "variant", "one variant's rows, then the next one's", (COMPARE,)),
    Key("compared_clear", "0", "clear", "all", "show all: no filter", (COMPARE, CHOOSE)),
    Key("other_chart", "h", "other_chart", "other", "histogram or ECDF, where one fits at a time", (COMPARE,)),
    Key("compared_loop", "l", "next_loop", "loop", "the next denoising loop, of pipelines with several", (COMPARE,)),
    Key("compared_zoom", "z", "full_range", "", "full y range of the latencies, or the steady steps", (COMPARE,)),
    Key(
        "published",
        "p",
        "next_published",
        "publ.",
        "published it/s of each row's GPU: torch 2.0, nightly, none",
        (COMPARE,),
    ),
    Key("published_gpu", "P", "next_gpu", "", "published it/s of another GPU: the next one there is", (COMPARE,)),
    Key("compared_down", "J,space", "detail(1)", "", "scroll the details down", (COMPARE,)),
    Key("compared_up", "K", "detail(-1)", "", "scroll the details up", (COMPARE,)),
    Key("chosen", "enter", "done", "compare", "compare what is marked; of nothing the selected line", (CHOOSE,)),
    Key(
        "choose_unfold", "right", "unfold", "unfold", "unfold a session into its cases, a case into its runs", (CHOOSE,)
    ),
    Key("choose_fold", "left", "fold", "", "fold it again", (CHOOSE,)),
    Key("choose_none", "n", "none", "none", "take all marks off", (CHOOSE,)),
    Key("up", "up,k", "move(-1)", "", "up: newer events, or the line above", SCREENS),
    Key("down", "down,j", "move(1)", "", "down: older events, or the line below", SCREENS),
    Key("page_up", "pageup", "page(-1)", "", "a page up", SCREENS),
    Key("page_down", "pagedown", "page(1)", "", "a page down", SCREENS),
    Key("first", "home,g", "edge(-1)", "", "to the first line", SCREENS),
    Key("last", "end,G", "edge(1)", "", "to the last line", SCREENS),
    Key("cases_up", "left_square_bracket", "cases(-1)", "", "scroll the table of results up", (LIVE,)),
    Key("open", "enter", "open", "open", "open the session", (SESSIONS,)),
    Key("open_compared", "enter", "open", "", "open the session of the selected row", (COMPARE,)),
    Key("skip", "s", "skip", "skip run", "skip the run under way (asks first)", (LIVE,)),
    Key("stop", "x", "stop", "stop", "stop the session (asks first)", (LIVE, SESSIONS)),
    Key("step_back", "escape", "back", "back", "take the cursor off the chart, or back to the sessions", (LIVE,)),
    Key("back", "escape", "app.back", "back", "back to where one came from", (TRIGGERS, COMPARE, CHOOSE)),
    Key("leave", "i", "app.back", "", "back to where one came from", (TRIGGERS,)),
    Key("close_help", "escape,q,question_mark,f1,enter", "close", "close", "close this page", (HELP,)),
    Key("theme", "t", "app.theme", "", "dark or light colours", SCREENS),
    Key("redraw", "f5", "app.redraw", "", "draw the whole screen again", SCREENS),
    Key("yes", "y", "answer(True)", "yes", "yes", (ASKING,)),
    Key("no", "n,escape", "answer(False)", "no", "no", (ASKING,)),
    Key("help", "question_mark,f1", "app.help", "help", "this page", SCREENS),
    Key("quit", "q", "app.quit", "quit", "quit; the profiler keeps running", SCREENS),
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
        for key in keys_of(where)
        if key.short and key.action in possible
        for first in [key.keys.split(",")[0]]
    ]
