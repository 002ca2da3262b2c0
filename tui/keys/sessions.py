"""The keys of the Sessions screen."""

from __future__ import annotations

from tui.keys.model import SESSIONS, Key

KEYS = (Key("open", "enter", "open", "open", "open the session", (SESSIONS,)),)
