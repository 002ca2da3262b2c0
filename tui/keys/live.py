"""The keys of the Live screen. Digits go to other screens, but for 0; letters in capitals are for the table."""

from __future__ import annotations

from tui.keys.model import LIVE, REPLAY, Key

BOTH = (LIVE, REPLAY)

KEYS = (
    Key("chart", "tab,c", "next_chart", "chart", "the next chart of those that share a place", BOTH, hint=30),
    Key("chart_before", "shift+tab,C", "chart_before", "", "the chart before", BOTH),
    Key(
        "next_mark",
        "n",
        "next_mark(1)",
        "mark",
        "to the chart's next mark: which step, how long and why",
        BOTH,
        hint=35,
    ),
    Key("mark_before", "N", "next_mark(-1)", "", "to the mark before", BOTH),
    Key(
        "step_on",
        "right",
        "cursor(1)",
        "cursor",
        "move the cursor a step on: what every case took there",
        BOTH,
        hint=40,
    ),
    Key("step_before", "left", "cursor(-1)", "", "move the cursor a step back", BOTH),
    Key("steps_on", "shift+right", "cursor(10)", "", "move the cursor ten steps on", BOTH),
    Key("steps_before", "shift+left", "cursor(-10)", "", "move the cursor ten steps back", BOTH),
    Key(
        "zoom_in",
        "plus,equals_sign",
        "zoom(2)",
        "zoom",
        "see x nearer, around the cursor or what is new",
        BOTH,
        hint=42,
    ),
    Key("zoom_out", "minus", "zoom(0.5)", "", "see more of x", BOTH),
    Key("pan_left", "less_than_sign", "pan(-1)", "", "to what lies left of what is seen of x", BOTH),
    Key("pan_right", "greater_than_sign", "pan(1)", "", "to what lies right of it", BOTH),
    Key("all_x", "0", "all_x", "all", "see all of x again", BOTH, hint=41),
    Key("pause", "space", "pause", "pause", "let the screen stand still, or go on; the job goes on", (LIVE,), hint=43),
    Key("axis", "a", "axis", "time", "steps over the session's own time, or on the slots of calls", BOTH, hint=44),
    Key("overlay", "o", "overlay", "overlay", "every call over every other, or one after the other", BOTH, hint=45),
    Key("log", "y", "log", "log", "a logarithmic y axis, with the compile spikes, or a linear one", BOTH, hint=46),
    Key("zoom", "z", "full_range", "range", "full y range with the compile spikes, or the steady steps", BOTH, hint=47),
    Key("cases_down", "J", "cases(1)", "results", "scroll the table of results down", BOTH),
    Key("cases_up", "K", "cases(-1)", "", "scroll the table of results up", BOTH),
    Key("cases_right", "L", "columns(1)", "columns", "the table's columns that have no room", BOTH),
    Key("cases_left", "H", "columns(-1)", "", "the table's columns before", BOTH),
    Key("legs", "f", "fold_legs", "legs", "show a scenario's legs in the results, or hide them", BOTH),
    Key("repeat", "r", "next_repeat", "repeat", "choose which repeat the step chart shows: the newest, 1, 2", BOTH),
    Key("group", "w", "next_group", "workload", "choose which workload the step chart shows", BOTH),
    Key("loop", "l", "next_loop", "loop", "choose which denoising loop the step chart shows", BOTH),
    Key("skip", "s", "skip", "skip run", "skip the run under way (asks first)", (LIVE,)),
    Key("step_back", "escape", "back", "back", "take the cursor off the chart, or back to the sessions", BOTH, hint=90),
)
