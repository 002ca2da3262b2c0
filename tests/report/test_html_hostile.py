"""The HTML page of logs that somebody wrote to do harm, or that are damaged: their text stays text."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from profiler import events as ev
from profiler.analysis.lots import lots_of
from profiler.analysis.state import SessionState
from profiler.report.html import page
from profiler.report.html.markup import Markup, el, text
from profiler.request import Case, Leg, Request
from tests.analysis.events import MS, call, fold, frame, request
from tests.report.test_html import Page, check_self_contained

MARKS = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror='alert(1)'>",
    "' onload='alert(1)",
    "</title></style></svg><svg onload=alert(1)>",
    "<!-- <![CDATA[",
    "javascript:alert(1)",
    "&lt;script&gt; &#60;script&#62;",
    "\x1b[31m\x00\x07\r\n\t",
    "a\u202egnp.exe\u2066\u200b\ufeff\u2028",
    "e" + "\u0301" * 40,
    "{{7*7}} ${7*7} %s",
    "\ud800",
]


def names() -> Iterator[str]:
    """Hostile texts, each with a number of its own: which of them came out how can be told."""
    number = 0
    while True:
        for mark in MARKS:
            number += 1
            yield f"{mark}#{number}"


def hostile() -> tuple[SessionState, list[str]]:
    """A session of two cases with a hostile text wherever a log or a request has one."""
    given = names()
    used: list[str] = []

    def word() -> str:
        used.append(next(given))
        return used[-1]

    asked = _asked(request(variants=["no-compile", "compile"], repeats=1), word)
    logs: dict[str, list[ev.Event]] = {}
    for run in asked.runs:
        leg = asked.case(run.case).workload.legs[0].name
        log: list[ev.Event] = [
            ev.Header(t=0, writer="worker", host=word(), wall_ns=10**30 % 2**62),
            ev.Environment(
                t=0,
                device="cpu",
                device_name=word(),
                cpu=word(),
                threads=3,
                versions={"torch": word(), word(): word(), "diffusers": word()},
            ),
            *frame(word()),
            ev.PhaseStarted(t=100 * MS, phase="measure", calls=3),
        ]
        for index in range(3):
            log += call(index, "measure", 1_000 * (index + 1), [5.0] * 4, leg=leg)
            log.append(ev.Stage(t=1_900 * MS, call=index, name=word(), start_ns=1_000 * MS, ns=5 * MS))
        where = {"id": "0/1", "call": 1, "loop": 0, "step": 0, "stage": word(), "module": word(), "fqn": word()}
        code = {"function": word(), "file": word(), "line": 7}
        log += [
            ev.CompileStarted(t=2_001 * MS, recompile=False, caller=word(), **{**where, "id": "0/0"}, **code),
            ev.CompileEnded(t=2_002 * MS, id="0/0", call=1, start_ns=2_001 * MS, ns=MS),
            ev.Recompile(t=2_003 * MS, reasons=[word(), word()], total_reasons=2, argument=word(), **where, **code),
            ev.CompileStarted(t=2_004 * MS, recompile=True, caller=word(), **where, **code),
            ev.CompileEnded(t=2_005 * MS, id="0/1", call=1, start_ns=2_004 * MS, ns=MS, phases={word(): MS}),
            ev.Note(t=2_010 * MS, level="warning", code=word(), text=word()),
            ev.Note(t=2_011 * MS, level="info", code=word(), text=word()),
            ev.Sync(t=2_012 * MS, file=word(), line=3, function=word(), code=word(), count=2, stage=word()),
            ev.Output(t=2_013 * MS, call=2, images=[word()], thumbnails=[word()], file=word()),
            ev.RunEnded(t=9_000 * MS, outcome="failed", reason=word()),
        ]
        logs[run.name] = log
    told = [
        ev.DeviceSeen(t=1, name=word(), driver=word(), uuid=word()),
        ev.SessionChanged(t=2, state=word(), reason=word()),
    ]
    state = fold(asked, logs, told).state
    state.session = word()
    return state, used


def _asked(asked: Request, word) -> Request:  # type: ignore[no-untyped-def]
    """The request with hostile names in it: it comes from the session's folder as logs do."""
    called: dict[str, str] = {}
    cases: list[Case] = []
    leg = Leg(name=word())
    for case in asked.cases:
        called[case.name] = word()
        workload = replace(
            case.workload,
            pipeline=word(),
            origin=word(),
            weights=word(),
            prompt=word(),
            call={word(): word()},
            legs=(leg,),
        )
        compilation = replace(case.compilation, backend=word(), mode=word(), options={word(): word()}, engine=word())
        cases.append(replace(case, name=called[case.name], workload=workload, compilation=compilation))
    runs = [replace(run, name=word(), case=called[run.case]) for run in asked.runs]
    return replace(asked, cases=cases, runs=runs)


def test_nothing_that_a_log_says_becomes_part_of_the_page() -> None:
    state, used = hostile()
    text_of_page = "".join(page(lots_of(state)))
    found = check_self_contained(text_of_page)
    assert text_of_page.encode("utf-8")
    assert not [name for tag, attributes in found.elements if tag == "svg" for name in attributes if name == "onload"]
    # It is there, to be read as what it is: names of runs, devices, versions, notes, reasons.
    shown = sum(f"#{number}" in found.text for number in range(1, len(used) + 1))
    assert shown > len(used) // 2
    assert "<script>alert(1)</script>#" in found.text


def test_no_control_or_direction_character_reaches_the_page() -> None:
    state, _ = hostile()
    made = "".join(page(lots_of(state)))
    odd = {char for char in made if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp", "Co") and char != "\n"}
    assert odd == set()
    assert "‹202E›" in made and "\u0301" * 3 not in made


@pytest.mark.parametrize("mark", MARKS)
def test_text_and_attributes_are_escaped_wherever_they_are_put(mark: str) -> None:
    made = el("p", mark, el("b", mark, title=mark), class_=mark)
    found = Page(made)
    assert [tag for tag, _ in found.elements] == ["p", "b"]
    assert [sorted(attributes) for _, attributes in found.elements] == [["class"], ["title"]]
    assert made.count("<") == 4


def test_markup_is_not_escaped_twice_and_long_text_is_cut() -> None:
    assert el("p", Markup("<b>x</b>")) == "<p><b>x</b></p>"
    assert text("x" * 9, 4) == "xxxx…"


def test_figures_that_make_no_sense_make_a_page() -> None:
    """A damaged log: times that go back, of no length, or of centuries."""
    given = request(variants=["no-compile", "compile"], repeats=1)
    logs: dict[str, list[ev.Event]] = {}
    for number, run in enumerate(given.runs):
        log = frame(at=50 * number)
        for index, steps in enumerate(([0.0] * 4, [1e12, 0.0, 5.0, 5.0], [5.0], [])):
            log += call(index, "measure", 1_000 - index * 300, steps, images=0)
        log.append(ev.Memory(t=5, phase="measure", rss_bytes=0, rss_peak_bytes=2**62))
        logs[run.name] = log
    check_self_contained("".join(page(lots_of(fold(given, logs).state))))
