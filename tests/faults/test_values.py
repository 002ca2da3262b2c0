"""Any values that the wire format can hold: read, folded in any portions, and shown, without an error."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from profiler import events as ev
from profiler.analysis.fold import SessionFold
from profiler.analysis.progress import planned_calls, run_progress, session_progress
from profiler.analysis.state import SessionState
from profiler.analysis.triggers.guards import read
from profiler.analysis.wholes import whole
from profiler.boundary import harmless
from profiler.eventlog import EventLog, LogReader
from profiler.follow import Follower
from profiler.request import Request
from profiler.sessions import SessionFolder
from tests.support import recorded
from tests.support.anything import KINDS, WORDS, events, fields_of, filled, requests, reworded, values
from tests.support.recorded import Recording
from tests.support.shown import every_view
from tests.support.story import Record
from tests.support.triggers import triggers
from tests.test_replay import told

ASKED = recorded.request(calls=2, steps=3)
NAMES = [run.name for run in ASKED.runs]


def copies(records: Iterable[ev.Event]) -> list[ev.Event]:
    """As a reader makes them: the fold takes events over and completes some."""
    return [msgspec.json.decode(msgspec.json.encode(event), type=ev.AnyEvent) for event in records]


def folded(asked: Request, logs: dict[str | None, list[ev.Event]]) -> SessionState:
    fold = SessionFold("s", asked)
    for name, log in logs.items():
        fold.conductor(copies(log)) if name is None else fold.run(name, copies(log))
    return fold.state


def show(state: SessionState) -> None:
    """Everything that can be made of a state; an error names what it was made for."""
    for name, view in every_view(state):
        try:
            view()
        except Exception as error:
            raise AssertionError(f"{name}: {type(error).__name__}: {error}") from error


# --- round trips ---


@settings(max_examples=30)
@given(st.lists(events(), max_size=6))
def test_any_events_are_read_as_they_were_written(tmp_path: Path, written: list[ev.Event]) -> None:
    log = tmp_path / "events.jsonl"
    log.unlink(missing_ok=True)
    written = [event for event in written if type(event) is not ev.Header]
    expected = [harmless_copy(event) for event in written]
    writer = EventLog(log, clock=lambda: 7)
    for event in written:
        writer.write(event)
    writer.close()
    found = LogReader(log).read(1 << 30).events
    assert [told(event) for event in found] == [told(replace(event, t=event.t or 7)) for event in expected]


def harmless_copy(event: ev.Event) -> ev.Event:
    return reworded(event, lambda _, text: harmless(text))  # type: ignore[no-any-return]


# --- portions ---


@settings(max_examples=6)
@given(st.data())
def test_in_whatever_portions_records_are_folded_the_state_is_the_same(data: st.DataObject) -> None:
    """``state(fold(prefix) + rest) == state(fold(all))``, with the logs' records mixed in any order."""
    logs = {name: data.draw(st.lists(events(), max_size=8)) for name in (None, *NAMES[:2])}
    at_once = folded(ASKED, logs)
    fold = SessionFold("s", ASKED)
    left = {name: copies(log) for name, log in logs.items()}
    while any(left.values()):
        name = data.draw(st.sampled_from([name for name, log in left.items() if log]))
        count = data.draw(st.integers(1, len(left[name])))
        taken, left[name] = left[name][:count], left[name][count:]
        fold.conductor(taken) if name is None else fold.run(name, taken)
    assert told(fold.state) == told(at_once)


@settings(max_examples=10)
@given(st.data())
def test_a_viewer_that_looks_in_at_any_byte_ends_with_the_same_state(tmp_path: Path, data: st.DataObject) -> None:
    """Live, reattach and replay read the same files in other portions."""
    whole_folder = recorded.finished(steps=2, calls=1).write(Path(tempfile.mkdtemp(dir=tmp_path)))
    contents = {path: path.read_bytes() for path in logs_of(whole_folder)}
    expected = told(Follower(whole_folder).read_all())
    for path in contents:
        path.write_bytes(b"")
    early = Follower(whole_folder)
    early.read_all()
    for path, content in contents.items():
        cut = data.draw(st.integers(0, len(content)))
        with open(path, "ab") as file:
            file.write(content[:cut])
        early.poll(budget_s=0.0)
        with open(path, "ab") as file:
            file.write(content[cut:])
    assert told(early.read_all()) == expected
    assert told(Follower(whole_folder).read_all()) == expected


