"""How the terminal is used, chosen by the command line, the environment or the config file; the defaults are here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

ColourMode = Literal["auto", "truecolor", "256", "16", "none"]

FASTEST_HZ, SLOWEST_HZ = 10.0, 0.2
"""Between these the refresh rate lies, whatever is asked for and whatever the link takes."""

USUAL_HZ = 4.0

LEAST_BYTES_PER_SECOND = 100
"""Below this the first picture of a small terminal, some 5 KB, would take minutes."""


@dataclass(frozen=True, slots=True)
class Settings:
    """One session of the screen.

    ``refresh_hz``: pictures a second at most; fewer where the link is slow. ``max_bytes_per_second``: what may be sent
    in the long run, None: as much as the link takes. ``unfocused_hz``: pictures a second while another window has the
    focus, as far as the terminal says so; 0: the screen stands still and says so. ``keys``: keys by the ids of
    bindings, as ``{"stop": "f9"}``, by Textual's names and with commas between several. ``theme``: a theme's name, "":
    by the terminal. ``plain``: lines of text instead of a screen.
    """

    ascii: bool = False
    colour: ColourMode = "auto"
    theme: str = ""
    mouse: bool = True
    refresh_hz: float = USUAL_HZ
    max_bytes_per_second: int | None = None
    unfocused_hz: float = 0.0
    plain: bool = False
    keys: Mapping[str, str] = field(default_factory=dict)
