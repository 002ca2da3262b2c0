"""The Triggers screen through the Pilot: what it shows, what its keys do, and how it follows a session that runs."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest
from textual.message import Message

from profiler import events as ev
from profiler.eventlog import EventLog
from tests.support import recorded, triggers
from tests.support.recorded import Recording
from tests.tui.hostile import HOSTILE
from tests.tui.inspector import inspecting, opened, pressed, row_of
from tests.tui.support import flat, same_as_golden, text_of, until, until_read
from tui.app import StepscopeApp
from tui.feed import LiveSource
from tui.messages import TriggersChanged
from tui.screens.live import LiveScreen
from tui.screens.sessions import SessionsScreen
from tui.screens.triggers import TriggersScreen

SECOND = 1_000_000_000


@pytest.fixture(scope="module")
def recording() -> Recording:
    return triggers.triggers()


# --- what it shows ---


@pytest.mark.parametrize("size", [(80, 24), (200, 60)], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_causes(size: tuple[int, int], tmp_path: Path, recording: Recording) -> None:
    async with opened(tmp_path, recording, size) as (app, _, _screen):
        same_as_golden(f"triggers-{size[0]}x{size[1]}", text_of(app))


async def test_the_three_views(tmp_path: Path, recording: Recording) -> None:
    async with opened(tmp_path, recording) as (app, pilot, screen):
        for view in ("causes", "sides", "waterfall"):
            await until(pilot, lambda view=view: screen.picture.view.view == view and bool(screen._list.items()))  # type: ignore[misc]
            same_as_golden(f"triggers-{view}-120x40", text_of(app))
            await pilot.press("tab")
        await until(pilot, lambda: screen.picture.view.view == "causes")


async def test_causes_in_ascii(tmp_path: Path, recording: Recording) -> None:
    async with opened(tmp_path, recording, (80, 24), ascii=True) as (app, pilot, screen):
        await pressed(pilot, "down", lambda: "timestep" in row_of(app, "changed  "))
        same_as_golden("triggers-ascii-80x24", text_of(app))
        for view in "123":
            await pressed(pilot, view, lambda: screen._list.current is not None)
            assert text_of(app).isascii()


async def test_any_size_shows_the_list_the_details_and_the_keys(tmp_path: Path, recording: Recording) -> None:
    async with opened(tmp_path, recording, (60, 16)) as (app, pilot, screen):
        for size in [(60, 16), (61, 30), (99, 29), (100, 16), (160, 16), (300, 100)]:
            await pilot.resize_terminal(*size)
            for view in ("sides", "waterfall", "causes"):
                await pressed(pilot, "tab", lambda view=view: screen.picture.view.view == view)  # type: ignore[misc]
                rows = text_of(app).splitlines()
                assert "? help" in rows[-1] and "q quit" in rows[-1]
                assert screen._list.size.height >= 4
                assert screen._detail.size.height >= 4
                assert all(strip.cell_length == size[0] for strip in app.screen._compositor.render_strips())
            views = "tab causes 1/3" if size[0] < 68 else "tab causes  side by side  waterfall"
            assert text_of(app).splitlines()[1 + (size[1] >= 30)].startswith(f"{views}   ")
        await pilot.resize_terminal(59, 16)
        await until(pilot, lambda: text_of(app).strip() == "too small: 60x16 needed, this is 59x16")


async def test_a_group_says_how_often_and_unfolds_into_its_occurrences(tmp_path: Path) -> None:
    async with opened(tmp_path, triggers.triggers(repeats=2)) as (app, pilot, screen):
        assert row_of(app, "sample height").startswith("+ R ▲    2x")
        assert row_of(app, "came").startswith("came        2 times in 2 runs, 2 of them in measured calls")
        await pressed(pilot, "right", lambda: row_of(app, "sample height").startswith("- R"))
        lines = screen._causes.items()
        assert [line.one is not None for line in lines[:4]] == [False, True, True, False]
        await pressed(pilot, "down", lambda: screen.selected.one is not None)
        assert "#1" in row_of(app, "where")
        await pressed(pilot, "left", lambda: screen.selected.one is None)
        await pressed(pilot, "enter", lambda: row_of(app, "sample height").startswith("- R"))
        await pressed(pilot, "enter", lambda: row_of(app, "sample height").startswith("+ R"))


async def test_details_hold_everything_that_is_known(tmp_path: Path, recording: Recording) -> None:
    async with opened(tmp_path, recording, (120, 100)) as (app, _, _screen):
        labels = [row[:11].strip() for row in text_of(app).splitlines()]
        wanted = [
            "do",
            "read",
            "what",
            "changed",
            "where",
            "took",
            "phases",
            "made",
            "caches",
            "tracing",
            "dynamic",
            "code",
            "caller",
            "stack",
            "frame",
        ]
        assert [label for label in wanted if label not in labels] == []
        assert "torch says" in labels and "compile id" in labels
        text = text_of(app)
        assert "0/0: tensor 'args[0]' size mismatch at index 2. expected 16, actual 24" in text
        assert "> 1120  " in text, "the line of the code that is meant is marked"
        assert "D dynamo" in text and "K kernels" in text


async def test_long_details_scroll(tmp_path: Path, recording: Recording) -> None:
    async with opened(tmp_path, recording, (80, 24)) as (app, pilot, screen):
        first = row_of(app, "J K scroll")
        assert "─ 1-" in first
        await pressed(pilot, "J", lambda: row_of(app, "J K scroll") != first)
        await pressed(pilot, "K", lambda: row_of(app, "J K scroll") == first)
        await pressed(pilot, "space", lambda: row_of(app, "J K scroll") != first)
        await pressed(pilot, "down", lambda: screen._detail._first == 0)


# --- where one comes from and goes to ---


async def test_it_opens_from_the_sessions_and_escape_goes_back(tmp_path: Path, recording: Recording) -> None:
    recording.write(tmp_path)
    app = StepscopeApp(tmp_path)
    async with app.run_test(size=(100, 24)) as pilot:
        await until(pilot, lambda: "why-sd15" in text_of(app))
        await pilot.press("i")
        await inspecting(pilot)
        await pressed(pilot, "escape", lambda: isinstance(app.screen, SessionsScreen))


async def test_the_logs_are_read_once_for_live_and_the_inspector(tmp_path: Path, recording: Recording) -> None:
    async with opened(tmp_path, recording) as (app, pilot, screen):
        live = app.screen_stack[-2]
        assert isinstance(live, LiveScreen)
        assert isinstance(live._source, LiveSource)
        assert live._source.reading is screen.reading
        revision = screen.reading.revision
        await pressed(pilot, "escape", lambda: isinstance(app.screen, LiveScreen))
        await pressed(pilot, "i", lambda: app.screen is screen)
        assert screen.reading.revision == revision


async def test_selection_filter_and_view_are_kept(tmp_path: Path, recording: Recording) -> None:
    async with opened(tmp_path, recording) as (app, pilot, screen):
        await pressed(pilot, "v", lambda: screen.picture.view.variant == "compile")
        await pilot.press("down", "down")
        before = screen._causes.current
        assert before is not None
        await pressed(pilot, "i", lambda: isinstance(app.screen, LiveScreen))
        await pressed(pilot, "i", lambda: isinstance(app.screen, TriggersScreen))
        assert app.screen is screen
        assert screen._causes.current == before
        assert screen.picture.view.variant == "compile"


async def test_another_session_starts_anew(tmp_path: Path, recording: Recording) -> None:
    recording.write(tmp_path)
    triggers.triggers(session="another").write(tmp_path)
    app = StepscopeApp(tmp_path)
    async with app.run_test(size=(100, 24)) as pilot:
        await until(pilot, lambda: "another" in text_of(app))
        await pilot.press("i")
        first = await inspecting(pilot)
        await pressed(pilot, "escape", lambda: isinstance(app.screen, SessionsScreen))
        await pilot.press("down", "i")
        second = await inspecting(pilot)
        assert {first.folder.id, second.folder.id} == {"another", recording.session}
        assert not first.is_running


@pytest.mark.parametrize("start", ["live", "sessions"])
async def test_the_step_is_shown_on_the_chart_and_escape_comes_back(
    start: str, tmp_path: Path, recording: Recording
) -> None:
    folder = recording.write(tmp_path)
    app = StepscopeApp(tmp_path, folder if start == "live" else None)
    async with app.run_test(size=(120, 40)) as pilot:
        if start == "live":
            await until_read(pilot)
        else:
            await until(pilot, lambda: "why-sd15" in text_of(app))
        await pilot.press("i")
        screen = await inspecting(pilot)
        await pilot.press("down")
        one = screen.selected.meant
        assert one is not None
        await pressed(pilot, "l", lambda: isinstance(app.screen, LiveScreen))
        live = app.screen
        assert isinstance(live, LiveScreen)
        focus = live._view.focus
        assert focus is not None
        assert (focus.run, focus.call, focus.step, focus.key) == (one.run, one.place.call, one.place.step, one.key)
        await pressed(pilot, "escape", lambda: isinstance(app.screen, TriggersScreen))
        assert screen.selected.meant == one


# --- nothing to show ---


async def test_without_compiled_variants_it_says_so(tmp_path: Path) -> None:
    async with opened(tmp_path, recorded.finished(variants=["no-compile"])) as (app, pilot, screen):
        assert "nothing is compiled in the no-compile variant" in text_of(app)
        assert "y copy" not in text_of(app)
        for key in ("enter", "right", "left", "l", "y", "e", "s", "v", "slash", "J", "end", "tab", "shift+tab"):
            await pilot.press(key)
        await until(pilot, lambda: app.screen is screen and screen.picture.view.view == "causes")


async def test_without_recompiles_it_says_so(tmp_path: Path) -> None:
    async with opened(tmp_path, recorded.finished(variants=["no-compile", "compile"])) as (app, _, _screen):
        assert "no recompiles: every call after the first ran what that one had compiled" in text_of(app)


async def test_without_the_trace_it_says_why(tmp_path: Path) -> None:
    asked = recorded.finished(variants=["compile"])
    records = [record for record in asked.records if not isinstance(record.event, ev.CompileStarted)]
    for record in records:
        if isinstance(record.event, ev.Environment):
            record.event.trace, record.event.trace_reason = False, "TORCH_TRACE_DISABLED is set"
    kept = [record for record in records if not isinstance(record.event, ev.CompileEvent)]
    folder = Recording(asked.session, asked.request, kept, asked.live_ns)
    async with opened(tmp_path, folder) as (app, pilot, _screen):
        assert "torch does not tell what it compiles: TORCH_TRACE_DISABLED is set" in text_of(app)
        await pressed(pilot, "escape", lambda: isinstance(app.screen, LiveScreen))
        assert text_of(app).splitlines()[-1].startswith("i why"), "Live offers it although nothing was told"


async def test_before_anything_was_compiled_it_says_so(tmp_path: Path, recording: Recording) -> None:
    folder = recording.write(tmp_path, until_ns=recorded.BASE_NS + 2 * SECOND)
    async with opened(tmp_path, recording, folder=folder) as (app, _, _screen):
        assert "nothing has been compiled yet" in text_of(app)


async def test_what_cannot_be_read_says_why(tmp_path: Path, recording: Recording) -> None:
    folder = recording.write(tmp_path)
    folder.manifest_file.write_text("{", encoding="utf-8")
    app = StepscopeApp(tmp_path)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "why-sd15" in text_of(app))
        await pilot.press("i")
        await until(pilot, lambda: isinstance(app.screen, TriggersScreen) and "session.json is damaged" in text_of(app))


# --- while it runs ---


async def test_a_recompile_is_seen_while_it_still_compiles(tmp_path: Path, recording: Recording) -> None:
    told = (record.event for record in recording.records if record.event.t > recording.live_ns)
    ended = next(event.t for event in told if isinstance(event, ev.CompileEnded))
    with recorded.Feeder(recording, tmp_path) as feeder:
        feeder.feed_history()
        async with opened(tmp_path, recording, folder=feeder.folder) as (app, pilot, screen):
            status = row_of(app, "compiling UNet2DConditionModel")
            assert re.search(r"(?:compiling kernels|inductor codegen), \d+ s; the first one took 24 s", status)
            assert "took 24 s" in status
            line = screen._causes.items()[0]
            assert line.running and "sample height" in line.sentence
            await pilot.resize_terminal(80, 24)
            await until(pilot, lambda: "s (first 24 s), " in row_of(app, "compiling UNet2DConditionModel"))
            await pilot.press("end")
            kept = screen._causes.current
            assert kept is not None
            feeder.feed(ended)
            await until(pilot, lambda: not row_of(app, "compiling UNet2DConditionModel"))
            assert any("sample height" in line.sentence and not line.running for line in screen._causes.items())
            current = screen._causes.current
            assert current is not None and current.key == kept.key


async def test_only_a_change_is_a_message(tmp_path: Path, recording: Recording) -> None:
    seen: list[Message] = []
    with recorded.Feeder(recording, tmp_path) as feeder:
        feeder.feed_history()
        async with opened(tmp_path, recording, folder=feeder.folder, seen=seen) as (_, pilot, screen):
            feeder.feed(recording.end_ns)
            await until(pilot, lambda: screen.picture.heading.state == "done")
            pictures = [message.picture for message in seen if isinstance(message, TriggersChanged)]
            assert all(one != other for one, other in pairwise(pictures))


async def test_a_compile_of_which_the_log_lost_all_but_its_beginning(tmp_path: Path) -> None:
    asked = triggers.triggers(variants=["compile"])
    kept = [record for record in asked.records if not isinstance(record.event, ev.CompileEnded)]
    for record in kept:
        if isinstance(record.event, ev.CompileStarted):
            record.event.module = record.event.fqn = None
            record.event.function = ""
    recording = Recording(asked.session, asked.request, kept, asked.live_ns)
    async with opened(tmp_path, recording) as (app, pilot, _screen):
        await pressed(pilot, "shift+tab", lambda: row_of(app, "C 0/0").split()[2] == "–")
        assert row_of(app, "a first compile").startswith("what        0/0  a first compile")


async def test_hostile_text_is_shown_and_not_obeyed(tmp_path: Path, recording: Recording) -> None:
    folder = recording.write(tmp_path)
    run = recording.request.runs[1].name
    log = EventLog(folder.run_log(run))
    at = recorded.BASE_NS + 10**12
    for number, text in enumerate(HOSTILE):
        where = {"id": f"9/{number}", "call": 1, "stage": text, "loop": 0, "step": 0}
        named = {"module": text, "fqn": text, "function": text, "file": text, "line": 1}
        log.write(ev.SourceLines(t=at, **where, file=text, line=1, first=1, lines=[text, text]))
        log.write(
            ev.Recompile(
                t=at, **where, **named, reasons=[text, text], source=text, argument=text, actual=text, at=f"{text}:1"
            )
        )
        log.write(ev.CompileStarted(t=at, **where, **named, caller=text, stack=[text] * 3, recompile=True))
        log.write(ev.DynamicMark(t=at, **where, name=text, why=text, cached=text, new=text))
        log.write(ev.GraphBreak(t=at, **where, file=text, line=1, break_id=text, reason=text))
        log.write(ev.CacheLookup(t=at, **where, layer=text, state=text, why=text))
        log.write(
            ev.CompileEnded(
                t=at, **where, start_ns=at, ns=5, phases={"total": 5, text: 3}, failure=text, ok=bool(number % 2)
            )
        )
        log.write(ev.CudaGraph(t=at, **where, action="skip", reason=text))
    log.close()
    async with opened(tmp_path, recording, (120, 60), folder=folder) as (app, pilot, screen):
        for view in ("causes", "sides", "waterfall"):
            await pressed(
                pilot, "tab" if view != "causes" else "home", lambda view=view: screen.picture.view.view == view
            )  # type: ignore[misc]
            for number in range(len(screen._list.items())):
                assert all(char.isprintable() for char in flat(screen._detail.shown).replace("\n", ""))
                screen._list.move(1)
                screen._show_detail()
                if number % 20 == 0:
                    await pilot.pause()
                    assert all(char.isprintable() for char in text_of(app).replace("\n", ""))
                    assert all(strip.cell_length == 120 for strip in app.screen._compositor.render_strips())
        await pilot.press("tab", *"cme")
        assert app.screen is screen
        assert "[@click=app.quit]x[/]" in text_of(app) or screen.picture.shown
