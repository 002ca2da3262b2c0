"""A record as the line that is appended to a log."""

from __future__ import annotations

import re

import msgspec

from profiler.boundary import clean
from profiler.events import CallEnded, Event, GpuSample, Heartbeat, LoopEnded, Note, Step
from profiler.secrets import redacted

NUMBERS = frozenset({Step, GpuSample, Heartbeat, CallEnded, LoopEnded})
"""Records without any text: most of a log."""

_encode = msgspec.json.encode
# What JSON may hold as it is and terminals obey: a log is looked at with ``cat`` and ``less`` too.
_OBEYED = re.compile("[\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")


def line_of(event: Event, longest: int) -> bytes:
    """The record of ``event``; where readers would not take it, a note in its place says so.

    Secrets in it are left out, and what steers a terminal is written as its number. Text that isn't UTF-8 is made so.
    """
    try:
        line = _encode(event)
    except UnicodeEncodeError:
        # A path or message with bytes that aren't UTF-8: what else the record tells may be the run's last word.
        return line_of(clean(msgspec.structs.replace(event)), longest)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        return _note(event, str(error).encode(errors="replace").decode()[:200])
    if type(event) not in NUMBERS:
        text = line.decode()
        told = redacted(text)
        if "\x7f" in told or not told.isascii():
            told = _OBEYED.sub(lambda found: f"\\u{ord(found[0]):04x}", told)
        if told is not text:
            line = told.encode()
    line += b"\n"
    return line if len(line) <= longest else _note(event, f"it takes {len(line)} bytes")


def _note(event: Event, why: str) -> bytes:
    text = f"a record of kind {event.__struct_config__.tag} could not be written: {why}"
    return _encode(Note(seq=event.seq, t=event.t, level="warning", code="unwritable", text=text)) + b"\n"
