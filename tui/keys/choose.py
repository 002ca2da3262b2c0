"""The keys of the list that chooses what is compared."""

from __future__ import annotations

from tui.keys.model import CHOOSE, Key

KEYS = (
    Key("choose_done", "enter", "done", "compare", "compare what is marked; of nothing the selected line", (CHOOSE,)),
    Key(
        "choose_unfold", "right", "unfold", "unfold", "unfold a session into its cases, a case into its runs", (CHOOSE,)
    ),
    Key("choose_fold", "left", "fold", "", "fold it again", (CHOOSE,)),
    Key("choose_none", "n", "none", "none", "take all marks off", (CHOOSE,)),
)
