"""Sessions in which every text that somebody else could have written is hostile, for screens, commands and exports.

Fields are found in the types of the records and of ``session.json``: one that is added is hostile from then on.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from itertools import cycle
from pathlib import Path

import msgspec
from msgspec.structs import replace

from profiler import events as ev
from profiler.request import Request
from profiler.sessions import SessionFolder
from tests.support import recorded, triggers
from tests.support.anything import KINDS, filled, reworded
from tests.support.recorded import Recording
from tests.support.story import SECOND, Record
from tests.tui.hostile import HOSTILE

LONGEST = 50
"""Characters of one hostile text here: short enough to be seen, and each of them is the first one somewhere."""

PAYLOADS = tuple(text[:LONGEST] for text in HOSTILE if "\ud800" not in text)
"""What JSON can hold. A half of a character is only written by other programs: see ``write``."""

HALF = "half \\ud800 of one"
"""As it stands in a file."""

KEPT = re.compile(r"(writer|session|run|case|name|state|outcome|id|phase|phases|layer|action|level|leg|stage|device)$")
"""Last names of the fields by which records are told apart and belong together, so that there is something to show.

They are hostile too, in records of their own, which ``extra`` appends.
"""

CONDUCTED = (ev.SessionChanged, ev.RunChanged, ev.DeviceSeen, ev.GpuSample, ev.GpuField, ev.Command)
"""What the conductor tells."""

OF_REQUEST = re.compile(r"(pipeline|origin|weights|scheduler|attention|vae|prompt|legs\[\d+\]\.name)$")
"""What a request says in words of the user's, or of a model's."""


class Texts:
    """Hands out hostile texts, the next one to each who asks."""

    def __init__(self, payloads: Sequence[str] = PAYLOADS) -> None:
        self._next = cycle(payloads)

    def __call__(self, path: str, text: str) -> str:
        return next(self._next)


def steered(session: str = "hostile-why") -> Recording:
    """A session with recompiles and a hostile text in the place of every text.

    Its first run ended in a way that nobody knows, its last one goes on.
    """
    whole = triggers.triggers(session=session)
    texts = Texts()
    ending = {run.name for run in whole.request.runs[1:-1]}
    records = [Record(record.run, _reworded(record.event, texts)) for record in whole.records if _kept(record, ending)]
    end = records[-1].event.t
    records += extra(whole.request, end)
    request = reworded(
        whole.request, lambda path, text: f"{texts(path, text)}{len(path)}" if OF_REQUEST.search(path) else text
    )
    return Recording(session, request, records, whole.live_ns)


def _kept(record: Record, ending: Collection[str]) -> bool:
    """Whether it isn't the end of the session, or of a run that isn't among ``ending``."""
    event = record.event
    if isinstance(event, ev.RunEnded):
        return record.run in ending
    over = isinstance(event, ev.SessionChanged) and event.state == "done"
    return not over and not (isinstance(event, ev.RunChanged) and event.state == "ended" and event.run not in ending)


def _reworded(event: ev.Event, texts: Texts) -> ev.Event:
    found: ev.Event = reworded(event, lambda path, text: text if KEPT.search(path) else texts(path, text))
    return found


def extra(request: Request, after_ns: int) -> Iterator[Record]:
    """Each kind of record with each payload in all of its texts: the workers' by the last run, then the phase it is in.

    The conductor's are about runs of the request, which they leave in a state that nobody knows.
    """
    t, run = after_ns, request.runs[-1].name
    for number, text in enumerate(PAYLOADS):
        for kind in KINDS:
            if kind in (ev.Header, ev.RunEnded):
                continue
            t += 1000
            event = msgspec.structs.replace(filled(kind, text, number), t=t)
            if kind is ev.RunChanged:
                about = request.runs[number % len(request.runs)].name
                event = replace(event, run=about, state="ended" if number % 2 else text)
            if isinstance(event, ev.RunChanged) and event.run == run:
                event = replace(event, state="running")
            yield Record(None if kind in CONDUCTED else run, event)
    first = request.runs[0].name
    yield Record(first, ev.RunEnded(t=t, outcome=PAYLOADS[6], reason=PAYLOADS[7], error=PAYLOADS[3]))
    yield Record(None, ev.RunChanged(t=t, run=first, state="ended", outcome=PAYLOADS[6], reason=PAYLOADS[7]))
    yield Record(None, ev.SessionChanged(t=t, state=f"st{PAYLOADS[6]}", reason=PAYLOADS[7]))
    yield Record(run, ev.PhaseStarted(t=t + SECOND, phase=f"ph{PAYLOADS[3]}"))


def all_hostile(session: str = "hostile-all") -> Recording:
    """A finished session whose ``session.json`` holds nothing else, as far as it may: variants, engines, sizes."""
    whole = recorded.finished(session=session)
    texts = Texts()
    request = reworded(
        whole.request, lambda path, text: text if re.search(r"(^device|name|runs.*)$", path) else texts(path, text)
    )
    return Recording(whole.session, request, whole.records, whole.live_ns)


def write(home: Path) -> list[SessionFolder]:
    """The sessions in ``home``, and one in a folder beside it whose own name is hostile: that one comes first."""
    folders = [recording.write(home) for recording in (steered(), all_hostile())]
    for folder in folders:
        manifest = msgspec.json.decode(folder.manifest_file.read_bytes())
        manifest |= {"host": PAYLOADS[4], "boot_id": PAYLOADS[5], "stepscope": PAYLOADS[6]}
        folder.manifest_file.write_bytes(msgspec.json.encode(manifest))
        for log in (folder.conductor_log, *folder.runs.glob("*/events.jsonl")):
            with log.open("ab") as file:
                file.write(b'{"kind":"note","seq":900000,"t":1,"level":"error","text":"%s"}\n' % HALF.encode())
    beside = home.with_name(f"{home.name} we\x1b]0;owned\x07i\x9b31m\u202erd\n[red]")
    beside.mkdir()
    copied = steered("hostile-beside").write(beside)
    odd = copied.path.rename(beside / "o\x1b[31mdd\u202e [@click=app.quit]")
    return [SessionFolder(odd), *folders]
