"""The list of everything that can be compared: sessions, cases and runs, to be marked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType

from tui import keys
from tui.choosing import ChooserSource
from tui.feed import Feed
from tui.messages import ChooserChanged, LinePicked, ShowCompare
from tui.panels.compare.chooser import ChooserPanel
from tui.panels.title import TitlePanel
from tui.pictures import words
from tui.pictures.compare.chooser import Branch, Choice, ChooserPicture, toggled
from tui.pictures.compare.marks import Marks
from tui.screens.typed import TypedScreen


class ChooseScreen(TypedScreen):
    """Marks go to Compare with enter; esc leaves those of before."""

    where = keys.CHOOSE
    BINDINGS: ClassVar[list[BindingType]] = keys.bindings(keys.CHOOSE)
    AUTO_FOCUS = ""

    def __init__(
        self,
        root: Path,
        marks: Marks,
        *,
        more: Sequence[Path] = (),
        ascii: bool = False,
        source: ChooserSource | None = None,
    ) -> None:
        """``more``: folders of sessions that are not in the home ``root``."""
        super().__init__(ascii=ascii)
        self.choice = Choice(marks=marks)
        found = source or ChooserSource(root, more)
        self._feed: Feed[ChooserPicture] = Feed(found, self._publish, self._feed_failed)
        self._title = TitlePanel(("Compare: what?", str(root)), ascii=ascii)
        self._tree = ChooserPanel(self.choice, ascii=ascii)

    def compose_body(self) -> ComposeResult:
        yield self._title
        yield self._tree
        yield self.filter_line()

    def on_mount(self) -> None:
        self._filter.placeholder = "words of a session, a case, a pipeline, a device or torch's version"

    def _publish(self, picture: ChooserPicture) -> None:
        self.post_message(ChooserChanged(picture))

    def on_chooser_changed(self, message: ChooserChanged) -> None:
        self.choose(replace(self.choice, picture=message.picture))

    def choose(self, choice: Choice) -> None:
        """Show the tree so from now on."""
        self.choice = choice
        self._tree.put(choice)
        count = f"{words.count(len(choice.marks), 'mark')}" if choice.marks else "nothing marked"
        self._title.put(("Compare: what?", count))
        self.refresh_footer()

    @property
    def current(self) -> Branch | None:
        """The line under the cursor."""
        return self._tree.current

    # --- keys ---

    def possible(self, action: str) -> bool:
        if self.typing:
            return False
        current = self.current
        match action.partition("(")[0]:
            case "mark":
                return current is not None and not current.why
            case "done":
                return bool(self.choice.marks) or (current is not None and not current.why)
            case "unfold":
                return current is not None and current.can_unfold and not current.unfolded
            case "fold":
                return current is not None and (current.unfolded or current.depth > 0)
            case "clear":
                return bool(self.choice.typed.strip())
            case "none":
                return bool(self.choice.marks)
            case _:
                return True

    def on_line_picked(self, message: LinePicked) -> None:
        message.stop()
        self.refresh_footer()
        if message.opened:
            self.action_mark()

    def action_move(self, lines: int) -> None:
        self._tree.move(lines)

    def action_page(self, pages: int) -> None:
        self._tree.move(pages * self._tree.page)

    def action_edge(self, side: int) -> None:
        self._tree.move(side * len(self._tree.items()))

    def action_mark(self) -> None:
        current = self.current
        if current is not None and not current.why:
            self.choose(replace(self.choice, marks=toggled(self.choice, current)))

    def action_none(self) -> None:
        self.choose(replace(self.choice, marks=()))

    def action_unfold(self) -> None:
        if self.current is not None:
            self._hold()
            self.choose(replace(self.choice, unfolded=self.choice.unfolded | {self.current.key}))

    def action_fold(self) -> None:
        """Fold the line under the cursor, or what it is in."""
        current = self.current
        if current is None:
            return
        key = current.key
        if not current.unfolded:
            above = self._tree.items()
            place = next(number for number, item in enumerate(above) if item.key == key)
            key = next(item.key for item in reversed(above[:place]) if item.depth < current.depth)
            self._tree.pick(key)
        self._hold()
        self.choose(replace(self.choice, unfolded=self.choice.unfolded - {key}))

    def _hold(self) -> None:
        """Have the cursor stay on its line, though it was never moved."""
        if self.current is not None:
            self._tree.pick(self.current.key)

    def action_clear(self) -> None:
        self.choose(replace(self.choice, typed=""))

    def action_done(self) -> None:
        current = self.current
        marks = self.choice.marks or ((current.mark,) if current is not None else ())
        if marks:
            self.post_message(ShowCompare(marks))

    # --- the typed filter ---

    @property
    def typed(self) -> str:
        return self.choice.typed

    def leave(self, typed: str) -> None:
        self.choose(replace(self.choice, typed=typed))
