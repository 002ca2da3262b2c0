"""What a binding is, and the names of the screens that have bindings."""

from __future__ import annotations

from dataclasses import dataclass

LIVE, SESSIONS, TRIGGERS, HELP, ASKING = "Live", "Sessions", "Triggers", "Help", "A question"
COMPARE, CHOOSE, NEW, REPLAY, PALETTE = "Compare", "Choose", "New", "Replay", "The command palette"
SCREENS = (LIVE, REPLAY, TRIGGERS, COMPARE, CHOOSE, SESSIONS, NEW)
"""Those with a footer, in the help page's order. Replay is Live on a session that is played again."""


@dataclass(frozen=True, slots=True)
class Key:
    """One binding. ``short`` is the word in the footer ("" keeps it out of there), ``long`` the help screen's line."""

    id: str
    keys: str  # comma-separated, as Textual names them
    action: str
    short: str
    long: str
    where: tuple[str, ...]
    hint: int = 50  # its place among the footer's words: lower ones come first, equal ones in the table's order
