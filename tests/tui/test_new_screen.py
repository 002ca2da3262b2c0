"""The New screen: every key and what it does, what is judged as one types, and the start."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from textual import events
from textual.pilot import Pilot

from profiler import conductor, sessions
from profiler.analysis.expecting import expect, pasts_of
from profiler.request import BadRequest, Options, Request
from profiler.sessions import SessionFolder
from tests.support import recorded
from tests.support.recorded import WALL_NS
from tests.tui.support import same_as_golden, text_of, until
from tui.app import StepscopeApp
from tui.asking import NO_TORCH, NewSource
from tui.messages import SessionStarted
from tui.pictures.new.form import Form
from tui.pictures.new.outcome import outcome
from tui.screens.live import LiveScreen
from tui.screens.new import NewScreen
from tui.settings import Settings

HOUR_NS = 3600 * 10**9


def on_cpu(given: str | None) -> str:
    """Every machine is one without a GPU."""
    if given not in (None, "cpu"):
        raise BadRequest(f"{given} can't be used: no NVIDIA driver is loaded; --device cpu would work")
    return "cpu"


def source(home: Path, **known: object) -> NewSource:
    return NewSource(
        home,
        wall_ns=lambda: WALL_NS + 2 * HOUR_NS,
        choose=on_cpu,
        **{"has_torch": lambda: True, "conduct": lambda folder: 1, "room": lambda device: 8 << 30, **known},  # type: ignore[arg-type]
    )


class Bench:
    """The screen on an app that is driven."""

    def __init__(self, pilot: Pilot[None], screen: NewScreen) -> None:
        self.pilot = pilot
        self.screen = screen

    async def judged(self) -> None:
        """Wait until the form as it stands is judged, and nothing more of earlier sessions comes."""
        screen = self.screen
        await until(
            self.pilot,
            lambda: (
                dict(screen.view.picture.texts) == dict(screen.form.texts)
                and (
                    screen.view.picture.fault
                    or "reading earlier" not in str(screen.view.picture.lines or "reading earlier")
                )
            ),
        )

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.judged()

    async def to(self, name: str) -> None:
        """The cursor on a field."""
        names = [field.name for field in self.screen.view.fields]
        steps = names.index(name) - names.index(self.screen.view.cursor)
        await self.press(*["down" if steps > 0 else "up"] * abs(steps))
        assert self.screen.view.cursor == name

    @property
    def texts(self) -> dict[str, str]:
        return dict(self.screen.form.texts)

    @property
    def text(self) -> str:
        """All that is on the screen, with one blank between words."""
        return " ".join(text_of(self.pilot.app).split())

    @property
    def footer(self) -> str:
        return text_of(self.pilot.app).splitlines()[-1]


def drive(
    home: Path,
    work: Callable[[Bench], object],
    *,
    size: tuple[int, int] = (80, 24),
    ascii: bool = False,
    like: SessionFolder | None = None,
    **known: object,
) -> None:
    """Have ``work`` done on the screen in an app of its own."""

    async def go() -> None:
        app = StepscopeApp(home, settings=Settings(ascii=ascii))
        async with app.run_test(size=size) as pilot:
            screen = NewScreen(home, ascii=ascii, like=like, source=source(home, **known))
            await app.push_screen(screen)
            bench = Bench(pilot, screen)
            await bench.judged()
            await work(bench)  # type: ignore[misc]

    asyncio.run(go())


def test_keys_fill_the_form_in(tmp_path: Path) -> None:
    async def work(bench: Bench) -> None:
        screen, press = bench.screen, bench.press
        assert "stepscope run sd15-txt2img" in text_of(bench.pilot.app)
        # a choice: left, right, the default again
        await press("right")
        assert bench.texts == {"pipeline": "sd15-img2img"}
        await press("left")
        assert bench.texts == {}
        # a field of several: the place within it, and the toggle
        await press("down", "right", "space")
        assert bench.texts == {"variants": "no-compile regional-compile"}
        assert "--variant no-compile" in screen.view.picture.command
        await press("u")
        assert bench.texts == {}
        # a number is typed; letters are no keys meanwhile
        await bench.to("steps")
        await press("enter", "2", "4", "left", "backspace")
        assert (screen.typing, bench.texts) == (True, {"steps": "4"})
        assert bench.footer.split() == ["enter", "keep", "esc", "undo"]
        await press("escape")
        assert bench.texts == {}
        await press("enter", "8", "tab")
        assert (screen.typing, screen.view.cursor, bench.texts) == (False, "height", {"steps": "8"})
        await press("right")
        assert bench.texts["height"] == "576"
        await press("backspace")
        assert "height" not in bench.texts
        # folded fields
        assert "seed" not in text_of(bench.pilot.app)
        await press("m", "end")
        assert screen.view.cursor == "queue"
        assert "wait in queue" in text_of(bench.pilot.app)
        await press("space")
        assert bench.texts["queue"] == "off"
        await press("m")
        assert screen.view.cursor == "queue"  # a field that was changed is seen
        await press("home", "pagedown")
        assert screen.view.cursor not in ("pipeline", "queue")
        await press("pageup")
        assert screen.view.cursor == "pipeline"
        # all defaults, after a question
        await press("D", "n")
        assert bench.texts
        await press("D", "y")
        assert bench.texts == {}
        await bench.to("queue" if "queue" in [f.name for f in screen.view.fields] else "steps")
        # finding a pipeline
        await press("slash", *"flux", "down", "down")
        assert bench.texts == {"pipeline": "flux1-schnell"}
        await press("up", "enter")
        assert (bench.texts, screen.typing) == ({"pipeline": "flux1-dev"}, False)
        assert "the weights alone are 45.1 GiB, more than the 8.00 GiB of this machine" in bench.text
        await press("enter", "enter")  # nothing typed: as it was
        assert bench.texts == {"pipeline": "flux1-dev"}
        # the command
        await press("y")
        assert bench.pilot.app.clipboard == "stepscope run flux1-dev"
        assert "clipboard" in bench.footer
        # what is pasted goes into the field that is edited, and nowhere else
        screen.post_message(events.Paste("lost"))
        await bench.to("height")
        await press("enter")
        screen.post_message(events.Paste("768\n"))
        await until(bench.pilot, lambda: screen.view.edit is not None and screen.view.edit.text == "768")
        await press("enter")
        assert bench.texts["height"] == "768"

    drive(tmp_path, work)


def test_what_is_wrong_is_said_at_its_field_and_stops_the_start(tmp_path: Path) -> None:
    made: list[SessionFolder] = []

    async def work(bench: Bench) -> None:
        screen, press = bench.screen, bench.press
        await bench.to("height")
        await press("enter", *"500")
        text = bench.text
        message = "height must be a multiple of 8 for sd15-txt2img, not 500: 496 would work"
        assert text.count(message) == 2  # at the field and below
        assert "!height" in text
        assert "stepscope run" not in text
        await press("enter", "home", "r")
        assert screen.view.cursor == "height"
        assert "not started: height must be" in bench.footer
        # a fault of a folded field: it is unfolded and gone to
        await press("u", "m")
        assert "not started" not in bench.footer, "it was of the form as it stood"
        await bench.to("seed")
        await press("enter", *"-3", "enter", "u", "enter", *"x", "enter", "m", "home", "r")
        assert screen.view.cursor == "seed"
        await press("u")
        # a device that isn't here
        await press("home")
        await bench.to("device")
        await press("enter", *"cuda", "down", "enter")
        assert screen.view.picture.fault_field == "device"
        assert "no NVIDIA driver" in text_of(bench.pilot.app)
        assert not (tmp_path / "sessions").exists()
        assert not made

    drive(tmp_path, work, conduct=made.append)


def test_r_makes_the_session_and_live_opens_on_it(tmp_path: Path) -> None:
    asked: list[Request] = []

    def conduct(folder: SessionFolder) -> int:
        asked.append(folder.manifest().request)
        return 1

    async def work(bench: Bench) -> None:
        app = bench.pilot.app
        await bench.to("size")
        await bench.press("right")
        await bench.press("r")
        await until(bench.pilot, lambda: isinstance(app.screen, LiveScreen))
        assert isinstance(app.screen, LiveScreen)
        assert [app.screen.folder.id] == [folder.id for folder in sessions.all_sessions(tmp_path)]
        assert (len(asked), asked[0].cases[0].workload.size, asked[0].device) == (1, "tiny", "cpu")

    drive(tmp_path, work, conduct=conduct)


def test_a_profiler_that_cannot_start_leaves_nothing_behind(tmp_path: Path) -> None:
    def conduct(folder: SessionFolder) -> int:
        raise conductor.CannotStart("the profiler process can't be started: no memory")

    async def work(bench: Bench) -> None:
        await bench.press("r")
        await until(bench.pilot, lambda: "not started: the profiler process" in bench.footer)
        assert bench.screen.possible("start")
        assert sessions.all_sessions(tmp_path) == []

    drive(tmp_path, work, conduct=conduct)


def test_without_torch_all_is_shown_and_nothing_starts(tmp_path: Path) -> None:
    async def work(bench: Bench) -> None:
        assert NO_TORCH in bench.text
        await bench.press("r")
        assert "not started: torch is not installed" in bench.footer

    drive(tmp_path, work, has_torch=lambda: False)


def test_like_another_session_with_code_of_its_own_asks_first(tmp_path: Path) -> None:
    code = tmp_path / "mine.py"
    code.write_text("def make(device, dtype): ...\n")
    folder = recorded.finished(
        session="theirs", device="cpu", pipeline=f"{code}:make", steps=3, size="full", repeats=2
    ).write(tmp_path)
    started: list[SessionFolder] = []

    async def work(bench: Bench) -> None:
        await until(bench.pilot, lambda: bench.texts.get("pipeline") == f"{code}:make")
        await bench.judged()
        assert bench.texts == {"pipeline": f"{code}:make", "device": "cpu", "steps": "3", "repeats": "2"}
        assert "like theirs" in text_of(bench.pilot.app).splitlines()[0]
        await bench.press("r")
        assert "this runs" in bench.footer
        assert "mine.py" in bench.footer
        await bench.press("n")
        assert not started
        await bench.press("r", "y")
        await until(bench.pilot, lambda: bool(started))

    drive(tmp_path, work, like=folder, conduct=lambda each: started.append(each) or 1)


def test_what_is_known_of_one_variant_is_told_of_that_one() -> None:
    def told(*variants: str) -> str:
        asked = recorded.request(device="cpu")
        pasts = pasts_of(recorded.finished(device="cpu", variants=variants).folded(), made_ns=1, here=True)
        return str(outcome(Options(pipeline=""), None, asked, expect(asked, pasts), room=None, reading=False, now_ns=2))

    assert "RSS (no-compile, of the others nothing is known)" in told("no-compile")
    assert "compile needs most of those that are known)" in told("no-compile", "compile")
    assert "nothing is known" not in told("no-compile", "compile", "regional-compile")


def test_keys_that_are_faster_than_the_form_start_what_it_will_be(tmp_path: Path) -> None:
    code = tmp_path / "mine.py"
    code.write_text("def make(device, dtype): ...\n")
    folder = recorded.finished(session="theirs", device="cpu", pipeline=f"{code}:make", size="full").write(tmp_path)
    started: list[SessionFolder] = []

    async def go() -> None:
        app = StepscopeApp(tmp_path)
        async with app.run_test(size=(80, 24)) as pilot:
            known = source(tmp_path, conduct=lambda each: started.append(each) or 1)
            screen = NewScreen(tmp_path, like=folder, source=known)
            await app.push_screen(screen)
            screen.action_start()
            await until(pilot, lambda: screen.asking)
            assert "mine.py" in text_of(app).splitlines()[-1]
            await pilot.press("n")
            # One that was asked for before something else was, isn't started.
            screen.action_pick("scenario", "resolution-sweep")
            screen.action_start()
            screen.action_pick("scenario", "steady")
            await until(pilot, lambda: screen._judged)
            assert not (screen.asking or screen._wanted or started)

    asyncio.run(go())


def test_who_leaves_at_once_leaves_no_session_half_made(tmp_path: Path) -> None:
    left, made = threading.Event(), threading.Event()

    def conduct(folder: SessionFolder) -> int:
        assert left.wait(20)
        assert not threading.current_thread().daemon, "Python would not wait for it"
        made.set()
        return 1

    async def work(bench: Bench) -> None:
        await bench.pilot.press("r")
        await until(bench.pilot, lambda: bool(sessions.all_sessions(tmp_path)))
        await bench.pilot.press("q")
        assert bench.pilot.app.farewell == "A session has just been started: 'stepscope watch last' shows it"

    drive(tmp_path, work, conduct=conduct)
    left.set()
    assert made.wait(20)


def test_what_it_takes_is_told_from_earlier_sessions(tmp_path: Path) -> None:
    recorded.finished(session="before", device="cpu").write(tmp_path)

    async def work(bench: Bench) -> None:
        await bench.to("size")
        await bench.press("right")
        await bench.to("steps")
        await bench.press("enter", *"40", "enter")
        await until(bench.pilot, lambda: "from before" in text_of(bench.pilot.app))
        text = bench.text
        assert "another machine, 2 h ago; scaled: steps 20 and 40" in text
        assert "MiB RSS" in text
        assert "s (scaled from another machine)" in text
        # What isn't known well says so beside its figure, not behind it where a narrow screen cuts.
        await bench.pilot.resize_terminal(80, 24)
        await bench.to("dtype")
        await bench.press(*["right"] * 2)
        await bench.judged()
        text = text_of(bench.pilot.app)
        assert "(a rough guess)" in text
        assert "needs most), a rough guess" in text

    drive(tmp_path, work)


@pytest.mark.parametrize(("size", "ascii"), [((80, 24), False), ((120, 40), False), ((200, 60), True)])
def test_golden(size: tuple[int, int], ascii: bool) -> None:
    home = Path("/home/of/sessions")

    async def work(bench: Bench) -> None:
        await bench.to("size")
        await bench.press("right", "m")
        await bench.to("scenario")
        await bench.press("right")
        await until(bench.pilot, lambda: "resolution-sweep" in bench.screen.view.picture.command)
        assert not ascii or text_of(bench.pilot.app).isascii()
        same_as_golden(f"new-{size[0]}x{size[1]}{'-ascii' if ascii else ''}", text_of(bench.pilot.app))

    drive(home, work, size=size, ascii=ascii)


def test_rarely_changed_fields_are_seen_by_themselves_where_all_have_room(tmp_path: Path) -> None:
    async def work(bench: Bench) -> None:
        async def sized(width: int, height: int, *, folded: bool) -> None:
            await bench.pilot.resize_terminal(width, height)
            await until(bench.pilot, lambda: ("m unfolds" in bench.text) is folded)
            names = [field.name for field in bench.screen.view.fields]
            assert ("queue" in names) is not folded and bench.screen.view.cursor in names

        assert "unfolds" not in bench.text
        rows = text_of(bench.pilot.app).splitlines()
        assert all(any(f"  {title} " in row for row in rows) for title in ("variants", "engines", "wait in queue"))
        await sized(80, 100, folded=False)
        await sized(200, 60, folded=True)
        await sized(300, 100, folded=False)
        await bench.press("end", "up", "enter", "7")
        await sized(80, 24, folded=False)  # it isn't taken away from who types there
        assert bench.screen.typing and bench.texts == {"memory_limit_gib": "7"}
        await bench.press("enter", "m")
        await sized(300, 100, folded=True)  # as it was asked for
        await bench.press("m")
        await sized(300, 100, folded=False)

    drive(tmp_path, work, size=(300, 100))


def test_what_a_session_says_is_shown_and_copied_without_steering_the_terminal(tmp_path: Path) -> None:
    hostile = "\x1b[31m\u202eevil\n" + "wide 漢字 " * 30
    folder = recorded.finished(session="hostile", device="cpu", prompt=hostile, repeats=3).write(tmp_path)

    async def work(bench: Bench) -> None:
        await until(bench.pilot, lambda: "prompt" in bench.texts)
        await bench.judged()
        await bench.to("prompt")
        for keys in ((), ("enter",), ("home",), ("right", "right"), ("end", "x")):
            await bench.press(*keys)
            rows = text_of(bench.pilot.app).splitlines()
            assert all(row.isprintable() for row in rows)
        assert bench.texts["prompt"] == f"{hostile}x"
        await bench.press("enter", "y")
        assert bench.pilot.app.clipboard.isprintable()

    drive(tmp_path, work, like=folder)


def test_the_palette_goes_to_fields_and_picks_pipelines_and_scenarios(tmp_path: Path) -> None:
    async def work(bench: Bench) -> None:
        offered = {command.text: command.action for command in bench.screen.commands()}
        for text in ("scenario: cfg-toggle", "pipeline: sdxl-txt2img", "field: offload"):
            await bench.screen.run_action(offered[text])
            await bench.judged()
        assert bench.texts == {"scenario": "cfg-toggle", "pipeline": "sdxl-txt2img"}
        assert bench.screen.view.cursor == "offload"
        assert "scenario: controlnet-scale" not in offered

    drive(tmp_path, work)


def test_a_click_goes_to_a_field_and_a_second_one_opens_it(tmp_path: Path) -> None:
    async def work(bench: Bench) -> None:
        await bench.pilot.click("FormPanel", offset=(3, 6))
        assert bench.screen.view.cursor == "steps"
        await bench.pilot.click("FormPanel", offset=(3, 1), times=2)
        assert bench.screen.view.cursor == "variants"
        assert bench.texts["variants"] == "compile regional-compile"
        place = text_of(bench.pilot.app).splitlines()[2].index("regional")
        await bench.pilot.click("FormPanel", offset=(place, 1), times=2)
        assert bench.texts["variants"] == "compile", "the choice that was clicked at"
        await bench.pilot.click("FormPanel", offset=(3, 6), times=2)
        assert bench.screen.typing
        await bench.pilot.click("FormPanel", offset=(3, 0))
        assert (bench.screen.typing, bench.screen.view.cursor) == (False, "pipeline")

    drive(tmp_path, work)


def test_nothing_new_is_told_of_a_form_that_stays_as_it_is(tmp_path: Path) -> None:
    recorded.finished(session="before", device="cpu").write(tmp_path)
    looked = source(tmp_path)
    looked.look(Form({"size": "tiny"}))
    pictures = [turn.picture for _ in range(12) if (turn := looked.turn()).picture is not None]
    assert len(pictures) >= 2  # judged at once, then what earlier sessions tell
    assert "from before" in str(pictures[-1].lines)
    for again in (looked.again, lambda: looked.look(Form({"size": "tiny"}))):
        again()
        assert [looked.turn().picture for _ in range(6)][-3:] == [None, None, None]


def test_started_is_told_once_with_the_session(tmp_path: Path) -> None:
    made = source(tmp_path).start(NewScreen(tmp_path).form)
    assert made.why == ""
    assert sessions.find(made.session, tmp_path).manifest().request.device == "cpu"
    assert SessionStarted(made.session).session == made.session
