"""What goes down the wire: only the cells that differ from what the terminal already shows.

Textual sends every region that was marked dirty whole, from the widget's left edge, with the full style of every piece,
whether or not it looks any different. Over SSH that is most of the traffic. So the app keeps a copy of what is on the
terminal, compares every update with it cell by cell and sends the difference, naming only what changes in the style.

It is also the last gate: every cell passes here, and no text that a widget was given steers the terminal. What is
written to it are printable characters, and the sequences that are made here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

from rich.cells import cell_len, get_character_cell_size
from rich.color import ColorSystem
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual._compositor import ChopsUpdate, CompositorUpdate, LayoutUpdate

_MOVE_BYTES = 4
"""About what it costs to jump over unchanged cells of a row (``ESC [ n C``); fewer cells than that are sent again."""

_ATTRIBUTES = ((0, "1"), (1, "2"), (2, "3"), (3, "4"), (4, "5"), (6, "7"), (7, "8"), (8, "9"))
"""Bit of a Rich style and its code: bold, dim, italic, underline, blink, reverse, conceal, strike."""

_OFF = {"1": "22", "2": "22", "3": "23", "4": "24", "5": "25", "7": "27", "8": "28", "9": "29"}
"""What turns an attribute off again; bold and dim go together."""


class Look(NamedTuple):
    """How a cell looks, in the codes that say so; equal looks are equal on the terminal."""

    attributes: str
    foreground: str
    background: str


PLAIN = Look("", "39", "49")
Cell = tuple[str, Look]
"""Text and look of one cell; the text of the second half of a wide character is empty."""

_MOST_MARKS = 4
"""Characters without a width that a cell may have beside its own: what a script needs, no pile that never ends."""

Span = tuple[int, int, list[Cell]]
"""Row, column and cells of a stretch of one row."""


class Memory:
    """What the terminal shows, as far as this process knows."""

    def __init__(self) -> None:
        self._rows: list[list[Cell | None]] = []

    def forget(self) -> None:
        """Somebody else wrote on the terminal, or it changed its size: everything has to be sent again."""
        self._rows = []

    def difference(self, spans: Iterable[Span]) -> str:
        """The codes that bring the terminal from what it shows to ``spans``; from then on that is what it shows."""
        pen = _Pen()
        for y, x, cells in spans:
            row = self._row(y, x + len(cells))
            for start, stop in _changed(row[x : x + len(cells)], cells):
                pen.draw(y, x + start, cells[start:stop])
            row[x : x + len(cells)] = cells
        return pen.result()

    def _row(self, y: int, width: int) -> list[Cell | None]:
        while len(self._rows) <= y:
            self._rows.append([])
        row = self._rows[y]
        if len(row) < width:
            row.extend([None] * (width - len(row)))
        return row


class ThriftyUpdate(CompositorUpdate):
    """A compositor's update that sends only what differs from ``memory``."""

    def __init__(self, update: ChopsUpdate | LayoutUpdate, memory: Memory) -> None:
        self._update = update
        self._memory = memory

    def render_segments(self, console: Console) -> str:
        system = console._color_system or ColorSystem.TRUECOLOR  # its public form is a name
        spans = (
            _chopped(self._update, system) if isinstance(self._update, ChopsUpdate) else _whole(self._update, system)
        )
        return self._memory.difference(spans)


def _whole(update: LayoutUpdate, system: ColorSystem) -> Iterator[Span]:
    left = update.region.x
    for y, line in enumerate(update.strips, update.region.y):
        yield y, left, cells_of((segment for strip in line for segment in strip), system)


def _chopped(update: ChopsUpdate, system: ColorSystem) -> Iterator[Span]:
    for y, first, last in update.spans:
        for end, (x, strip) in zip(update.chop_ends[y], update.chops[y].items(), strict=False):
            if strip is None or x >= last or end <= first:
                continue
            cells = cells_of(strip, system)
            start, stop = max(first - x, 0), min(last, end) - x
            if 0 < start < len(cells) and not cells[start][0]:
                start -= 1  # never begin inside a wide character
            yield y, x + start, cells[start:stop]


def cells_of(segments: Iterable[Segment], system: ColorSystem) -> list[Cell]:
    """One entry a cell; characters without a width belong to the cell before them.

    ``tui.safe`` has made visible what logs say. What has come here all the same and isn't printable takes the cells
    that the layout gave it: a blank or question marks, and none where it has no width.
    """
    cells: list[Cell] = []
    for text, style, control in segments:
        if control:
            continue
        look = look_of(style, system) if style is not None else PLAIN
        if text.isprintable() and (text.isascii() or (cell_len(text) == len(text) and all(map(_is_one_cell, text)))):
            cells.extend([(char, look) for char in text])
            continue
        for char in text:
            width = get_character_cell_size(char)
            if not char.isprintable():
                cells.extend([(" " if char.isspace() else "?", look)] * width)
            elif width == 0 and cells:
                if len(cells[-1][0]) <= _MOST_MARKS:
                    cells[-1] = (cells[-1][0] + char, cells[-1][1])
            elif width:
                cells.append((char, look))
                cells.extend([("", look)] * (width - 1))
    return cells


def _is_one_cell(char: str) -> bool:
    return get_character_cell_size(char) == 1


@lru_cache(maxsize=4096)
def look_of(style: Style, system: ColorSystem) -> Look:
    """The codes of a Rich style on a terminal that knows ``system``."""
    set_bits = style._attributes & style._set_attributes  # Rich tells of each of them alone in public
    attributes = ";".join(code for bit, code in _ATTRIBUTES if set_bits & (1 << bit))
    front, back = style.color, style.bgcolor
    return Look(
        attributes,
        ";".join(front.downgrade(system).get_ansi_codes()) if front is not None else PLAIN.foreground,
        ";".join(back.downgrade(system).get_ansi_codes(False)) if back is not None else PLAIN.background,
    )


def _changed(old: list[Cell | None], new: list[Cell]) -> Iterator[tuple[int, int]]:
    """The stretches of ``new`` that have to be sent."""
    if old == new:
        return
    start = stop = -1
    for here, cell in enumerate(new):
        if here < stop or not _differs(old[here], cell):
            continue
        # the second half of a wide character is sent with its first
        x = here - 1 if not cell[0] and here else here
        if start < 0:
            start = x
        elif x > stop and not _cheap_to_bridge(new[stop - 1], new[stop:x]):
            yield start, stop
            start = x
        stop = here + 1
        while stop < len(new) and not new[stop][0]:
            stop += 1
    if start >= 0:
        yield start, stop


def _differs(old: Cell | None, new: Cell) -> bool:
    if old is None or old[0] != new[0]:
        return True
    if old[1] == new[1]:
        return False
    # A blank shows its background and underline, reverse and the like; not its foreground.
    return new[0] != " " or old[1].background != new[1].background or old[1].attributes != new[1].attributes


def _cheap_to_bridge(before: Cell, gap: list[Cell]) -> bool:
    if len(gap) > _MOVE_BYTES:
        return False
    return all(cell[1] == before[1] for cell in gap) and sum(len(cell[0].encode()) for cell in gap) <= _MOVE_BYTES


class _Pen:
    """Writes cells, moving the cursor and changing the look as little as possible."""

    def __init__(self) -> None:
        self._out: list[str] = []
        self._look = PLAIN
        self._at: tuple[int, int] | None = None  # (row, column) of the cursor, None where terminals may disagree

    def draw(self, y: int, x: int, cells: list[Cell]) -> None:
        if self._at != (y, x):
            ahead = x - self._at[1] if self._at is not None and self._at[0] == y else -1
            self._out.append(f"\x1b[{ahead if ahead > 1 else ''}C" if ahead > 0 else f"\x1b[{y + 1};{x + 1}H")
        trusted = True
        for text, look in cells:
            if look != self._look and (text != " " or not _same_blank(look, self._look)):
                self._turn(look)
            self._out.append(text)
            # Terminals disagree about the width of what isn't one plain cell: say where to go on.
            trusted = trusted and len(text) == 1
        self._at = (y, x + len(cells)) if trusted else None

    def _turn(self, look: Look) -> None:
        self._out.append(f"\x1b[{min(_turned(self._look, look), _afresh(look), key=len)}m")
        self._look = look

    def result(self) -> str:
        if self._look != PLAIN:
            self._out.append("\x1b[0m")
        return "".join(self._out)


def _turned(now: Look, look: Look) -> str:
    """The codes of what differs between two looks. "" (equal looks) would mean a reset; nobody asks for that."""
    have, want = (set(each.attributes.split(";")) - {""} for each in (now, look))
    off = {_OFF[code] for code in have - want}
    on = want - have
    if "22" in off:
        on |= want & {"1", "2"}  # that turned off both
    codes = [*sorted(off), *sorted(on)]
    if look.foreground != now.foreground:
        codes.append(look.foreground)
    if look.background != now.background:
        codes.append(look.background)
    return ";".join(codes)


def _afresh(look: Look) -> str:
    """The codes of a look whatever the one before was."""
    codes = ["0", look.attributes]
    codes += [look.foreground] if look.foreground != PLAIN.foreground else []
    codes += [look.background] if look.background != PLAIN.background else []
    return ";".join(code for code in codes if code)


def _same_blank(one: Look, other: Look) -> bool:
    return one.background == other.background and one.attributes == other.attributes