def logs_of(folder: SessionFolder) -> list[Path]:
    return [folder.conductor_log, *sorted(folder.runs.glob("*/events.jsonl"))]


# --- everything that is shown ---


@settings(max_examples=8)
@given(requests(), st.lists(st.lists(events(), max_size=10), min_size=3, max_size=3))
def test_any_session_of_any_events_can_be_shown(asked: Request, logs: list[list[ev.Event]]) -> None:
    show(folded(asked, dict(zip((None, *(run.name for run in asked.runs)), logs))))


@pytest.fixture(scope="module")
def told_of() -> Recording:
    """A session with a compile of every kind: few steps, so that it is soon shown."""
    return triggers(steps=2)


@settings(max_examples=4)
@given(st.data())
def test_a_session_with_any_values_put_into_it_can_be_shown(told_of: Recording, data: st.DataObject) -> None:
    records = list(told_of.records)
    for _ in range(data.draw(st.integers(1, 60))):
        place = data.draw(st.integers(0, len(records) - 1))
        event = records[place].event
        name = data.draw(st.sampled_from(event.__struct_fields__))
        records[place] = records[place]._replace(
            event=replace(event, **{name: data.draw(values(fields_of(type(event))[name]))})
        )
    show(folded(told_of.request, by_log(records)))


def by_log(records: Iterable[Record]) -> dict[str | None, list[ev.Event]]:
    logs: dict[str | None, list[ev.Event]] = {}
    for record in records:
        logs.setdefault(record.run, []).append(record.event)
    return logs


@pytest.mark.parametrize("number", [0, -1, 1, 2**63 - 1, -(2**63)])
def test_one_number_everywhere_can_be_shown(number: int) -> None:
    """Durations, times, counts and sizes of zero, below zero, and as large as they can be."""
    log = [filled(kind, "0/0", number) for kind in KINDS if kind is not ev.Header]
    show(folded(ASKED, {None: list(log), NAMES[1]: [ev.Header(), *log, *log]}))


@pytest.mark.parametrize("text", [word for word in WORDS if len(word) > 1000 or not word.isascii()])
def test_numbers_of_any_length_within_texts_can_be_shown(text: str) -> None:
    log = [filled(kind, text) for kind in KINDS if kind is not ev.Header]
    again = ev.Recompile(id="0/1", call=0, reasons=[f"0/0: {text}", text], at=text, caller=f"{text} in f", actual=text)
    log += [replace(again, matched=matched, lines=["x"]) for matched in (0, 1, -1, 5)]
    show(folded(ASKED, {None: list(log), NAMES[1]: [ev.Header(), *log]}))


def test_no_text_of_a_guard_takes_long_to_read() -> None:
    """As many as a session may tell; each would take a third of a second where a pattern looks from every blank on."""
    repeated = [
        " ",
        "\n",
        " # a:1 in ",
        "# a:1 in \n",
        " # ",
        " (HINT:",
        "x.",
        "()[",
        "___dict_contains(",
        "tensor '",
        "[",
    ]
    begun = time.process_time()
    for text in repeated:
        for number in range(8):
            read(f"0/{number}: " + text * 8192)
    assert time.process_time() - begun < 20  # some 0.3 s


def test_a_number_in_a_text_is_one_of_eighteen_digits_at_most() -> None:
    assert [whole(text) for text in ("12", " 7 ", "0")] == [12, 7, 0]
    assert [whole(text) for text in ("", None, "²", "-1", "1e3", "٣", "9" * 19, "9" * 5000)] == [None] * 8


@settings(max_examples=10)
@given(requests())
def test_how_far_a_session_is_can_be_told_of_any_request(asked: Request) -> None:
    state = folded(
        asked, {run.name: [ev.Header(), ev.PhaseStarted(phase="measure", calls=2**40)] for run in asked.runs}
    )
    assert 0.0 <= session_progress(state, 0).fraction <= 1.0
    for run in state.runs.values():
        assert 0.0 <= run_progress(state, run, 2**62).fraction <= 1.0
    assert all(len(planned_calls(case)) <= 1_000_000 for case in asked.cases)
