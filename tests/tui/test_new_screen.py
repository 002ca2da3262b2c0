"""The New screen: every key and what it does, what is judged as one types, and what is shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual import events

from profiler.analysis.expecting import expect, pasts_of
from profiler.request import Options
from profiler.sessions import SessionFolder
from tests.support import recorded
from tests.tui.form import Bench, drive, source
from tests.tui.support import same_as_golden, text_of, until
from tui.pictures.new.form import Form
from tui.pictures.new.outcome import outcome


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


def test_what_is_known_of_one_variant_is_told_of_that_one() -> None:
    def told(*variants: str) -> str:
        asked = recorded.request(device="cpu")
        pasts = pasts_of(recorded.finished(device="cpu", variants=variants).folded(), made_ns=1, here=True)
        return str(outcome(Options(pipeline=""), None, asked, expect(asked, pasts), room=None, reading=False, now_ns=2))

    assert "RSS (no-compile, of the others nothing is known)" in told("no-compile")
    assert "compile needs most of those that are known)" in told("no-compile", "compile")
    assert "nothing is known" not in told("no-compile", "compile", "regional-compile")


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
