"""The keys of the Live screen."""

from __future__ import annotations

from tui.keys.model import LIVE, REPLAY, Key

BOTH = (LIVE, REPLAY)

KEYS = (
    Key("chart", "tab,c", "next_chart", "chart", "show the other chart (where one fits at a time)", BOTH),
    Key("next_mark", "n", "next_mark(1)", "mark", "to the chart's next mark: which step, how long and why", BOTH),
    Key("mark_before", "N", "next_mark(-1)", "", "to the mark before", BOTH),
    Key("cases_down", "J", "cases(1)", "results", "scroll the table of results down", BOTH),
    Key(
        "repeat",
        "r",
        "next_repeat",
        "repeat",
        "choose which repeat the step chart shows: the newest, 1, 2",
        BOTH,
    ),
    Key("zoom", "z", "full_range", "range", "full y range with the compile spikes, or the steady steps", BOTH),
    Key("group", "w", "next_group", "workload", "choose which workload the step chart shows", BOTH),
    Key("loop", "l", "next_loop", "loop", "choose which denoising loop the step chart shows", BOTH),
    Key("legs", "f", "fold_legs", "legs", "show a scenario's legs in the results, or hide them", BOTH),
    Key("cases_up", "K", "cases(-1)", "", "scroll the table of results up", BOTH),
    Key("skip", "s", "skip", "skip run", "skip the run under way (asks first)", (LIVE,)),
    Key("step_back", "escape", "back", "back", "take the cursor off the chart, or back to the sessions", BOTH, hint=90),
)
