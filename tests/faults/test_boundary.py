"""Text of a log is harmless from the moment that it is read, in every field of every kind of record."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiler import events as ev
from profiler.boundary import clean, harmless, may_harm
from profiler.eventlog import EventLog, LogReader
from profiler.legible import HIDDEN
from profiler.sessions import Manifest
from tests.support.anything import HOSTILE_UTF8, KINDS, events, filled, texts
from tui import safe

HIDING = (
    *HOSTILE_UTF8,
    "a\bb",
    "a\fb",
    "a\rb",
    "\x7f",
    "\u00ad",
    "\ufff9",
    "\U000e0041",
    "\u061c",
    "e" + "\u0301" * 500,
)


def harms(text: str) -> bool:
    if text.isascii() and text.isprintable():
        return False
    piled = any(
        all(unicodedata.category(char) in ("Mn", "Me") for char in text[at : at + 3]) for at in range(len(text) - 2)
    )
    return piled or any(char not in "\n\t" and unicodedata.category(char) in HIDDEN for char in text)


@pytest.mark.parametrize("budget", [1 << 18, 500], ids=["at once", "in pieces"])
def test_no_field_of_a_log_keeps_what_a_terminal_obeys(tmp_path: Path, budget: int) -> None:
    log = tmp_path / "events.jsonl"
    writer = EventLog(log)
    written = [filled(kind, text) for text in HIDING for kind in KINDS]
    for event in written:
        if type(event) is not ev.Header:  # one of a later format ends what is read
            writer.write(event)
    writer.write(ev.Header(writer="\x1b[31mred", host="\u202ehost"))
    writer.close()
    reader = LogReader(log)
    read: list[ev.Event] = []
    while True:
        chunk = reader.read(budget)
        read += chunk.events
        if not chunk.more:
            break
    assert (len(read), reader.bad, reader.unknown, reader.lost) == (reader_count(written), 0, 0, 0)
    found = [(type(event).__name__, path, text) for event in read for path, text in texts(event)]
    assert len(found) > 50 * len(HIDING)
    assert [one for one in found if harms(one[2])] == []
    assert reader.header is not None
    assert (reader.header.writer, reader.header.host) == ("␛[31mred", "‹202E›host")


def reader_count(written: list[ev.Event]) -> int:
    return sum(1 for event in written if type(event) is not ev.Header) + 1


def test_what_stands_for_a_character_says_which_it_was() -> None:
    assert harmless("\x1b]0;x\x07 \x9b31m \u202e \x7f \r\n\t") == "␛]0;x␇ ‹009B›31m ‹202E› ␡ ␍\n\t"
    assert harmless("naïve 世界 → é ①") == "naïve 世界 → é ①"
    assert harmless("e\u0301\u0302\u0303x") == "e\u0301\u0302x"


@given(st.text())
def test_harmless_text_stays_as_it_is(text: str) -> None:
    once = harmless(text)
    assert not harms(once)
    assert harmless(once) == once
    if not harms(text) and not (text and unicodedata.category(text[0]) in ("Mn", "Me")):
        assert once == text


@given(events(text=st.text() | st.sampled_from(HIDING)))
def test_a_line_that_is_passed_over_has_nothing_to_replace(event: ev.Event) -> None:
    line = msgspec.json.encode(event)
    if not may_harm(line):
        before = msgspec.json.decode(line, type=ev.AnyEvent)
        assert clean(msgspec.json.decode(line, type=ev.AnyEvent)) == before


@pytest.mark.parametrize("text", [text for text in HIDING if harms(text)])
def test_a_line_with_what_hides_or_steers_is_never_passed_over(text: str) -> None:
    assert may_harm(msgspec.json.encode(ev.Note(text=text)))


def test_what_most_logs_hold_is_passed_over() -> None:
    for event in (ev.Step(ns=5), ev.GpuSample(power_mw=7), ev.Note(text='a "quoted"\n\ttext with C:\\path')):
        assert not may_harm(msgspec.json.encode(event))


def test_the_files_of_a_session_are_made_harmless_by_the_same_function() -> None:
    for text in HIDING:
        manifest = clean(filled(Manifest, text))
        assert [path for path, found in texts(manifest) if harms(found)] == []


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("👩\u200d💻 🏳\ufe0f\u200d🌈 👍🏽 🇩🇪", "👩💻 🏳\ufe0f🌈 👍🏽 🇩🇪"),
        ("می\u200cخواهم", "میخواهم"),
        ("क्\u200dष", "क्ष"),
        ("שָׁלוֹם café 日本語 สวัสดี Tiếng", "שָׁלוֹם café 日本語 สวัสดี Tiếng"),
        ("pipe\u200dline", "pipe‹200D›line"),
        ("\u200d💻 💻\u200c", "‹200D›💻 💻‹200C›"),
        ("👩\u200d\u200d💻", "👩‹200D›‹200D›💻"),
        ("й\u200dй", "й‹200D›й"),
    ],
)
def test_honest_text_is_shown_and_what_joins_it_only_made_visible_elsewhere(written: str, shown: str) -> None:
    assert harmless(written) == shown
    assert safe.line(written) == shown.replace("\ufe0f", "")
