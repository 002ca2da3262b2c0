"""The keys that a replay has beside those of the Live screen."""

from __future__ import annotations

from tui.keys.model import REPLAY, Key

ONLY = (REPLAY,)

KEYS = (
    Key("replay_play", "space", "play", "play/pause", "play or pause; at the end: from the beginning", ONLY, hint=1),
    Key("replay_step_before", "left_square_bracket", "step(-1)", "", "a step back, and pause", ONLY),
    Key("replay_step", "right_square_bracket", "step(1)", "step", "a step on, and pause", ONLY, hint=2),
    Key("replay_compile_before", "left_curly_bracket", "compile(-1)", "", "to the compile before", ONLY),
    Key("replay_compile", "right_curly_bracket", "compile(1)", "compile", "to the next compile", ONLY, hint=3),
    Key("replay_slower", "comma", "speed(-1)", "", "play slower", ONLY),
    Key("replay_faster", "full_stop", "speed(1)", "faster", "play faster", ONLY, hint=4),
    Key("replay_begin", "home", "whole(-1)", "", "to the beginning of the session", ONLY),
    Key("replay_end", "end", "whole(1)", "", "to the end of the session", ONLY),
    Key("replay_first", "g", "edge(-1)", "", "to the newest event of the list", ONLY),
    Key("replay_last", "G", "edge(1)", "", "to the oldest event of the list", ONLY),
)
