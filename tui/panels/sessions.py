"""The list of sessions with a cursor."""

from __future__ import annotations

from rich.cells import cell_len
from textual import events

from tui import safe
from tui.charts.palette import variant_style
from tui.messages import SessionPicked
from tui.panels.lines import Panel
from tui.panels.rows import Part, Row, Rows, fitted, spread, width_of
from tui.pictures.listing import Listing, SessionLine
from tui.pictures.names import STATE_ASCII, STATE_STYLES, STATE_SYMBOLS

_STATE, _AGE = 13, 12
EMPTY = "no sessions yet: 'stepscope demo' or 'stepscope run PIPELINE' makes one"


class SessionsPanel(Panel[Listing]):
    """The cursor stays on its session when the list around it changes."""

    DEFAULT_CSS = "SessionsPanel { height: 1fr; }"
    _cursor = 0
    _marked: tuple[str, ...] = ()

    @property
    def marked(self) -> tuple[str, ...]:
        """The marked sessions that there still are, in the order in which they were marked."""
        present = {line.session for line in self.value.lines}
        return tuple(session for session in self._marked if session in present)

    def toggle(self) -> None:
        """Mark the session under the cursor, or take its mark off."""
        current = self.current
        if current is not None:
            rest = tuple(session for session in self._marked if session != current.session)
            self._marked = rest if rest != self._marked else (*rest, current.session)
            self.lay_out_again()

    @property
    def current(self) -> SessionLine | None:
        """The session under the cursor."""
        lines = self.value.lines
        return lines[min(self._cursor, len(lines) - 1)] if lines else None

    def put(self, value: Listing) -> None:
        current = self.current
        # Until it was moved, the cursor is on the first line, whichever that turns out to be.
        if current is not None and self._cursor:
            places = (number for number, line in enumerate(value.lines) if line.session == current.session)
            self._cursor = next(places, min(self._cursor, max(0, len(value.lines) - 1)))
        super().put(value)

    def move(self, lines: int) -> None:
        """Move the cursor, not beyond either end."""
        cursor = min(max(self._cursor + lines, 0), max(0, len(self.value.lines) - 1))
        if cursor != self._cursor:
            self._cursor = cursor
            self.lay_out_again()

    @property
    def page(self) -> int:
        return max(1, self.size.height - 1)

    def on_click(self, event: events.Click) -> None:
        """A click moves the cursor, a double click opens."""
        lines = self.value.lines
        row = self._first(len(lines)) + event.y - 1
        if event.y >= 1 and row < len(lines):
            self.move(row - self._cursor)
            if event.chain == 2:
                self.post_message(SessionPicked(lines[row].session))

    def on_mouse_scroll_down(self, _: events.MouseScrollDown) -> None:
        self.move(1)

    def on_mouse_scroll_up(self, _: events.MouseScrollUp) -> None:
        self.move(-1)

    def _first(self, total: int) -> int:
        room = max(1, self.size.height - 1)
        return max(0, min(self._cursor - room // 2, total - room))

    def lay_out(self, width: int, height: int) -> Rows:
        lines = self.value.lines
        if not lines:
            text = self.value.error or (EMPTY if self.value.complete else "reading the sessions")
            return (fitted([(text, "bad" if self.value.error else "quiet")], width, ascii=self.ascii),)
        room = max(1, height - 1)
        first = self._first(len(lines))
        seen = lines[first : first + room]
        name = max(12, min(width // 3, 2 + max(cell_len(line.session) for line in seen)))
        # Room for the longest, so that scrolling moves no column.
        runs = 2 + max(cell_len(text) for text in ("runs", *map(_runs, lines)))
        where = f"{first + 1}-{first + len(seen)} of {len(lines)}" if len(seen) < len(lines) else ""
        head = self._head(name, runs, width, where)
        return (head, *(self._row(line, name, runs, width, first + n == self._cursor) for n, line in enumerate(seen)))

    def _head(self, name: int, runs: int, width: int, where: str) -> Row:
        columns = [("  session", name + 2), ("state", _STATE), ("runs", runs), ("age", _AGE)]
        parts = [(safe.pad(text, size, ascii=self.ascii), "quiet") for text, size in columns]
        about = "variants and pipeline"
        return spread([*parts, (about, "quiet")], [(where, "quiet")] if where else [], width, ascii=self.ascii)

    def _row(self, line: SessionLine, name: int, runs: int, width: int, current: bool) -> Row:
        symbol = (STATE_ASCII if self.ascii else STATE_SYMBOLS).get(line.state, " ")
        style = STATE_STYLES.get(line.state, "")
        parts: list[Part] = [
            (f"{'>' if current else ' '}{'*' if line.session in self._marked else ' '}", "bold accent"),
            (safe.pad(line.session, name, ascii=self.ascii), "bold" if current or line.under_way else ""),
            (safe.pad(f"{symbol} {line.state}", _STATE, ascii=self.ascii), style),
            (safe.pad(_runs(line), runs, ascii=self.ascii), "warn" if line.failed else ""),
            (safe.pad(line.age, _AGE, ascii=self.ascii), "quiet"),
        ]
        if line.copied:
            parts.append(("copied ", "warn"))
        parts += [
            (f"{variant_style(variant).symbol(ascii=self.ascii)} ", f"series:{variant}") for variant in line.variants
        ]
        parts.append((line.pipeline, ""))
        if line.device:
            parts.append((f" on {line.device}", "quiet"))
        if line.reason:
            parts.append((f"  {line.reason}", "bad"))
        row = fitted(parts, width, ascii=self.ascii)
        if not current:
            return row
        return tuple((text, f"{style} reverse".strip()) for text, style in (*row, (" " * (width - width_of(row)), "")))


def _runs(line: SessionLine) -> str:
    return line.runs + (f", {line.failed} failed" if line.failed else "")
