"""The Compare screen: cases and runs of any sessions, beside each other."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.widget import Widget

from tui import keys, safe
from tui.charts.widget import Chart
from tui.commanding import Command
from tui.comparing import CompareSource
from tui.feed import Feed
from tui.messages import ChooseMarks, CompareChanged, FolderPicked, LinePicked
from tui.panels.compare.arranged import Arrangement, arrangement
from tui.panels.compare.bands import BandsPanel
from tui.panels.compare.bars import BarsPanel
from tui.panels.compare.images import ImagesPanel
from tui.panels.compare.table import TablePanel
from tui.panels.compare.title import ComparedPanel, CompareStatusPanel, CompareViewsPanel
from tui.panels.strip import StripPanel
from tui.panels.triggers.detail import DetailPanel
from tui.pictures.compare.bands import Bands
from tui.pictures.compare.bars import Bars
from tui.pictures.compare.marks import Mark, Marks, marked, unmarked
from tui.pictures.compare.painter import ComparePicture
from tui.pictures.compare.published import next_gpu
from tui.pictures.compare.rows import LotLine
from tui.pictures.compare.view import CHARTS, PUBLISHED, SORTS, TITLES, VIEWS, CompareView
from tui.pictures.triggers.view import following
from tui.screens.typed import TypedScreen


class CompareScreen(TypedScreen):
    """Shows what is marked, compared. The app keeps the screen, so that it is as one left it."""

    where = keys.COMPARE
    BINDINGS: ClassVar[list[BindingType]] = keys.bindings(keys.COMPARE)
    CSS_PATH = Path(__file__).with_suffix(".tcss")
    AUTO_FOCUS = ""

    def __init__(
        self,
        marks: Marks,
        *,
        baseline: str | None = None,
        gpu: str | None = None,
        ascii: bool = False,
        source: CompareSource | None = None,
        exports: Path | None = None,
    ) -> None:
        """``baseline``: the key of the row to pin; ``gpu``: whose published figures are a column; ``exports``: where
        files go to, None: the working folder.
        """
        super().__init__(ascii=ascii)
        self.marks = marks
        self.view = CompareView(baseline=baseline, ascii=ascii, gpu=gpu, published=PUBLISHED[1] if gpu else "")
        self.picture = ComparePicture(marks=marks, loading=bool(marks))
        self._exports = exports
        self._source = source or CompareSource(marks)
        self._source.look(self.view)
        self._feed: Feed[ComparePicture] = Feed(self._source, self._publish, self._feed_failed)
        self._other = False  # of two charts of a view the second, where one fits
        self._arranged: Arrangement | None = None
        self._detailed = ""
        self._title = ComparedPanel(self.picture, ascii=ascii)
        self._views = CompareViewsPanel(self.picture, ascii=ascii)
        self._status = CompareStatusPanel(self.picture, ascii=ascii)
        self._table = TablePanel(self.picture, ascii=ascii, id="table")
        self._charts = {name: Chart(ascii=ascii, id=name) for name in ("latency", "ecdf", "memory", "cumulative")}
        self._bands = BandsPanel(Bands(), ascii=ascii, id="histogram")
        self._bars = BarsPanel(Bars(), ascii=ascii, id="speedup")
        self._images = ImagesPanel((), ascii=ascii, id="images")
        self._detail = DetailPanel((), scrolling="{compare_down} {compare_up}", ascii=ascii, id="detail")

    def compose_body(self) -> ComposeResult:
        yield self._title
        yield self._views
        yield self._status
        with Container(id="main"):
            for part in self._parts.values():
                part.display = False  # until it has its place
                yield part
        yield self.filter_line()

    @property
    def _parts(self) -> dict[str, Widget]:
        """By name, in the order of the grid."""
        charts = self._charts
        return {
            "table": self._table,
            "latency": charts["latency"],
            "histogram": self._bands,
            "ecdf": charts["ecdf"],
            "memory": charts["memory"],
            "speedup": self._bars,
            "cumulative": charts["cumulative"],
            "images": self._images,
            "detail": self._detail,
        }

    def on_mount(self) -> None:
        self._filter.placeholder = "words of a label, a session, a device or a verdict; - before a word leaves out"
        self._images.colours = not self.app.no_color and self.app.console.color_system in ("truecolor", "256")

    # --- pictures ---

    def _publish(self, picture: ComparePicture) -> None:
        self.post_message(CompareChanged(picture))

    def on_compare_changed(self, message: CompareChanged) -> None:
        self.picture = message.picture
        self._apply_when_taken()

    def _apply(self) -> None:
        picture = self.picture
        with self.app.batch_update():
            self._title.put(picture)
            self._views.put(picture)
            self._status.put(picture)
            self._table.put(picture)
            self._arrange()
            for name, chart in self._charts.items():
                if name in picture.charts:
                    chart.show(picture.charts[name])
            if "speedup" in picture.view.charts:
                self._bars.put(picture.bars)
            if "histogram" in picture.view.charts:
                self._bands.put(picture.bands)
            if picture.view.view == "images":
                self._images.put(picture.tiles)
            self._show_detail()
        self.refresh_footer()

    def rewrite(self) -> None:
        """In other characters: titles of charts have symbols in them."""
        self.look(replace(self.view, ascii=self.ascii))

    def on_resize(self) -> None:
        self._arrange()
        self._want_charts()
        self.refresh_footer()

    def _arranged_for(self, view: str) -> Arrangement:
        width, height = self.room
        picture = self.picture
        return arrangement(width, height, view, len(picture.lines), len(picture.statuses), other=self._other)

    def _arrange(self) -> None:
        """Show the parts of the picture's view where they belong at this size."""
        found = self._arranged_for(self.picture.view.view)
        rows = len(self.picture.statuses)
        if self._status.styles.height is None or self._status.styles.height.value != rows:
            self._status.styles.height = rows
        if found == self._arranged or not self.is_mounted:
            return
        self._arranged = found
        spans = dict(found.cells)
        for name, part in self._parts.items():
            part.display = name in spans
            if name in spans:
                part.styles.column_span = spans[name]
        self.query_one("#main").styles.grid_rows = found.rows

    def _want_charts(self) -> None:
        """Have those charts made that will be seen."""
        self.look(
            replace(self.view, charts=self._arranged_for(self.view.view).charts, columns=max(self.size.width, 40))
        )

    # --- the selection ---

    @property
    def selected(self) -> LotLine | None:
        """The row under the cursor."""
        return self._table.current

    def _show_detail(self) -> None:
        line = self.selected
        key = line.key if line is not None else ""
        self._detail.show_detail(self.picture.details.get(key, ()), other=key != self._detailed)
        self._detailed = key

    def on_line_picked(self, message: LinePicked) -> None:
        message.stop()
        self._show_detail()
        self.refresh_footer()
        if message.opened:
            self.action_open()

    # --- keys ---

    def look(self, view: CompareView) -> None:
        """Have the comparison seen as ``view`` says."""
        if view != self.view:
            self.view = view
            self._feed.order(lambda: self._source.look(view))

    def mark(self, marks: Marks) -> None:
        """Compare these from now on."""
        if marks != self.marks:
            self.marks = marks
            self._feed.order(lambda: self._source.mark(marks))

    def possible(self, action: str) -> bool:
        if self.typing:
            return False
        picture, selected = self.picture, self.selected
        match action.partition("(")[0]:
            case "pin" | "drop" | "open":
                return selected is not None
            case "unpin":
                return self.view.baseline is not None
            case "clear":
                return self.view.filtered
            case "next_variant":
                return len(picture.variants) > 1 or self.view.variant is not None
            case "type":  # ahead of what is being read too: the letters would be commands
                return picture.total > 1 or picture.loading
            case "next_sort" | "turn_sort":
                return picture.total > 1
            case "next_published":
                return picture.published
            case "next_gpu":
                return picture.benchmarked
            case "next_loop":
                return len(picture.loops) > 1
            case "other_chart":
                return len(CHARTS.get(self.view.view, ())) > 1 and not (
                    self.has_class("-normal") or self.has_class("-wide")
                )
            case "full_range":
                return "latency" in self.view.charts
            case "columns":
                return bool(picture.lines) and self._table.pages(self.size.width) > 1
            case "export":
                return picture.total > 0
            case _:
                return True

    def commands(self) -> Iterable[Command]:
        return [Command(self.where, f"view: {TITLES[name]}", f"view({name!r})") for name in VIEWS]

    def action_move(self, lines: int) -> None:
        self._table.move(lines)

    def action_page(self, pages: int) -> None:
        self._table.move(pages * self._table.page)

    def action_edge(self, side: int) -> None:
        self._table.move(side * len(self.picture.lines))

    def action_columns(self, pages: int) -> None:
        self._table.turn(pages)

    def action_detail(self, pages: int) -> None:
        self._detail.scroll_lines(pages * self._detail.page)

    def on_strip_panel_picked(self, message: StripPanel.Picked) -> None:
        """A view of the strip was clicked on."""
        message.stop()
        if not self.typing and message.name in VIEWS:
            self.action_view(message.name)

    def action_next_view(self, views: int) -> None:
        self.action_view(VIEWS[(VIEWS.index(self.view.view) + views) % len(VIEWS)])

    def action_view(self, view: str) -> None:
        self._other = False
        self.look(replace(self.view, view=view, charts=self._arranged_for(view).charts))
        self.refresh_footer()

    def action_other_chart(self) -> None:
        self._other = not self._other
        self._want_charts()

    def action_pin(self) -> None:
        if self.selected is not None:
            self.look(replace(self.view, baseline=self.selected.key))
            self.refresh_footer()

    def action_unpin(self) -> None:
        self.look(replace(self.view, baseline=None))
        self.refresh_footer()

    def action_drop(self) -> None:
        """Take the mark off the selected row; of a session whose mark it came by the other cases keep theirs."""
        line = self.selected
        if line is None:
            return
        marks = unmarked(self.marks, line.mark)
        if line.mark.name is None:
            path = line.mark.path
            others = [key for key, mark in self.picture.every if mark == line.mark and key != line.key]
            marks = marked(marks, (Mark(path, key.removeprefix(f"{path}/")) for key in others))
        self.mark(marks)

    def action_open(self) -> None:
        """Look at the session of the selected row on Live."""
        if self.selected is not None:
            self.post_message(FolderPicked(self.selected.mark.path))

    def action_choose(self) -> None:
        self.post_message(ChooseMarks(self.marks))

    def action_next_sort(self) -> None:
        self.look(replace(self.view, sort=SORTS[(SORTS.index(self.view.sort) + 1) % len(SORTS)]))

    def action_turn_sort(self) -> None:
        self.look(replace(self.view, descending=not self.view.descending))

    def action_next_variant(self) -> None:
        self.look(replace(self.view, variant=following(self.picture.variants, self.view.variant)))

    def action_clear(self) -> None:
        self.look(self.view.unfiltered)
        self.refresh_footer()

    def action_next_published(self) -> None:
        self.look(replace(self.view, published=PUBLISHED[(PUBLISHED.index(self.view.published) + 1) % len(PUBLISHED)]))

    def action_next_gpu(self) -> None:
        """Beside figures of another GPU than the rows' own, which then are a column in any case."""
        published = self.view.published or PUBLISHED[1]
        self.look(replace(self.view, gpu=next_gpu(self.view.gpu), published=published))

    def action_next_loop(self) -> None:
        self.look(replace(self.view, loop=(self.view.loop + 1) % max(1, len(self.picture.loops))))

    def action_full_range(self) -> None:
        self.look(replace(self.view, full_range=not self.view.full_range))

    # --- the typed filter ---

    @property
    def typed(self) -> str:
        return self.view.typed

    def leave(self, typed: str) -> None:
        self.look(replace(self.view, typed=typed))

    # --- to take away ---

    def action_export(self) -> None:
        folder = self._exports or Path.cwd()
        self._feed.order(lambda: self._tell(self._source.export(folder)))

    def _tell(self, said: str) -> None:
        """On the feed's thread: say what came of an export."""
        self.app.call_later(self.notice, safe.line(keys.keyed(said, self.table), 300))
