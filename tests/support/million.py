"""A session of a million events: 60 % steps, 35 % GPU samples, 5 % calls and compiles, in 30 runs.

Written in bulk (a few seconds) but through the real structs: every line is one that the real log could hold.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import msgspec

from profiler import events as ev
from profiler.request import Request, Run
from profiler.sessions import SessionFolder
from tests.support.recorded import BASE_NS, WALL_NS, conducted, make_folder, request
from tests.support.story import MS, SECOND, Record, Story, gpu_samples

EVENTS = 1_000_000
RUNS = 30
STEP_SHARE = 0.60
GPU_SHARE = 0.35
EVALUATIONS = 51


class _Plain(Story):
    """A run whose calls say no more than when they, their loops and their steps begin and end."""

    def tell(self, event: ev.Event) -> None:
        if type(event) not in (ev.Stage, ev.Memory):
            super().tell(event)


def write(home: Path, *, events: int = EVENTS, runs: int = RUNS, session: str = "many-sd15-txt2img") -> SessionFolder:
    """Write a finished session of exactly ``events`` events under ``home``/sessions and return its folder."""
    steps = int(events * STEP_SHARE) // runs
    calls = max(2, round(steps / EVALUATIONS))
    asked = request(steps=EVALUATIONS - 1, calls=calls, warmup=0, repeats=runs // 3)
    folder = make_folder(asked, home, session, here=False)
    per_run = events * (1 - GPU_SHARE) / runs
    start = BASE_NS + 200 * MS
    stories: list[Story] = []
    for run in asked.runs:
        story = _run(asked, run, session, start, int(per_run))
        folder.run(run.name).mkdir(mode=0o700)
        write_lines(folder.run_log(run.name), [record.event for record in story.records])
        start = story.now + 300 * MS
        stories.append(story)
    told = conducted(asked, session, stories)
    samples = _samples(stories, events - len(told) - sum(len(story.records) for story in stories))
    conductor = sorted(told + samples, key=lambda record: record.event.t)
    write_lines(folder.conductor_log, [record.event for record in conductor])
    for story in stories:
        story.records.clear()
    return folder


def _run(asked: Request, run: Run, session: str, start: int, events: int) -> Story:
    story = _Plain(asked, run, session, start, 5 * MS, wall_offset_ns=WALL_NS - BASE_NS, heartbeats=False)
    story.opening()
    story.load()
    if story.variant != "no-compile":
        story.phase("compile", 1)
    story.tell(ev.PhaseStarted(phase="measure", calls=story.workload.calls))
    while len(story.records) + EVALUATIONS + 5 < events:
        story.call("measure")
    while len(story.records) < events - 1:
        # Filled up with what a long run logs too.
        story.tell(ev.Heartbeat(rss_bytes=1 << 30))
    story.tell(ev.RunEnded(outcome="ok"))
    return story


def _samples(stories: list[Story], wanted: int) -> list[Record]:
    """``wanted`` GPU samples spread evenly over the session."""
    pattern = [r.event for r in gpu_samples(stories[:1], 0, stories[0].now) if r.event.t > stories[0].start_ns + SECOND]
    start, end = stories[0].start_ns + 3 * SECOND, stories[-1].now
    stride = (end - start) / wanted
    return [
        Record(None, msgspec.structs.replace(pattern[i % len(pattern)], t=start + int(i * stride), energy_mj=i * 28))
        for i in range(wanted)
    ]


def write_lines(path: Path, events: Sequence[ev.Event]) -> None:
    """Write a whole log in one go, numbered as ``EventLog`` numbers it."""
    for number, event in enumerate(events, start=1):
        event.seq = number
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "wb") as file:
        file.write(msgspec.json.Encoder().encode_lines(events))
