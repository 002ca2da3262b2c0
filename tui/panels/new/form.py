"""The fields of the form with a cursor, and beside or below them what is known of the field under it."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, field, replace

from rich.cells import cell_len
from textual import events

from tui import safe
from tui.charts.palette import series_word
from tui.messages import LinePicked
from tui.panels.lines import Panel
from tui.panels.rows import Part, Row, Rows, fitted, spread, width_of
from tui.pictures.new.editing import Edit, matches
from tui.pictures.new.fields import BY_NAME, FIELDS, Field, about_choice, about_chosen, explained
from tui.pictures.new.form import Form, chosen, seen_fields
from tui.pictures.new.outcome import NewPicture

_LABEL = 17
_BESIDE = 100
"""From this width on the explanation is beside the fields, else below them."""

_LEFT = 64
_WITH_HEADINGS = 26
"""From this height on the groups have headings."""

_EVERY_ROW = len(FIELDS) + len({each.group for each in FIELDS})


@dataclass(frozen=True)
class FormView:
    """``inner`` is the place among the choices of a field of several; ``edit`` what is being typed into the field.

    ``unfolded`` is what a key asked for; None: what ``room``, the rows that there are for fields, allows.
    """

    form: Form = field(default_factory=Form)
    picture: NewPicture = field(default_factory=NewPicture)
    cursor: str = "pipeline"
    inner: int = 0
    edit: Edit | None = None
    unfolded: bool | None = None
    room: int = 0
    unfold_key: str = "m"

    @property
    def fields(self) -> tuple[Field, ...]:
        return seen_fields(self.form, self.open)

    @property
    def open(self) -> bool:
        """Whether the fields that are rarely changed are seen: where all have room nobody has to ask for them."""
        if self.unfolded is not None:
            return self.unfolded
        return self.room >= _EVERY_ROW

    @property
    def current(self) -> Field:
        """The field under the cursor."""
        return BY_NAME[self.cursor]

    def usual(self, of: Field) -> str:
        """What a field stands at while it isn't changed."""
        return self.picture.usual.get(of.name, explained(of.name).default)


