"""The row of views and filters, and the lines under it that say what goes on."""

from __future__ import annotations

from typing import ClassVar

from rich.cells import cell_len
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import Input

from tui.panels.lines import Panel
from tui.panels.rows import Part, Rows, fitted, spread
from tui.panels.strip import StripPanel
from tui.pictures.triggers.painter import Status, TriggersPicture
from tui.pictures.triggers.view import SORT_WORDS, TITLES, VIEWS

CLOSE = 120
"""Below this width the views that are not seen are told as a number alone while there is a filter to tell."""
CLOSEST = 68
"""Below this one always, where the order is told beside them."""

NARROW = 100


class ViewsPanel(StripPanel[TriggersPicture]):
    """The views, the filters that hold, and how many occurrences they leave."""

    def lay_out(self, width: int, height: int) -> Rows:
        picture = self.value
        view = picture.view
        close = view.view == "causes" and (
            width < CLOSEST or (width < CLOSE and (view.filtered or bool(picture.wrong)))
        )
        title = f"{TITLES[view.view]} {VIEWS.index(view.view) + 1}/{len(VIEWS)}"
        names = [(name, "", TITLES[name]) for name in VIEWS] if not close else [(view.view, "", title)]
        left = self.strip(names, view.view, before=self.keyed("{triggers_view}"))
        right: list[Part] = []
        if view.view == "causes":
            if picture.wrong:
                left.append((picture.wrong, "bad"))
            elif view.filtered:
                left.append((view.told, "bold warn"))
            if picture.total:
                of = f"{picture.shown} of {picture.total}" if view.filtered else f"{picture.total}"
                right = [
                    (of, "bold warn" if view.filtered else "quiet"),
                    (" event, " if picture.total == 1 else " events, ", "quiet"),
                ]
                right.append((SORT_WORDS[view.sort], "quiet"))
        elif view.view == "waterfall" and picture.waterfall is not None and len(picture.waterfall.runs) > 1:
            runs = picture.waterfall.runs
            place = runs.index(picture.waterfall.run) + 1
            right = [(f"run {place} of {len(runs)}", "quiet"), (self.keyed(" {triggers_run} next"), "quiet")]
        elif view.view == "sides" and picture.sides is not None and picture.sides.left is not None:
            right = [(self.keyed("{triggers_left} left  {triggers_right} right"), "quiet")]
        return (spread(left, right, width, ascii=self.ascii),)


class StatusPanel(Panel[tuple[Status, ...]]):
    """As many rows as there is something to say."""

    DEFAULT_CSS = "StatusPanel { height: 0; }"

    def lay_out(self, width: int, height: int) -> Rows:
        return tuple(fitted([(_told(status, width), status.style)], width, ascii=self.ascii) for status in self.value)


def _told(status: Status, width: int) -> str:
    """On a narrow screen in brief; on a wider one the end of a text that doesn't fit can be missed."""
    narrow = width < NARROW and cell_len(status.text) > width
    return status.brief if narrow and status.brief else status.text


class WordsPanel(Panel[str]):
    """A few quiet words beside what is typed."""

    DEFAULT_CSS = "WordsPanel { height: 1; width: auto; }"

    def __init__(self, value: str, *, ascii: bool = False) -> None:
        super().__init__(value, ascii=ascii)
        self.styles.width = len(value)

    def lay_out(self, width: int, height: int) -> Rows:
        return (fitted([(self.value, "quiet")], width, ascii=self.ascii),)


class FilterInput(Input):
    """The line in which a filter is typed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "done(True)", show=False),
        Binding("escape", "done(False)", show=False),
        Binding("tab", "done(True)", show=False, priority=True),
    ]

    class Done(Message):
        """The filter is typed; not ``kept``: the one of before is wanted back."""

        def __init__(self, kept: bool) -> None:
            self.kept = kept
            super().__init__()

    def __init__(self) -> None:
        super().__init__(
            placeholder="words, or class:tensor module:unet -blame:artefact",
            compact=True,
            max_length=200,
            select_on_focus=False,
        )
        self.cursor_blink = False  # a blinking cursor would send bytes all the time

    def action_done(self, kept: bool) -> None:
        self.post_message(self.Done(kept))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return self.has_focus if action == "done" else super().check_action(action, parameters)
