"""The keys of the Compare screen."""

from __future__ import annotations

from tui.keys.model import COMPARE, Key

KEYS = (
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