class FormPanel(Panel[FormView]):
    """Posts ``LinePicked`` when a click went to another field."""

    DEFAULT_CSS = "FormPanel { height: 1fr; }"

    def __init__(self, value: FormView, *, ascii: bool = False) -> None:
        super().__init__(value, ascii=ascii)
        self._rows_of: list[str] = []  # the field that each row shows, "" of headings
        self._first = 0  # the line at the top

    @property
    def page(self) -> int:
        return max(1, len(self._rows_of) - 1)

    def field_at(self, row: int) -> str:
        """The field that a row shows, "" where it shows none."""
        return self._rows_of[row] if 0 <= row < len(self._rows_of) else ""

    def on_click(self, event: events.Click) -> None:
        name = self.field_at(event.y)
        if name:
            self.post_message(FieldPicked(name, self._choice_at(BY_NAME[name], event.x), opened=event.chain == 2))

    def _choice_at(self, of: Field, x: int) -> int:
        """The place of the choice of a field of several that column ``x`` shows; the first one where none is there."""
        if of.kind != "several":
            return 0
        width = self.size.width
        room = (width if width < _BESIDE else max(_LEFT, width * 2 // 5) - 2) - 2 - _LABEL
        end = 2 + _LABEL
        chips = self._chips(of, False, room)
        for number in range(len(chips) // 3):
            end += width_of(chips[3 * number : 3 * number + 3])
            if x < end:
                return number
        return 0

    def _fit(self) -> None:
        view = replace(self._value, room=_room(*self.size))
        if view.cursor not in (each.name for each in view.fields):
            view = replace(view, unfolded=True)  # the cursor stays where it is, and what is being typed there
        self._value = view
        super()._fit()

    def lay_out(self, width: int, height: int) -> Rows:
        if width >= _BESIDE:
            left = max(_LEFT, width * 2 // 5)
            rows, where = self._list(left - 2, height)
            about = self._about(width - left, height, where)
            return tuple(
                (*_padded(rows[y] if y < len(rows) else (), left), *(about[y] if y < len(about) else ()))
                for y in range(height)
            )
        below = height - _room(width, height)
        rows, where = self._list(width, height - below)
        blank: Rows = ((),) * (height - below - len(rows))
        return (*rows, *blank, *self._about(width, below, where))

    # --- the fields ---

    def _list(self, width: int, height: int) -> tuple[Rows, str]:
        """The rows around the cursor, and which of all they are, "" where they are all."""
        fields = self.value.fields
        lines: list[Field | str] = []
        for number, each in enumerate(fields):
            if height >= _WITH_HEADINGS and (number == 0 or fields[number - 1].group != each.group):
                lines.append(each.group)
            lines.append(each)
        folded = len(FIELDS) - len(fields)
        if not self.value.open and folded:
            lines.append(f"{self.value.unfold_key} unfolds {folded} more")
        place = next(
            (n for n, line in enumerate(lines) if isinstance(line, Field) and line.name == self.value.cursor), 0
        )
        self._first = first = _scrolled(self._first, place, height, len(lines))
        seen = lines[first : first + height]
        self._rows_of = [line.name if isinstance(line, Field) else "" for line in seen]
        where = f"{first + 1}-{first + len(seen)} of {len(lines)}" if len(seen) < len(lines) else ""
        return tuple(self._row(line, width) for line in seen), where

    def _row(self, line: Field | str, width: int) -> Row:
        if isinstance(line, str):
            return fitted([(line, "quiet")], width, ascii=self.ascii)
        view = self.value
        here = line.name == view.cursor
        wrong = bool(view.picture.fault) and view.picture.fault_field == line.name
        changed = line.name in view.form.texts
        sign, style = ("!", "bold bad") if wrong else ("*", "bold accent") if changed else (" ", "")
        start: list[Part] = [
            (">" if here else " ", "bold accent"),
            (sign, style),
            (safe.pad(line.label, _LABEL, ascii=self.ascii), "bold" if here else ""),
        ]
        return self._cut([*start, *self._value_of(line, here, wrong, changed, width - 2 - _LABEL)], width)

    def _cut(self, row: list[Part], width: int) -> Row:
        return fitted(row, width, ascii=self.ascii)

    def _value_of(self, of: Field, here: bool, wrong: bool, changed: bool, room: int) -> list[Part]:
        view = self.value
        if here and view.edit is not None:
            return _typed(view.edit, safe.line(view.form.text(of.name) or view.usual(of), 200), room)
        if of.kind == "several":
            return self._chips(of, here, room)
        shown = safe.line(view.form.text(of.name) or view.usual(of), 400)
        style = "bad" if wrong else "bold" if changed else "quiet"
        can_turn = here and of.kind not in ("text", "wholes", "table")
        parts: list[Part] = [("‹ ", "accent"), (shown, style), (" ›", "accent")] if can_turn else [(shown, style)]
        if of.unit and _is_number(shown):
            parts.insert(2 if can_turn else 1, (f" {of.unit}", "quiet"))
        return parts

    def _chips(self, of: Field, here: bool, room: int) -> list[Part]:
        """The choices of a field of several, those switched on with a mark; names are cut where there is no room."""
        view = self.value
        on = chosen(view.form, of)
        names = view.form.choices(of)
        long = sum(len(name) + 3 for name in names) <= room
        parts: list[Part] = []
        for number, name in enumerate(names):
            mark = ("[x]" if name in on else "[ ]") if self.ascii else ("■ " if name in on else "□ ")
            style = series_word(name) if of.name == "variants" else ""
            under = " reverse" if here and number == view.inner else ""
            quiet = "" if name in on else "quiet"
            short = name if long else name.replace("regional-compile", "regional")
            parts += [(mark, f"{style if name in on else quiet}{under}".strip()), (short, f"{quiet}{under}".strip())]
            parts.append((" ", ""))
        return parts

    # --- about the field under the cursor ---

    def _about(self, width: int, height: int, where: str) -> Rows:
        view = self.value
        of = view.current
        told = explained(of.name)
        option = f"{told.option} {told.metavar}".strip()
        title: list[Part] = [(option, "bold"), (f"  default: {view.usual(of)}", "quiet")]
        head = spread(title, [(where, "quiet")] if where else [], width, ascii=self.ascii)
        wrong = bool(view.picture.fault) and view.picture.fault_field == of.name
        known = self._choices(of)
        tall = height > 8
        rows: list[Row] = [head]
        now = known[at] if 0 <= (at := self._at(known)) < len(known) else ""
        about = about_chosen(of.name, now) if of.kind != "several" else ""
        for text, style in (
            ((view.picture.fault, "bad"),) if wrong else ((about, ""), (told.text, "quiet" if about else ""))
        ):
            room = 6 if tall else height - len(rows) - bool(known)
            if text and room > 0:
                rows += _wrapped(text, width, style, room, ascii=self.ascii)
        if known and tall:
            rows += [(), *self._choice_rows(of, known, width, height - len(rows) - 1)]
        elif known:
            rows.append(self._choice_line(known, width))
        return tuple(rows[:height])

    def _choices(self, of: Field) -> tuple[str, ...]:
        """What there is to choose: while something is typed what it fits."""
        view = self.value
        known = view.form.choices(of)
        return matches(known, view.edit.text) if view.edit is not None else known

    def _at(self, known: tuple[str, ...]) -> int:
        """The place of the choice that holds or would be taken, -1 where it is none of them."""
        view = self.value
        if view.edit is not None:
            return view.edit.picked if view.edit.picked is not None else 0 if view.edit.text else -1
        now = view.form.text(view.cursor) or view.usual(view.current)
        return known.index(now) if now in known else -1

    def _choice_rows(self, of: Field, known: tuple[str, ...], width: int, room: int) -> list[Row]:
        at = self._at(known)
        first = max(0, min(at - room // 2, len(known) - room))
        longest = max(map(cell_len, known)) + 2
        rows: list[Row] = []
        for number, name in enumerate(known[first : first + room], start=first):
            style = "bold accent" if number == at and of.kind != "several" else ""
            sign = "> " if number == at and of.kind != "several" else "  "
            parts = [
                (sign, style),
                (safe.pad(name, longest, ascii=self.ascii), style),
                (about_choice(of.name, name), "quiet"),
            ]
            rows.append(self._cut(parts, width))
        return rows

    def _choice_line(self, known: tuple[str, ...], width: int) -> Row:
        """The choices in one row, from a place at which the one that holds is seen."""
        at = self._at(known)
        first = 0
        while at > first and sum(cell_len(name) + 2 for name in known[first : at + 1]) > width - 2:
            first += 1
        parts: list[Part] = [("… ", "quiet")] if first else []
        for number, name in enumerate(known[first:], start=first):
            parts += [(name, "bold accent" if number == at else "quiet"), ("  ", "")]
        return self._cut(parts, width)


class FieldPicked(LinePicked):
    """A field was clicked at, of several choices at the one at the place ``inner``; ``opened``: twice."""

    def __init__(self, name: str, inner: int = 0, *, opened: bool) -> None:
        self.field = name
        self.inner = inner
        super().__init__(opened)


def _room(width: int, height: int) -> int:
    """The rows that there are for fields: all, or those above the explanation."""
    return height if width >= _BESIDE else height - (4 if height >= 12 else 3)


def _scrolled(first: int, place: int, height: int, lines: int) -> int:
    """The line at the top after the cursor went to ``place``: it is seen with its neighbours, and no more moves."""
    first = min(first, max(0, place - 1))
    first = max(first, min(place + 2, lines) - height)
    return max(0, min(first, lines - height))


def _typed(edit: Edit, usual: str, room: int) -> list[Part]:
    """The line that is typed with its caret, the part around that where it is longer than ``room``."""
    if not edit.text:
        return [(" ", "reverse"), (f" {usual}", "faint")]
    before, under, after = edit.text[: edit.caret], edit.text[edit.caret : edit.caret + 1], edit.text[edit.caret + 1 :]
    shown = safe.line(before, 4000)
    while cell_len(shown) > max(0, room - 3):
        shown = shown[1:]  # what lies before the caret goes out of sight first
    return [(shown, "bold"), (safe.line(under, 10) or " ", "bold reverse"), (safe.line(after, 4000), "bold")]


def _wrapped(text: str, width: int, style: str, most: int, *, ascii: bool) -> list[Row]:
    """``text`` in at most ``most`` rows; what doesn't fit is cut with a sign."""
    lines = textwrap.wrap(text, max(20, width), break_on_hyphens=False) or [""]
    if len(lines) > most:
        lines = [*lines[: most - 1], safe.fit(" ".join(lines[most - 1 :]), width, ascii=ascii)]
    return [((line, style),) for line in lines]


def _padded(row: Row, width: int) -> Row:
    return (*row, (" " * max(0, width - width_of(row)), ""))


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).isdecimal()
