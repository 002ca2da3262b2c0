"""The list of triggers: groups, and unfolded their occurrences."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

from tui import safe
from tui.panels.rows import Part, Row, spread
from tui.panels.triggers.choice import ChoicePanel
from tui.pictures.triggers.lines import TriggerLine
from tui.pictures.triggers.painter import TriggersPicture

_COUNT, _TIME, _BLAME = 5, 8, 8
_GAP = 2
WIDE = 100
"""From this width on the module has a column of its own."""

_MODULE = 22


class CausesPanel(ChoicePanel[TriggersPicture, TriggerLine]):
    """Groups are folded until they are opened; one that comes anew is folded too."""

    DEFAULT_CSS = "CausesPanel { height: 1fr; }"

    def __init__(self, value: TriggersPicture, *, ascii: bool = False, id: str | None = None) -> None:
        super().__init__(value, ascii=ascii, id=id)
        self._unfolded: set[str] = set()

    def items(self) -> Sequence[TriggerLine]:
        rows: list[TriggerLine] = []
        for line in self.value.lines:
            rows.append(line)
            if line.key in self._unfolded and len(line.members) > 1:
                rows += line.members
        return rows

    def key_of(self, item: TriggerLine) -> str:
        return item.key

    def empty(self) -> str:
        return self.keyed(self.value.empty)

    @property
    def can_unfold(self) -> bool:
        """Whether the cursor is on a group that is folded."""
        line = self.current
        return line is not None and line.one is None and len(line.members) > 1 and line.key not in self._unfolded

    @property
    def can_fold(self) -> bool:
        """Whether the cursor is on an unfolded group or within one."""
        line = self.current
        return line is not None and line.group.key in self._unfolded and line.group.count > 1

    def unfold(self, key: str | None = None) -> None:
        """Show the occurrences of the group ``key``; None: of the current one."""
        line = self.current
        wanted = key or (line.group.key if line is not None else None)
        if wanted is not None and wanted not in self._unfolded:
            self._unfolded.add(wanted)
            self._moved = True
            self.lay_out_again()

    def fold(self) -> None:
        """Hide the occurrences of the current group; the cursor goes to its line."""
        line = self.current
        if line is not None and line.group.key in self._unfolded:
            self._unfolded.remove(line.group.key)
            self.pick(line.group.key)

    def show_one(self, key: str) -> bool:
        """Put the cursor on the occurrence ``key``, its group unfolded; False where it isn't among what is shown."""
        for line in self.value.lines:
            if any(member.key == key for member in line.members):
                self._unfolded.add(line.key)
                return self.pick(key if len(line.members) > 1 else line.key)
        return False

    def _instead(self, before: TriggerLine | None) -> int:
        """Of an occurrence that is gone, its group's place."""
        if before is not None and before.one is not None:
            places = (number for number, item in enumerate(self.items()) if item.key == before.group.key)
            return next(places, self._cursor)
        return self._cursor

    @property
    def _module(self) -> int:
        """Cells of the column of modules."""
        longest = max((cell_len(line.module) for line in self.value.lines), default=0)
        return min(max(longest, 8), _MODULE)

    def head(self, width: int, span: str) -> Row:
        columns = f"{'':6}{'times':>{_COUNT}}{'compile':>{_TIME + 1}}{'lost':>{_TIME + 1}}{'':{_GAP}}{'whose':{_BLAME}}"
        parts: list[Part] = [(f"{columns}{'':{_GAP}}", "quiet")]
        if width >= WIDE:
            parts.append((f"{'module':{self._module}}{'':{_GAP}}", "quiet"))
        parts.append(("what happened", "quiet"))
        return spread(parts, [(span, "quiet")] if span else [], width, ascii=self.ascii)

    def row(self, item: TriggerLine, width: int) -> list[Part]:
        fold = " " if len(item.members) < 2 else "-" if item.key in self._unfolded else "+"
        marker = item.case.marker_ascii if self.ascii else item.case.marker
        parts: list[Part] = [
            (f"{fold} ", "quiet"),
            (f"{item.symbol} ", f"bold {item.style}"),
            (f"{marker} ", item.case.style),
            (item.count.rjust(_COUNT), "bold" if item.one is None else "quiet"),
            (item.took.rjust(_TIME + 1), "accent" if item.running else ""),
            (item.lost.rjust(_TIME + 1), "warn" if item.lost else ""),
            (" " * _GAP, ""),
        ]
        if item.one is None:
            parts.append((item.blame.ljust(_BLAME), item.blame_style))
            parts.append((" " * _GAP, ""))
            if width >= WIDE:
                parts.append((safe.pad(item.module, self._module, ascii=self.ascii) + " " * _GAP, "quiet"))
            parts.append((item.sentence, "" if item.blame in ("expected", "artefact") else "bold"))
            return parts
        place = safe.pad(item.place, self._module + _GAP + _BLAME if width >= WIDE else 0, ascii=self.ascii)
        parts.append(((place if width >= WIDE else item.place) + " " * _GAP, ""))
        parts.append((item.sentence, "quiet"))
        return parts
