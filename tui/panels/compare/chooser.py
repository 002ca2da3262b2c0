"""The tree of all that can be marked, with a cursor."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

from tui import safe
from tui.charts.palette import series_word, variant_style
from tui.panels.rows import Part, Row, fitted
from tui.panels.triggers.choice import ChoicePanel
from tui.pictures.compare.chooser import Branch, Choice, branches

_AGE, _TORCH = 12, 14
_GAP = 2


class ChooserPanel(ChoicePanel[Choice, Branch]):
    """Sessions, unfolded into cases, those into runs."""

    DEFAULT_CSS = "ChooserPanel { height: 1fr; }"
    _made_of: Choice | None = None
    _branches: tuple[Branch, ...] = ()

    def items(self) -> Sequence[Branch]:
        if self._made_of is not self.value:
            self._made_of, self._branches = self.value, tuple(branches(self.value))
        return self._branches

    def key_of(self, item: Branch) -> str:
        return item.key

    def empty(self) -> str:
        picture = self.value.picture
        if picture.error:
            return picture.error
        if picture.sessions:
            return self.keyed("nothing matches: {compare_all} shows all")
        return "no sessions yet: 'stepscope run PIPELINE' makes one" if picture.complete else "reading the sessions"

    def _widths(self, width: int) -> tuple[int, int, int]:
        """Of names, pipelines and devices; 0 where there is no room for a column."""
        sessions = self.value.picture.sessions
        longest = max((cell_len(session.session) for session in sessions), default=12)
        name = max(16, min(longest + 6, width * 2 // 5))
        device = min(28, max((cell_len(session.device) for session in sessions), default=0))
        rest = width - name - _AGE - _TORCH - 2 * _GAP - device
        pipeline = min(24, max((cell_len(session.pipeline) for session in sessions), default=0))
        return name, pipeline if rest >= pipeline + _GAP else 0, device

    def head(self, width: int, span: str) -> Row:
        name, pipeline, device = self._widths(width)
        parts: list[Part] = [(safe.pad(f"    {span or 'session'}", name, ascii=self.ascii), "quiet")]
        parts.append((" " * _GAP + "age".ljust(_AGE), "quiet"))
        parts.append(("torch".ljust(_TORCH), "quiet"))
        parts.append((safe.pad("device", device, ascii=self.ascii), "quiet"))
        if pipeline:
            parts.append((" " * _GAP + "pipeline", "quiet"))
        return fitted(parts, width, ascii=self.ascii)

    def row(self, item: Branch, width: int) -> list[Part]:
        name, pipeline, device = self._widths(width)
        closed, opened = (">", "v") if self.ascii else ("▸", "▾")
        fold = (opened if item.unfolded else closed) if item.can_unfold else " "
        parts: list[Part] = [
            (f"[{item.box or ' '}]", "bold accent" if item.box else "quiet"),
            (f"{'  ' * item.depth}{fold} ", "quiet"),
        ]
        if item.depth:
            symbol = variant_style(item.variant).symbol(ascii=self.ascii)
            return [*parts, (f"{symbol} ", series_word(item.variant)), (item.label, "")]
        parts.append((safe.pad(item.label, name - 5, ascii=self.ascii), "bold"))
        if item.why:
            return [*parts, (" " * _GAP, ""), (item.why, "bad")]
        age, of, where, torch = item.told
        parts.append((" " * _GAP + safe.pad(age, _AGE, ascii=self.ascii), "quiet"))
        parts.append((safe.pad(torch or "–", _TORCH - 1, ascii=self.ascii) + " ", ""))
        parts.append((safe.pad(where, device, ascii=self.ascii), ""))
        if pipeline:
            parts.append((" " * _GAP + of, "quiet"))
        return parts
