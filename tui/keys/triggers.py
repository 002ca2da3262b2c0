"""The keys of the Triggers screen."""

from __future__ import annotations

from tui.keys.model import TRIGGERS, Key

KEYS = (
    Key(
        "triggers_enter",
        "enter",
        "enter",
        "",
        "unfold a trigger; of one occurrence show the step on Live's chart",
        (TRIGGERS,),
    ),
    Key("triggers_unfold", "right", "unfold", "unfold", "unfold a trigger into its occurrences", (TRIGGERS,)),
    Key("triggers_fold", "left", "fold", "", "fold it again", (TRIGGERS,)),
    Key("triggers_chart", "l", "show_step", "chart", "look at the step that it held up on Live's chart", (TRIGGERS,)),
    Key("triggers_all", "a", "clear", "all", "show all: no filter", (TRIGGERS,)),
    Key("triggers_view", "tab", "next_view(1)", "view", "the next view: causes, side by side, waterfall", (TRIGGERS,)),
    Key("triggers_view_before", "shift+tab", "next_view(-1)", "", "the view before", (TRIGGERS,)),
    Key("triggers_left", "left_square_bracket", "next_side('left')", "left", "choose the left one", (TRIGGERS,)),
    Key("triggers_right", "right_square_bracket", "next_side('right')", "right", "choose the right one", (TRIGGERS,)),
    Key(
        "triggers_filter",
        "slash",
        "type",
        "filter",
        "filter by words: module, argument, guard, what to do",
        (TRIGGERS,),
    ),
    Key(
        "triggers_run",
        "r",
        "next_value('run')",
        "run",
        "one run's, then the next; in the waterfall: which",
        (TRIGGERS,),
    ),
    Key("triggers_variant", "v", "next_value('variant')", "", "one variant's, then the next one's", (TRIGGERS,)),
    Key("triggers_class", "c", "next_value('cause')", "", "one class of causes, then the next one", (TRIGGERS,)),
    Key("triggers_module", "m", "next_value('module')", "", "one module's, then the next one's", (TRIGGERS,)),
    Key("triggers_sort", "s", "next_sort", "sort", "sort by what it cost, by how often it came, by when", (TRIGGERS,)),
    Key(
        "triggers_copy",
        "y",
        "copy",
        "copy",
        "copy what to do to the clipboard (in tmux: set-clipboard on)",
        (TRIGGERS,),
    ),
    Key(
        "triggers_export",
        "e",
        "export",
        "export",
        "write the triggers seen into a file here, as text for people",
        (TRIGGERS,),
    ),
    Key("triggers_down", "J,space", "detail(1)", "", "scroll the details down", (TRIGGERS,)),
    Key("triggers_up", "K,b", "detail(-1)", "", "scroll the details up", (TRIGGERS,)),
    Key("triggers_leave", "i", "app.back", "", "back to where one came from", (TRIGGERS,)),
)
