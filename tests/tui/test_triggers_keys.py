"""What the keys of the inspector do: filters, order, the other views, and what one takes away."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import triggers
from tests.support.recorded import Recording
from tests.tui.inspector import opened, pressed, row_of
from tests.tui.support import text_of, until


@pytest.fixture(scope="module")
def recording() -> Recording:
    return triggers.triggers()


# --- filters and order ---


async def test_keys_go_through_the_values_that_there_are(tmp_path: Path, recording: Recording) -> None:
    async with opened(tmp_path, recording) as (app, pilot, screen):
        for key, field in [("r", "run"), ("v", "variant"), ("c", "cause"), ("m", "module")]:
            values = screen.picture.values(field)
            assert len(values) > 1
            for value in values[:3]:
                await pressed(pilot, key, lambda field=field, value=value: screen.picture.view.chosen(field) == value)  # type: ignore[misc]
                assert f"{screen.picture.shown} of {screen.picture.total} events" in row_of(app, "tab causes")
                assert 0 < screen.picture.shown < screen.picture.total
            await pilot.press(*key * (len(values) - len(values[:3]) + 1))
            await until(pilot, lambda: not screen.picture.view.filtered)


async def test_a_typed_filter_narrows_as_it_is_typed(tmp_path: Path, recording: Recording) -> None:
    async with opened(tmp_path, recording, (80, 24)) as (app, pilot, screen):
        await pilot.press("slash", *"height")
        await until(pilot, lambda: screen.picture.shown == 1)
        await until(pilot, lambda: text_of(app).splitlines()[-1].startswith("filter height "))
        assert text_of(app).splitlines()[-1].endswith("enter keep  esc undo")
        await pressed(pilot, "enter", lambda: not screen.typing)
        assert "height" in row_of(app, "tab causes")
        await pilot.press("slash", *"xyz")
        await until(pilot, lambda: "none of" in text_of(app))
        assert "a shows all" in text_of(app)
        await pressed(pilot, "escape", lambda: not screen.typing and screen.picture.shown == 1)
        await pressed(pilot, "a", lambda: screen.picture.shown == screen.picture.total)


async def test_keys_are_letters_while_a_filter_is_typed(tmp_path: Path, recording: Recording) -> None:
    async with opened(tmp_path, recording) as (app, pilot, screen):
        await pilot.press("slash", *"qix", "colon", *"1")
        await until(pilot, lambda: "there are: run, case" in row_of(app, "tab causes"))
        assert screen.picture.shown == screen.picture.total, "what means nothing hides nothing"
        await pressed(pilot, "tab", lambda: not screen.typing)
        assert app.screen is screen
        assert screen.view.typed == "qix:1"
        assert screen.view.view == "causes"


async def test_the_order_changes_and_the_selection_stays(tmp_path: Path, recording: Recording) -> None:
    async with opened(tmp_path, recording) as (app, pilot, screen):
        blames = [line.blame for line in screen._causes.items()]
        assert blames == sorted(blames, key=("yours", "?", "expected", "artefact").index)
        await pilot.press("down")
        chosen = screen._causes.current
        assert chosen is not None
        for word in ("by cost", "by how often", "by when", "yours first"):
            await pressed(pilot, "s", lambda word=word: word in row_of(app, "tab causes"))  # type: ignore[misc]
            assert screen._causes.current == chosen
        await pilot.press("s")
        await until(pilot, lambda: screen.picture.view.sort == "cost")
        totals = [line.group.total_ms for line in screen.picture.lines]
        assert totals == sorted(totals, reverse=True)


# --- the other views ---


async def test_the_two_sides_are_chosen(tmp_path: Path, recording: Recording) -> None:
    async with opened(tmp_path, recording) as (app, pilot, screen):
        await pressed(pilot, "tab", lambda: "Of the run that compiled longest" in text_of(app))
        head = row_of(app, "difference")
        assert head.index("▲ compile") < head.index("■ regional-compile")
        await pressed(pilot, "right_square_bracket", lambda: "● no-compile" in row_of(app, "difference"))
        await pressed(pilot, "left_square_bracket", lambda: "■ regional-compile" in row_of(app, "difference"))
        await pressed(pilot, "end", lambda: screen.selected.group is not None and bool(row_of(app, "what  ")))


async def test_the_run_of_the_waterfall_is_chosen(tmp_path: Path, recording: Recording) -> None:
    async with opened(tmp_path, recording) as (app, pilot, screen):
        await pressed(pilot, "shift+tab", lambda: "run 1 of 2" in text_of(app))
        bars = screen._waterfall.items()
        assert [bar.start_s for bar in bars] == sorted(bar.start_s for bar in bars)
        await pressed(pilot, "down", lambda: "sample height" in text_of(app))
        await pressed(pilot, "r", lambda: "run 2 of 2" in text_of(app) and "BasicTransformerBlock" in text_of(app))
        await pressed(pilot, "r", lambda: "run 1 of 2" in text_of(app))


# --- to take away ---


async def test_the_remedy_is_copied(tmp_path: Path, recording: Recording) -> None:
    async with opened(tmp_path, recording) as (app, pilot, screen):
        one = screen.selected.meant
        assert one is not None and one.advice is not None
        await pressed(pilot, "y", lambda: "copied (in tmux: set-clipboard on)" in text_of(app))
        assert app.clipboard == one.advice.remedy


async def test_an_export_overwrites_nothing(tmp_path: Path, recording: Recording) -> None:
    home, out = tmp_path / "home", tmp_path / "out"
    out.mkdir()
    async with opened(home, recording) as (app, pilot, screen):
        screen._exports = out
        await pressed(pilot, "e", lambda: "-triggers.md" in text_of(app).splitlines()[-1])
        first = out / "why-sd15-txt2img-triggers.md"
        text = first.read_text(encoding="utf-8")
        assert "sample height" in text
        assert text.startswith(
            "# why-sd15-txt2img: why things were compiled\n\nNVIDIA Recorded 24 GB (cuda:0): sd15-txt2img"
        )
        assert "\nOnly: " not in text
        await pressed(pilot, "e", (out / "why-sd15-txt2img-triggers-2.md").exists)
        assert first.read_text(encoding="utf-8") == text
        await pilot.press("slash", *"height", "enter")
        await until(pilot, lambda: screen.picture.shown == 1)
        await pressed(pilot, "e", (out / "why-sd15-txt2img-triggers-3.md").exists)
        filtered = (out / "why-sd15-txt2img-triggers-3.md").read_text(encoding="utf-8")
        assert "\nOnly: height\n" in filtered and "grad mode" not in filtered
        screen._exports = tmp_path / "nowhere"
        await pressed(pilot, "e", lambda: "nothing written: No such file or directory" in text_of(app))
