"""The row of a replay: where it is, how fast it plays, and a bar of the whole session."""

from __future__ import annotations

from itertools import groupby

from textual import events
from textual.message import Message

from tui.panels.lines import Panel
from tui.panels.rows import Part, Row, Rows, fitted, width_of
from tui.pictures.player import SHARES, Player, Playing, length_text, position, speed_text

SYMBOLS: dict[Playing, tuple[str, str]] = {
    "reading": ("…", "."),
    "playing": ("▸", ">"),
    "paused": ("■", "#"),
    "at the end": ("■", "#"),
    "up to now": ("▸", ">"),
}
"""Each with its one in ASCII."""

_WORDS = max(len(state) for state in SYMBOLS)
_SPEED = 6
LEAST_BAR = 8
GAP = "  "
COMPILE = "C"
"""On the bar, where a compile began: the letter that it has on the charts."""


class PlayerPanel(Panel[Player]):
    """One row. A click on the bar goes to that place of the session."""

    DEFAULT_CSS = "PlayerPanel { height: 1; }"

    class Sought(Message):
        """The user clicked on the bar: ``fraction`` of the whole session, 0 to 1."""

        def __init__(self, fraction: float) -> None:
            self.fraction = fraction
            super().__init__()

    def __init__(self, value: Player, *, ascii: bool = False) -> None:
        super().__init__(value, ascii=ascii)
        self._bar = range(0)  # the cells of the bar

    def lay_out(self, width: int, height: int) -> Rows:
        player = self.value
        symbol = SYMBOLS[player.state][self.ascii]
        length = length_text(player)
        parts: list[Part] = [
            ("replay" + GAP, "bold"),
            (f"{symbol} {player.state.ljust(_WORDS)} ", "accent" if player.state == "playing" else "warn"),
            (speed_text(player.speed).rjust(_SPEED) + GAP, ""),
            (position(player.at_s).rjust(len(position(player.length_s))), "bold"),
            (f" of {length}{GAP}", "quiet"),
        ]
        start = width_of(parts)
        self._bar = range(start, width) if width - start >= LEAST_BAR else range(0)
        return (fitted([*parts, *self._drawn(len(self._bar))], width, ascii=self.ascii),)

    def _drawn(self, cells: int) -> Row:
        """The bar: the part that was played is heavier, and compiles are letters on it."""
        full, rest = ("=", ".") if self.ascii else ("━", "─")
        filled = round(self.value.fraction * cells)
        marked = {share * cells // SHARES for share in self.value.compiles}
        drawn = [
            (COMPILE, "warn") if x in marked else (full, "accent") if x < filled else (rest, "faint")
            for x in range(cells)
        ]
        return tuple(
            ("".join(text for text, _ in run), style) for style, run in groupby(drawn, key=lambda part: part[1])
        )

    def on_click(self, event: events.Click) -> None:
        event.stop()
        if event.x in self._bar:
            self.post_message(self.Sought((event.x - self._bar.start) / max(len(self._bar) - 1, 1)))
