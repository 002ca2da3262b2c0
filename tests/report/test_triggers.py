"""The text of triggers: hostile words, and what of a capture is not complete."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from msgspec.structs import replace

from profiler import events as ev
from profiler.analysis import triggers
from profiler.analysis.state import SessionState
from profiler.analysis.triggers.causes import CAUSES
from profiler.report.causespage import causes_page
from profiler.report.text import duration, shortened, unsteering
from profiler.report.triggerpages import Markdown
from profiler.report.triggers import trigger_lines
from tests.analysis.events import MS, call, fold, frame, request

DOCS = Path(__file__).resolve().parents[2] / "docs"
HOSTILE = "a | b <script> `c` \x1b[2J \n| d | *e*"


def session(*events: ev.Event) -> SessionState:
    asked = request(variants=["compile"], repeats=1)
    return fold(asked, {asked.runs[0].name: [*frame("measure"), *events]}, [ev.Header(t=0)]).state


def compiled(text: str) -> list[ev.Event]:
    return [
        ev.Recompile(t=20 * MS, id="0/1", call=0, step=0, reasons=[text], module=text, fqn=text),
        ev.CompileStarted(t=21 * MS, id="0/1", call=0, step=0, module=text, caller=text, recompile=True),
        ev.CompileEnded(t=90 * MS, id="0/1", call=0, step=0, start_ns=20 * MS, ns=70 * MS),
    ]


WORDS = [
    HOSTILE,
    "pipe.unet.requires_grad_(False) with torch._dynamo and __call__(*args, **kwargs), ~~ a_b_c",
    "![pixel](https://example.org/a.png) [text](https://example.org) [a][b] <b> &amp; <!-- -->",
    "\\*a\\* \\[b](c) \\` and ``d` e` \\",
    "- 1. > # `code with a_b_` and `one | two`",
]


def rendered(lines: list[str]) -> list[str]:
    """What a reader sees of Markdown: the text of every paragraph, cell and item; marks that were obeyed are named."""
    reader = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    ours = ("text", "code_inline", "text_special", "strong_open", "strong_close")
    return [
        "".join(part.content if part.type in ours else f"<{part.type}>" for part in block.children or [])
        for block in reader.parse("\n".join(lines))
        if block.type == "inline"
    ]


@pytest.mark.parametrize("text", WORDS)
def test_markdown_shows_every_text_letter_by_letter(text: str) -> None:
    state = session(*call(0, "measure", 10, [50.0]), *compiled(text))
    (group,) = triggers.groups(triggers.occurrences(state))
    lines = trigger_lines(state, markdown=True, every=True)
    seen = rendered(lines)
    assert {line.count("|") for line in lines if line.startswith("|")} == {9}, "no bar of the text begins a cell"
    for said in (group.sentence, group.occurrences[0].caller):
        assert said is not None
        letters = unsteering(" ".join(said.split())).replace("`", "")
        assert any(letters in one.replace("`", "") for one in seen)
    obeyed = {mark for one in seen for mark in re.findall(r"<(\w+_open|image|html_inline|softbreak)>", one)}
    assert not obeyed


def test_remedies_are_shown_letter_by_letter() -> None:
    """They are full of underscores and stars, and some have code in backticks."""
    page = Markdown()
    for cause in CAUSES.values():
        for text in filter(None, (cause.why, cause.remedy)):
            assert rendered(page.paragraph(text)) == [text.replace("`", "")]


def test_plain_text_keeps_its_lines_whatever_the_text() -> None:
    state = session(*call(0, "measure", 10, [50.0]), *compiled(HOSTILE * 20))
    assert not any("\n" in line for line in trigger_lines(state, every=True))


@pytest.mark.parametrize(("steps", "said"), [((0, 0), True), ((0, 1), False)])
def test_a_step_that_several_rows_held_up_is_said_to_be_in_each(steps: tuple[int, int], said: bool) -> None:
    events = [replace(event, step=steps[0]) for event in compiled("0/0: x")]
    events += [replace(event, step=steps[1], id="1/0") for event in compiled("0/0: y")]
    state = session(*call(0, "measure", 10, [50.0, 50.0, 10.0, 10.0, 10.0]), *events)
    text = "\n".join(trigger_lines(state, width=200))
    assert text.count("lost: what the steps lost") == said


@pytest.mark.parametrize(("end", "said"), [([], "; 1 under way"), ([ev.RunEnded(outcome="died")], "; 1 never ended")])
def test_a_compile_without_an_end_is_said_to_have_none(end: list[ev.Event], said: str) -> None:
    state = session(*call(0, "warmup", 10, [50.0]), *compiled("0/0: x")[:2], *end)
    assert trigger_lines(state, width=200)[1].endswith(f"0 s in all{said}")


def test_a_capture_that_is_incomplete_is_told() -> None:
    environment = ev.Environment(t=5 * MS, trace=False, trace_reason="torch 9 has no trace")
    state = session(environment, ev.MonitorError(t=6 * MS, error="x"))
    text = "\n".join(trigger_lines(state, width=200))
    assert "did not answer: torch 9 has no trace" in text
    assert "1 record of torch's trace could not be read" in text


def test_durations_have_three_figures() -> None:
    given = {None: "-", 0: "0 s", 0.00001: "0 ms", 0.83: "0.830 ms", 43.21: "43.2 ms", 999.4: "999 ms"}
    given |= {999.6: "1.00 s", 9514.2: "9.51 s", 104_000: "104 s", 5_000_000: "5000 s", -3.2: "-3.20 ms"}
    assert {ms: duration(ms) for ms in given} == given


def test_places_lose_the_folder_of_the_packages() -> None:
    assert shortened("/v/lib/python3.11/site-packages/diffusers/a.py:3 in f") == "diffusers/a.py:3 in f"
    assert shortened("/home/me/a.py:3 in f") == "/home/me/a.py:3 in f"


def test_the_page_of_causes_is_in_step_with_their_table() -> None:
    assert (DOCS / "triggers.md").read_text(encoding="utf-8") == causes_page(), "run `make schemas`"
