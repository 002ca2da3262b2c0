"""The rows above the table: what is compared, and the views with the filters that hold."""

from __future__ import annotations

from tui.panels.lines import Panel
from tui.panels.rows import Part, Rows, fitted, spread
from tui.panels.strip import StripPanel
from tui.pictures import words
from tui.pictures.compare.painter import ComparePicture
from tui.pictures.compare.view import BRIEF, TITLES, VIEWS

CLOSE, CLOSEST = 100, 76
"""Below these widths the titles of views are short, and those that are not seen are told as a number alone."""


class ComparedPanel(Panel[ComparePicture]):
    """What is compared with what."""

    DEFAULT_CSS = "ComparedPanel { height: 1; }"

    def lay_out(self, width: int, height: int) -> Rows:
        picture = self.value
        left: list[Part] = [("Compare", "bold")]
        if picture.total:
            told = words.count(picture.total, "row")
            if picture.sessions > 1:
                told += f" of {words.count(picture.sessions, 'session')}"
            left += [("  ", ""), (told, "quiet")]
        if picture.baseline:
            left += [("  against ", "quiet"), (picture.baseline, "bold")]
            if picture.pinned:
                left.append((", pinned", "quiet"))
        elif picture.total:
            left.append(("  each against the no-compile case of its workload", "quiet"))
        right: list[Part] = [("reading", "quiet")] if picture.loading else []
        return (spread(left, right, width, ascii=self.ascii),)


class CompareViewsPanel(StripPanel[ComparePicture]):
    """The views, and what the rows are filtered by."""

    def lay_out(self, width: int, height: int) -> Rows:
        picture = self.value
        view = picture.view
        right: list[Part] = []
        if view.filtered:
            right = [(view.told, "bold warn"), (f"  {len(picture.lines)} of {picture.total}", "bold warn")]
        titles = TITLES if width >= CLOSE else BRIEF
        close = width < CLOSEST or (right and width < CLOSE)
        title = f"{titles[view.view]} {VIEWS.index(view.view) + 1}/{len(VIEWS)}"
        names = [(name, "", titles[name]) for name in VIEWS] if not close else [(view.view, "", title)]
        left = self.strip(names, view.view, before=self.keyed("{compare_view}"), gap=" " if width < CLOSE else "  ")
        return (spread(left, right, width, ascii=self.ascii),)


class CompareStatusPanel(Panel[ComparePicture]):
    """As many rows as there is something to say."""

    DEFAULT_CSS = "CompareStatusPanel { height: 0; }"

    def lay_out(self, width: int, height: int) -> Rows:
        return tuple(
            fitted(
                [(status.text if len(status.text) <= width or not status.brief else status.brief, status.style)],
                width,
                ascii=self.ascii,
            )
            for status in self.value.statuses
        )
