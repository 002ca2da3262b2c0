"""The chart on a screen: what it shows, and above all what it doesn't send again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from rich.cells import cell_len
from textual.app import App, ComposeResult
from textual.geometry import Region
from textual.screen import Screen

from tui.charts import widget
from tui.charts.canvas import Run
from tui.charts.palette import Colours, variant_style
from tui.charts.spec import Axis, ChartSpec, Series, Slot
from tui.charts.widget import Chart, changed_spans

WIDTH, HEIGHT = 80, 12


class FakeClock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class ChartApp(App[None]):
    CSS = f"Chart {{ height: {HEIGHT}; }} .hidden {{ display: none; }}"

    def __init__(self) -> None:
        super().__init__()
        self.clock = FakeClock()
        self.chart = Chart(growing(0), clock=self.clock)

    def compose(self) -> ComposeResult:
        yield self.chart


def growing(count: int, total: int = 150, title: str = "Step latency") -> ChartSpec:
    xs = tuple(k + 0.5 for k in range(count))
    line = Series(
        "compile", "compile", xs, tuple(0.03 + 0.01 * (k % 3) for k in range(count)), variant_style("compile")
    )
    return ChartSpec(title, (line,), Axis(0, total), Axis(0, 0.08, "s"), empty="waiting for step 1")


def screen_text(app: App[None]) -> list[str]:
    return [strip.text for strip in app.screen._compositor.render_strips()]


@pytest.fixture
def repainted(monkeypatch: pytest.MonkeyPatch) -> list[Region | None]:
    """What the chart was told to repaint; None for all of it."""
    seen: list[Region | None] = []
    refresh = Chart.refresh

    def record(self: Chart, *regions: Region, **more: bool) -> Chart:
        if not more:
            seen.extend(regions or [None])
        return refresh(self, *regions, **more)

    monkeypatch.setattr(Chart, "refresh", record)
    return seen


@pytest.fixture
def renders(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[ChartSpec]]:
    seen: list[ChartSpec] = []
    render = widget.render

    def record(spec: ChartSpec, *args: int, **more: object) -> object:
        seen.append(spec)
        return render(spec, *args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(widget, "render", record)
    return seen


async def test_it_shows_the_spec() -> None:
    app = ChartApp()
    async with app.run_test(size=(WIDTH, HEIGHT)) as pilot:
        assert "waiting for step 1" in "\n".join(screen_text(app))
        app.chart.show(growing(150))
        await pilot.pause()
        rows = screen_text(app)
        assert rows[0].startswith("Step latency ms  ▲ compile")
        assert rows[1].startswith("  80┤")
        assert any(0x2800 < ord(char) < 0x2900 for char in rows[5])
        assert rows[-1].split()[-1] == "150"


async def test_an_equal_spec_costs_nothing(repainted: list[Region | None], renders: list[ChartSpec]) -> None:
    app = ChartApp()
    async with app.run_test(size=(WIDTH, HEIGHT)) as pilot:
        app.chart.show(growing(20))
        await pilot.pause()
        repainted.clear()
        renders.clear()
        app.chart.show(growing(20))
        await pilot.pause()
        assert (repainted, renders) == ([], [])


async def test_a_different_spec_that_looks_the_same_repaints_nothing(repainted: list[Region | None]) -> None:
    app = ChartApp()
    async with app.run_test(size=(WIDTH, HEIGHT)) as pilot:
        app.chart.show(growing(20))
        await pilot.pause()
        repainted.clear()
        spec = growing(20)
        app.chart.show(ChartSpec(spec.title, spec.series, spec.x, spec.y, empty="no more waiting"))
        await pilot.pause()
        assert repainted == []


async def test_new_points_repaint_only_the_columns_they_fall_into(repainted: list[Region | None]) -> None:
    app = ChartApp()
    async with app.run_test(size=(WIDTH, HEIGHT)) as pilot:
        app.chart.show(growing(60))
        await pilot.pause()
        before = screen_text(app)
        repainted.clear()
        app.clock.now += 1
        app.chart.show(growing(66))
        await pilot.pause()
        after = screen_text(app)
        regions = [region for region in repainted if region is not None]
        assert len(regions) == len(repainted), "not the whole chart"
        assert sum(region.area for region in regions) <= 20
        left, right = 5 + int(59 / 150 * 75) - 1, 5 + int(66 / 150 * 75) + 1
        assert all(left <= region.x and region.right <= right for region in regions)
        changed = {
            (x, y)
            for y, (old, new) in enumerate(zip(before, after))
            for x, pair in enumerate(zip(old, new))
            if pair[0] != pair[1]
        }
        assert changed
        assert all(any(region.contains(x, y) for region in regions) for x, y in changed)


async def test_a_dense_line_repaints_its_newest_column_once_a_second(repainted: list[Region | None]) -> None:
    app = ChartApp()
    async with app.run_test(size=(WIDTH, HEIGHT)) as pilot:
        app.chart.show(growing(3000, 7500))
        await pilot.pause()
        repainted.clear()
        for count in range(3005, 3100, 5):
            app.clock.now += 0.03
            app.chart.show(growing(count, 7500))
        await pilot.pause()
        assert repainted == []
        assert app.chart._timer is not None, "the points that wait will be painted without another show"
        assert app.chart.spec == growing(3095, 7500)
        app.clock.now += 1
        app.chart._repaint()
        assert repainted
        assert app.chart._timer is None


async def test_scrolling_hovering_and_other_widgets_draw_nothing(renders: list[ChartSpec]) -> None:
    app = ChartApp()
    async with app.run_test(size=(WIDTH, HEIGHT)) as pilot:
        app.chart.show(growing(20))
        await pilot.pause()
        renders.clear()
        await pilot.hover(Chart, offset=(10, 3))
        await pilot.click(Chart, offset=(20, 4))
        app.screen.refresh()
        await pilot.pause()
        assert renders == []


async def test_off_screen_it_remembers_and_draws_when_it_is_seen_again(renders: list[ChartSpec]) -> None:
    app = ChartApp()
    async with app.run_test(size=(WIDTH, HEIGHT)) as pilot:
        await app.push_screen(Screen())
        renders.clear()
        for count in range(1, 100):
            app.chart.show(growing(count, title="Later"))
        await pilot.pause()
        assert renders == []
        app.pop_screen()
        await pilot.pause()
        assert screen_text(app)[0].startswith("Later ms")
        assert len(renders) == 1


async def test_not_displayed_it_remembers_too(renders: list[ChartSpec]) -> None:
    app = ChartApp()
    async with app.run_test(size=(WIDTH, HEIGHT)) as pilot:
        app.chart.add_class("hidden")
        await pilot.pause()
        renders.clear()
        app.chart.show(growing(30, title="Later"))
        await pilot.pause()
        assert renders == []
        app.chart.remove_class("hidden")
        await pilot.pause()
        assert screen_text(app)[0].startswith("Later ms")


async def test_a_new_size_draws_the_whole_chart_again() -> None:
    app = ChartApp()
    async with app.run_test(size=(WIDTH, HEIGHT)) as pilot:
        app.chart.show(growing(150))
        for width in (81, 17, 120):
            await pilot.resize_terminal(width, HEIGHT)
            await pilot.pause()
            rows = screen_text(app)
            assert all(len(row) == width for row in rows)
            assert "".join(run.text for run in app.chart._rows[3]) == rows[3]


async def test_before_it_is_mounted_and_after_it_is_removed_show_is_harmless() -> None:
    app = ChartApp()
    Chart().show(growing(5))
    async with app.run_test(size=(WIDTH, HEIGHT)) as pilot:
        await pilot.pause()
        await app.chart.remove()
        app.chart.show(growing(7))
        await pilot.pause()


async def test_a_light_theme_takes_the_darker_colours() -> None:
    app = ChartApp()
    async with app.run_test(size=(WIDTH, HEIGHT)) as pilot:
        app.chart.show(growing(50))
        await pilot.pause()
        assert variant_style("compile").colour in {run.style for run in app.chart._rows[0]}
        app.theme = "textual-light"
        await pilot.pause()
        assert variant_style("compile").light_colour in {run.style for run in app.chart._rows[0]}


async def test_ascii_and_plain_colours_can_be_chosen_later() -> None:
    app = ChartApp()
    async with app.run_test(size=(WIDTH, HEIGHT)) as pilot:
        app.chart.show(growing(50))
        app.chart.restyle(ascii=True, colours=Colours("none"))
        await pilot.pause()
        assert all(row.isascii() for row in screen_text(app))
        assert {run.style for row in app.chart._rows for run in row} <= {"", "bold", "dim"}


def test_spans_are_exact_and_near_ones_are_joined() -> None:
    def row(text: str, style: str = "") -> tuple[Run, ...]:
        return (Run(text, style),)

    assert changed_spans(row("abcdef"), row("abcdef")) == []
    assert changed_spans(row("abcdef"), row("abXdeX")) == [(2, 6)]
    assert changed_spans(row("a" * 40), row("b" + "a" * 38 + "b")) == [(0, 1), (39, 40)]
    assert changed_spans(row("a a", "red"), row("a a", "blue")) == [(0, 3)]
    assert changed_spans(row("   ", "red"), row("   ", "blue")) == []


async def test_wide_characters_take_two_cells_and_their_changes_are_found() -> None:
    def named(label: str) -> ChartSpec:
        return ChartSpec("t", growing(20).series, Axis(0, 40, slots=(Slot(label, 0, 20), Slot("b", 20, 40))))

    app = ChartApp()
    async with app.run_test(size=(WIDTH, HEIGHT)) as pilot:
        app.chart.show(named("512画像"))
        await pilot.pause()
        for label in ("画像", "b\x1b画", "plain", "\x1b[2J生成画像"):
            app.chart.show(named(label))
            await pilot.pause()
            assert all(cell_len(row) == WIDTH for row in screen_text(app))
            assert screen_text(app)[-1].split()[0] == "".join(char for char in label if char.isprintable())
