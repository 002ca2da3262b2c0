"""The keys of the Compare screen."""

from __future__ import annotations

from tui.keys.model import COMPARE, Key

KEYS = (
    Key(
        "compare_view",
        "tab",
        "next_view(1)",
        "view",
        "the next view: table, latency, distribution, memory, speed-up, break-even, images",
        (COMPARE,),
    ),
    Key("compare_view_before", "shift+tab", "next_view(-1)", "", "the view before", (COMPARE,)),
    Key("compare_add", "a", "choose", "add", "mark sessions, cases and runs in the list of all there are", (COMPARE,)),
    Key("compare_baseline", "b", "pin", "baseline", "compare everything with the selected row", (COMPARE,)),
    Key(
        "compare_unpin", "u", "unpin", "", "compare each with the no-compile case of its own workload again", (COMPARE,)
    ),
    Key(
        "compare_export",
        "e",
        "export",
        "export",
        "write what is compared into files here: HTML and Markdown",
        (COMPARE,),
    ),
    Key("compare_sort", "s", "next_sort", "sort", "sort by the next column; then as they were marked", (COMPARE,)),
    Key("compare_turn", "S", "turn_sort", "", "sort the other way round", (COMPARE,)),
    Key(
        "compare_columns_right",
        "L,shift+right",
        "columns(1)",
        "columns",
        "the table's columns that have no room",
        (COMPARE,),
    ),
    Key("compare_columns_left", "H,shift+left", "columns(-1)", "", "the table's columns before", (COMPARE,)),
    Key("compare_drop", "d", "drop", "drop", "take the selected row off: files stay", (COMPARE,)),
    Key("compare_variant", "v", "next_variant", "variant", "one variant's rows, then the next one's", (COMPARE,)),
    Key("compare_other", "h", "other_chart", "other", "histogram or ECDF, where one fits at a time", (COMPARE,)),
    Key("compare_loop", "l", "next_loop", "loop", "the next denoising loop, of pipelines with several", (COMPARE,)),
    Key("compare_range", "z", "full_range", "", "full y range of the latencies, or the steady steps", (COMPARE,)),
    Key(
        "compare_published",
        "p",
        "next_published",
        "publ.",
        "published it/s of each row's GPU: torch 2.0, nightly, none",
        (COMPARE,),
    ),
    Key("compare_gpu", "P", "next_gpu", "", "published it/s of another GPU: the next one there is", (COMPARE,)),
    Key("compare_down", "J,space", "detail(1)", "", "scroll the details down", (COMPARE,)),
    Key("compare_up", "K", "detail(-1)", "", "scroll the details up", (COMPARE,)),
    Key("compare_open", "enter", "open", "", "open the session of the selected row", (COMPARE,)),
)
