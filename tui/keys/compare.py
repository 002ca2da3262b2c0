"""The keys of the Compare screen."""

from __future__ import annotations

from tui.keys.model import COMPARE, Key

KEYS = (
    Key(
        "compared_view",
        "tab",
        "next_view(1)",
        "view",
        "the next view: table, latency, distribution, memory, speed-up, break-even, images",
        (COMPARE,),
    ),
    Key("compared_view_before", "shift+tab", "next_view(-1)", "", "the view before", (COMPARE,)),
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
    Key("drop", "d", "drop", "drop", "take the selected row off: files stay", (COMPARE,)),
    Key("compared_variant", "v", "next_variant", "variant", "one variant's rows, then the next one's", (COMPARE,)),
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
    Key("open_compared", "enter", "open", "", "open the session of the selected row", (COMPARE,)),
)
