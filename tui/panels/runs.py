"""The list of runs, where there is room for one."""

from __future__ import annotations

from tui import safe
from tui.panels.lines import Panel
from tui.panels.rows import Part, Row, Rows, fitted
from tui.pictures.progress import RunLine


class RunsPanel(Panel[tuple[RunLine, ...]]):
    """A title and the runs; of more than fit, those around the first that hasn't ended."""

    DEFAULT_CSS = "RunsPanel { height: auto; }"

    def lay_out(self, width: int, height: int) -> Rows:
        room = max(0, height - 1)
        first = self._first(room)
        seen = self.value[first : first + room]
        title = f"  {first + 1}-{first + len(seen)} of {len(self.value)}" if len(seen) < len(self.value) else ""
        head = fitted([("runs", "bold"), (title, "quiet")], width, ascii=self.ascii)
        label = min(max((len(run.label) for run in self.value), default=0), width // 2)
        return (head, *(self._row(run, label, width) for run in seen))

    def _first(self, room: int) -> int:
        open_ones = [number for number, run in enumerate(self.value) if run.state_style == "accent"]
        middle = open_ones[0] if open_ones else 0
        return max(0, min(middle - room // 2, len(self.value) - room))

    def _row(self, run: RunLine, label: int, width: int) -> Row:
        symbol = run.symbol_ascii if self.ascii else run.symbol
        parts: list[Part] = [
            (f"{symbol} ", run.label_style),
            (safe.pad(run.label, label, ascii=self.ascii) + "  ", ""),
            (run.state, run.state_style),
        ]
        return fitted(parts, width, ascii=self.ascii)
