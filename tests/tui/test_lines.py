"""Panels refresh the cells that changed, and no others."""

from __future__ import annotations

import pytest
from textual.app import App, ComposeResult
from textual.geometry import Region

from tui import theme
from tui.panels.lines import Lines, changed_span
from tui.panels.rows import Row, bar, fitted, spread, width_of


class Recorder(Lines):
    """Lines that remember what they asked to have painted."""

    DEFAULT_CSS = "Recorder { height: 3; }"

    def __init__(self) -> None:
        super().__init__()
        self.refreshed: list[Region] = []

    def refresh(self, *regions: Region, **options: bool) -> Recorder:  # type: ignore[override]
        if hasattr(self, "refreshed"):
            self.refreshed += regions or (Region(0, 0, *self.size),)
        return super().refresh(*regions, **options)  # type: ignore[return-value]


class LinesApp(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.register_theme(theme.DARK)
        self.theme = theme.DARK.name
        self.lines = Recorder()

    def compose(self) -> ComposeResult:
        yield self.lines


@pytest.fixture
def app() -> LinesApp:
    return LinesApp()


async def test_only_changed_cells_are_refreshed(app: LinesApp) -> None:
    async with app.run_test(size=(20, 3)) as pilot:
        await pilot.pause()
        app.lines.show([(("call 1 of 5", ""),), (("step 12 of 51", "quiet"),)])
        app.lines.refreshed.clear()
        app.lines.show([(("call 1 of 5", ""),), (("step 13 of 51", "quiet"),)])
        assert app.lines.refreshed == [Region(6, 1, 1, 1)]


async def test_equal_rows_cost_nothing(app: LinesApp) -> None:
    async with app.run_test(size=(20, 3)) as pilot:
        await pilot.pause()
        app.lines.show([(("same", ""),)])
        app.lines.refreshed.clear()
        app.lines.show([(("sa", ""), ("me", ""))])
        app.lines.show([(("same", ""),)])
        assert app.lines.refreshed == []


async def test_rows_that_are_gone_are_cleared(app: LinesApp) -> None:
    async with app.run_test(size=(20, 3)) as pilot:
        await pilot.pause()
        app.lines.show([(("one", ""),), (("two", ""),)])
        app.lines.refreshed.clear()
        app.lines.show([(("one", ""),)])
        assert app.lines.refreshed == [Region(0, 1, 3, 1)]
        assert app.lines.render_line(1).text.strip() == ""


async def test_another_style_alone_is_a_change(app: LinesApp) -> None:
    async with app.run_test(size=(20, 3)) as pilot:
        await pilot.pause()
        app.lines.show([(("ab", ""), ("cd", ""))])
        app.lines.refreshed.clear()
        app.lines.show([(("ab", ""), ("cd", "bad"))])
        assert app.lines.refreshed == [Region(2, 0, 2, 1)]


async def test_another_theme_repaints_in_its_colours(app: LinesApp) -> None:
    async with app.run_test(size=(20, 3)) as pilot:
        app.register_theme(theme.LIGHT)
        await pilot.pause()
        app.lines.show([(("ab", "good"),)])
        before = app.lines.render_line(0)
        app.theme = theme.LIGHT.name
        await pilot.pause()
        assert app.lines.render_line(0) != before


@pytest.mark.parametrize(
    ("old", "new", "span"),
    [
        ("abc", "abc", None),
        ("abc", "axc", (1, 2)),
        ("", "abc", (0, 3)),
        ("x世", "x界", (1, 2)),
        ("世a", "世b", (2, 3)),
        ("abc", "a", (1, 3)),
    ],
)
def test_the_changed_span_of_a_row(old: str, new: str, span: tuple[int, int] | None) -> None:
    assert changed_span(((old, ""),) if old else (), ((new, ""),), 6) == span


def test_rows_are_cut_with_a_sign_at_the_edge() -> None:
    row: Row = (("abc", ""), ("def", "quiet"))
    assert fitted(row, 6) == row
    assert fitted(row, 5) == (("abc", ""), ("d…", "quiet"))
    assert fitted(row, 3) == (("ab…", ""),)
    assert fitted(row, 5, ascii=True)[-1][0] == "d~"


def test_the_right_end_stays_where_the_left_is_cut() -> None:
    row = spread([("a long heading", "bold")], [("running", "good")], 15)
    assert "".join(text for text, _ in row) == "a lon…  running"
    assert width_of(row) == 15


def test_a_bar_is_as_full_as_the_work_is_done() -> None:
    assert "".join(text for text, _ in bar(0.5, 8)) == "━━━━────"
    assert "".join(text for text, _ in bar(1.2, 4, ascii=True)) == "===="
