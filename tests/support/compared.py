"""Sessions to compare: written through the real log, as fast as a test says, on machines that a test names."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path

import msgspec

from profiler import events as ev
from profiler.request import Request, Run
from profiler.sessions import SessionFolder
from tests.support.recorded import BASE_NS, WALL_NS, Recording, conducted, merged, request, with_legs
from tests.support.story import MS, PACE, Record, Story

Pace = Callable[[Run], float]
"""How long a step of a run takes, in milliseconds."""


def near(**step_ms: float) -> Pace:
    """By the variant, with underscores for its dashes; repeats differ by 0.1 %."""
    return lambda run: step_ms[_variant(run).replace("-", "_")] * (1 + run.repeat / 1000)


def _variant(run: Run) -> str:
    return next(variant for variant in sorted(PACE, key=len, reverse=True) if f"-{variant}" in run.name)


def recording(
    pace: Pace,
    *,
    session: str,
    device: str = "cuda:0",
    device_name: str | None = None,
    versions: Mapping[str, str] | None = None,
    oom: Collection[str] = (),
    legs: Collection[str] = (),
    asked: Request | None = None,
    warm: float = 1.0,
    **options: object,
) -> Recording:
    """A session that is done. ``oom``: variants whose runs ran out of memory while loading; ``warm``: of the time of a
    compile what it takes in repeats after the first.
    """
    given = asked or request(device=device, **({"repeats": 3} | options))
    given = with_legs(given, *legs) if legs else given
    start = BASE_NS + 200 * MS
    stories: list[Story] = []
    failed = set()
    for run in given.runs:
        step_ns = int(pace(run) * MS / PACE[_variant(run)])
        story = Story(given, run, session, start, step_ns, wall_offset_ns=WALL_NS - BASE_NS)
        story.compile_share = 1.0 if run.repeat == 1 else warm
        if _variant(run) in oom:
            failed.add(run.name)
            story.opening()
            story.tell(ev.OutOfMemory(when="load"))
            story.tell(ev.RunEnded(outcome="oom", reason="out of memory in load"))
        else:
            story.whole()
        for record in story.records:
            _relocate(record.event, device_name, versions)
        stories.append(story)
        start = story.now + 300 * MS
    told = [_ended(record, failed) for record in conducted(given, session, stories)]
    records = merged(told, stories, 0)
    return Recording(session, given, records, records[-1].event.t)


def write(home: Path, pace: Pace, **about: object) -> SessionFolder:
    """`recording` as a session folder under ``home``."""
    return recording(pace, **about).write(home)  # type: ignore[arg-type]


def _relocate(event: ev.Event, device_name: str | None, versions: Mapping[str, str] | None) -> None:
    if type(event) is ev.Environment:
        event.device_name = device_name or event.device_name
        event.versions = {**event.versions, **(versions or {})}


def _ended(record: Record, failed: Collection[str]) -> Record:
    event = record.event
    if type(event) is ev.RunChanged and event.state == "ended" and event.run in failed:
        return Record(None, msgspec.structs.replace(event, outcome="oom", reason="out of memory in load"))
    return record
