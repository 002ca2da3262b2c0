"""The list of sessions with a cursor, a table of which the first column stays, and what is known of one session."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from rich.cells import cell_len
from textual import events

from tui import safe
from tui.charts.palette import series_word, variant_style
from tui.messages import SortPicked
from tui.panels.lines import Panel
from tui.panels.rows import Part, Row, Rows, bar, fitted, spread, width_of
from tui.panels.triggers.choice import ChoicePanel
from tui.panels.triggers.detail import wrapped
from tui.pictures import words
from tui.pictures.listing import COLUMNS, SORTS, Listing, SessionLine, View, arranged, made_at
from tui.pictures.names import STATE_ASCII, STATE_STYLES, STATE_SYMBOLS

_GAP = 2
_TITLES = {"variants": "var."}
_READING = "reading"
_LEAST = 8
_SIGN = 3
"""Cells at the right end of the heading for the sign that there are more columns."""

_FAIR, _WIDE = 100, 160
"""Widths of the screen from which there is room for longer bars and words."""

EMPTY = (
    "no sessions yet: press {new} to make one, or leave with {quit} and type",
    "",
    "  stepscope demo            two minutes on this machine, of a tiny pipeline",
    "  stepscope run PIPELINE    what you want; 'stepscope pipelines' lists them",
)


@dataclass(frozen=True, slots=True)
class Shown:
    """The sessions there are and what the user chose to see of them."""

    listing: Listing = field(default_factory=Listing)
    view: View = field(default_factory=View)


class SessionsTitle(Panel[tuple[Shown, str]]):
    """How many sessions there are and run, what is left of them by a filter, what is marked; their order and home."""

    DEFAULT_CSS = "SessionsTitle { height: 1; }"

    def lay_out(self, width: int, height: int) -> Rows:
        shown, root = self.value
        lines, view = shown.listing.lines, shown.view
        parts: list[Part] = [("stepscope", "bold")]
        if lines:
            parts.append((f"  {words.count(len(lines), 'session')}", ""))
        running = sum(line.under_way for line in lines)
        if running:
            parts.append((f", {running} running", "accent"))
        if not shown.listing.complete:
            parts.append((", reading", "quiet"))
        if view.typed.strip():
            all_of_them = self.keyed("{sessions_all}")
            left = len(arranged(lines, view))
            parts.append((f"  filter {safe.line(view.typed.strip(), 60)}: {left} left, {all_of_them} all", "bold warn"))
        if view.marked:
            parts.append((f"  {len(view.marked)} marked", "bold accent"))
        order = f"{view.order}  " if len(lines) > 1 else ""
        right: list[Part] = [(order, "quiet"), (safe.line(root, 200), "quiet")]
        if width_of(parts) + width_of(right) + _GAP > width:
            right = [(order.rstrip(), "quiet")]  # the home is what can be missed
        return (spread(parts, right, width, ascii=self.ascii),)


class SessionsPanel(ChoicePanel[Shown, SessionLine]):
    """The cursor stays on its session when the list around it changes."""

    DEFAULT_CSS = "SessionsPanel { height: 1fr; }"
    _made_of: Shown | None = None
    _lines: tuple[SessionLine, ...] = ()
    _measured: tuple[tuple[int, int, str] | None, dict[str, int]] = (None, {})
    _measured_of: tuple[SessionLine, ...] = ()

    def items(self) -> Sequence[SessionLine]:
        if self._made_of is not self.value:
            self._made_of, self._lines = self.value, arranged(self.value.listing.lines, self.value.view)
        return self._lines

    def key_of(self, item: SessionLine) -> str:
        return item.session

    def lay_out(self, width: int, height: int) -> Rows:
        listing = self.value.listing
        if self.items():
            self._columns = self._fitting(width)
            return super().lay_out(width, height)
        if listing.error:
            lines, style = [listing.error], "bad"
        elif listing.lines:
            lines, style = [self.keyed("nothing matches: {sessions_all} shows all")], "warn"
        else:
            lines, style = (
                [self.keyed(line) for line in EMPTY] if listing.complete else ["reading the sessions"],
                "quiet",
            )
        return tuple(fitted([(line, style)], width, ascii=self.ascii) for line in lines[:height])

    # --- columns ---

    @property
    def hidden(self) -> tuple[bool, bool]:
        """Whether columns are hidden at the left, and whether not all fit at the right."""
        if not self.items():
            return False, False
        _, left, right = self._fitting(self.size.width)
        return left, right

    def _fitting(self, width: int) -> tuple[list[tuple[str, int]], bool, bool]:
        """The columns that are seen with their widths, and whether there are more at the left and at the right.

        They are as wide as their widest cell of all sessions, so that neither cursor nor filter moves a column.
        """
        widths = self._widths(width)
        first = min(widths["session"], max(16, width // 3)) + 2
        scrolled = min(self.value.view.scrolled, len(COLUMNS) - 2)
        columns, room = [("session", first)], width - first - _SIGN
        for name in COLUMNS[1 + scrolled :]:
            size = widths[name]
            room -= _GAP
            if size > room:
                # The last one may be cut with a sign; a few letters of one say nothing, but one there must be.
                if room >= _LEAST or len(columns) == 1:
                    columns.append((name, max(room, 0)))
                return columns, scrolled > 0, True
            columns.append((name, size))
            room -= size
        return columns, scrolled > 0, False

    def _widths(self, width: int) -> dict[str, int]:
        """How many cells each column would like on a screen of that width."""
        lines = self.value.listing.lines
        key = (id(lines), width, self.value.view.sort)
        if self._measured[0] != key:
            self._measured_of = lines  # held, so that no other list gets its id
            title = {name: len(_TITLES.get(name, name)) + 2 * (self.value.view.sort == name) for name in COLUMNS}
            found = {name: max(title[name], *(_WIDTHS[name](line, width) for line in lines)) for name in COLUMNS}
            self._measured = (key, found)
        return self._measured[1]

    def head(self, width: int, span: str) -> Row:
        columns, left, right = self._columns
        parts: list[Part] = []
        for number, (name, size) in enumerate(columns):
            title = ("  " if number == 0 else " " * _GAP) + self._title(name)
            style = "bold" if self.value.view.sort == name else "quiet"
            room = size + (_GAP if number else 0)
            last = number == len(columns) - 1
            parts.append(((safe.fit if last else safe.pad)(title, room, ascii=self.ascii), style))
            if number == 0 and left:
                parts[-1] = (safe.pad(title, size - 1, ascii=self.ascii) + "‹", style)
        end: list[Part] = [(span, "quiet")] if span else []
        if right:
            end.append((" ›" if span else "›", "quiet"))
        return spread(parts, end, width, ascii=self.ascii)

    def _title(self, name: str) -> str:
        view = self.value.view
        title = _TITLES.get(name, name)
        if view.sort != name or name == SORTS[0]:
            return title if view.sort != name or not view.turned else f"{title} ↑"
        return f"{title} {'↑' if view.turned else '↓'}"

    def row(self, item: SessionLine, width: int) -> list[Part]:
        columns, _, _ = self._columns
        marked = item.session in self.value.view.marked
        current = self.current
        sign = ">" if current is not None and current.session == item.session else " "
        style = "bold" if item.under_way else ""
        parts: list[Part] = [(sign, "bold accent"), ("*" if marked else " ", "bold accent")]
        parts.append((safe.pad(item.session, columns[0][1] - 2, ascii=self.ascii), style))
        for name, size in columns[1:]:
            cell = fitted(self._cell(item, name, width), size, ascii=self.ascii)
            parts += [(" " * _GAP, ""), *cell, (" " * (size - width_of(cell)), "")]
        return parts

    def on_click(self, event: events.Click) -> None:
        """A click on a heading sorts by it, one on a session selects it, a double click opens."""
        if event.y or not self.items():
            super().on_click(event)
            return
        end = 0
        for name, size in self._columns[0]:
            end += size + (_GAP if end else 0)
            if event.x < end:
                if name in SORTS:
                    self.post_message(SortPicked(name))
                return

    def _cell(self, line: SessionLine, name: str, width: int) -> Row:
        return _CELLS[name](line, width, self.ascii)


def _state(line: SessionLine, width: int, ascii: bool) -> Row:
    symbol = (STATE_ASCII if ascii else STATE_SYMBOLS).get(line.shown_state, " ")
    style = STATE_STYLES.get(line.shown_state, "")
    return ((f"{symbol} {line.shown_state}", style),)


def _bar_size(width: int) -> int:
    return 8 if width < _FAIR else 12 if width < _WIDE else 20


def _left_size(width: int) -> int:
    """Room for the longest estimate, so that no column moves with it: "a few seconds left", in brief "2 h 20 min"."""
    return 10 if width < _FAIR else 18


def _progress(line: SessionLine, width: int, ascii: bool) -> Row:
    """Of one under way how far it is and how long the rest takes; of others how long they took."""
    if line.under_way and line.going is None:
        return ((_READING, "quiet"),)
    if line.under_way and line.going is not None:
        left = line.going.left
        if width < _FAIR:
            left = left.removeprefix("about ").removeprefix("a ").removesuffix(" left").removeprefix("no estimate yet")
        bars = bar(line.going.fraction, _bar_size(width), ascii=ascii)
        return (*bars, (f" {int(line.going.fraction * 100):3d} % ", ""), (left, "quiet"))
    return (("copied", "warn"),) if line.copied else ((_took(line), "quiet"),)


def _about(line: SessionLine, width: int, ascii: bool) -> Row:
    """What goes on, or what is wrong; of one that is well over what was measured."""
    if line.under_way and line.going is not None:
        return ((line.going.doing, "warn" if line.going.waiting else "accent"),)
    if line.reason:
        return ((line.reason, STATE_STYLES.get(line.state, "")),)
    return ((line.about, "quiet"),)


def _took(line: SessionLine) -> str:
    return "" if line.under_way or line.seconds is None else words.seconds(max(line.seconds, 0.0))


def _runs(line: SessionLine) -> str:
    return line.runs + (f", {line.failed} failed" if line.failed else "")


def _variants(line: SessionLine, ascii: bool) -> Row:
    parts: list[Part] = []
    for variant in line.variants:
        parts += [(variant_style(variant).symbol(ascii=ascii), series_word(variant)), (" ", "")]
    return tuple(parts[:-1])


_CELLS: dict[str, Callable[[SessionLine, int, bool], Row]] = {
    "state": _state,
    "progress": _progress,
    "runs": lambda line, width, ascii: ((_runs(line), "warn" if line.failed else ""),),
    "age": lambda line, width, ascii: ((line.age, "quiet"),),
    "variants": lambda line, width, ascii: _variants(line, ascii),
    "pipeline": lambda line, width, ascii: ((line.pipeline, ""),),
    "device": lambda line, width, ascii: ((line.device, ""),),
    "about": _about,
}

_WIDTHS: dict[str, Callable[[SessionLine, int], int]] = {
    "session": lambda line, width: cell_len(line.session),
    "state": lambda line, width: 2 + cell_len(line.shown_state),
    "progress": lambda line, width: _bar_size(width) + 7 + _left_size(width) if line.under_way else len(_took(line)),
    "runs": lambda line, width: len(_runs(line)),
    "age": lambda line, width: len(line.age),
    "variants": lambda line, width: max(2 * len(line.variants) - 1, 0),
    "pipeline": lambda line, width: cell_len(line.pipeline),
    "device": lambda line, width: cell_len(line.device),
    "about": lambda line, width: width_of(_about(line, width, False)),
}
"""Cells that a line would like of each column, which takes no making of its cells."""


class SelectedPanel(Panel[SessionLine | None]):
    """The session under the cursor: what it measures, where and since when, and what goes on in it or is wrong."""

    DEFAULT_CSS = "SelectedPanel { height: 4; }"

    def lay_out(self, width: int, height: int) -> Rows:
        line = self.value
        if line is None:
            return ()
        rule: Row = ((("-" if self.ascii else "─") * width, "faint"),)
        symbols: list[Part] = []
        for variant in line.variants:
            symbols += [(f"{variant_style(variant).symbol(ascii=self.ascii)} ", series_word(variant))]
            symbols += [(variant, ""), ("  ", "")]
        made = made_at(line)
        about = ", ".join(filter(None, (f"on {line.device}" if line.device else "", f"made {made}" if made else "")))
        rows: list[Row] = [
            ((line.session, "bold"), ("  ", ""), (line.about or line.pipeline, "")),
            (*symbols, (about, "quiet")),
        ]
        if not (symbols or about):
            rows.pop()  # nothing of it can be read: there is more room for why
        text, style = _goes_on(line)
        room = max(1, height - 1 - len(rows))
        lines = list(wrapped(text, width))
        if len(lines) > room:
            lines[room - 1 :] = [" ".join(lines[room - 1 :])]
        rows += [((text, style),) for text in lines]
        return (rule, *(fitted(row, width, ascii=self.ascii) for row in rows))[:height]


def _goes_on(line: SessionLine) -> Part:
    if line.under_way and line.going is not None:
        left = f"{line.going.left}; " if line.going.left else ""
        return left + line.going.doing, "warn" if line.going.waiting else "accent"
    said = line.shown_state
    if line.copied:
        said += " when it was last heard of: made on another machine or before a restart"
    elif not line.under_way and line.seconds is not None:
        said += f" after {words.seconds(max(line.seconds, 0.0))}"
    if line.runs and not line.under_way:
        ended, _, runs = line.runs.partition("/")
        said += f", {ended} of {words.count(int(runs), 'run')}"
        said += f", {line.failed} failed" if line.failed else ""
    return said + (f": {line.reason}" if line.reason else ""), STATE_STYLES.get(line.state, "quiet")
