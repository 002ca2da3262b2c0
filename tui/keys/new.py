"""The keys of the New screen. While a field is edited they are letters of its text: enter keeps it, esc undoes."""

from __future__ import annotations

from tui.keys.model import NEW, Key

KEYS = (
    Key("new_start", "r", "start", "start", "start the session; the profiler runs on by itself", (NEW,), hint=10),
    Key(
        "new_edit",
        "enter",
        "edit",
        "edit",
        "edit the field: enter keeps what is typed, esc undoes it",
        (NEW,),
        hint=20,
    ),
    Key("new_next", "right,l", "change(1)", "change", "the field's next choice", (NEW,), hint=30),
    Key("new_previous", "left,h", "change(-1)", "", "the field's choice before", (NEW,)),
    Key("new_toggle", "space", "flip", "toggle", "switch the choice on or off", (NEW,), hint=40),
    Key("new_default", "u,backspace", "default", "default", "the field's default again", (NEW,), hint=50),
    Key("new_clear", "D", "clear", "", "the defaults of all fields again (asks first)", (NEW,)),
    Key("new_find", "slash", "find", "find", "type to find a pipeline of the catalogue", (NEW,), hint=60),
    Key("new_more", "m", "more", "more", "unfold the fields that are rarely changed, or fold them", (NEW,), hint=55),
    Key("new_copy", "y", "copy", "copy", "copy the command that does the same", (NEW,), hint=45),
)
