"""Short hands for making records in tests of the analysis; times in milliseconds from 0."""

from __future__ import annotations

from msgspec.structs import replace

from profiler import events as ev
from profiler.analysis.fold import SessionFold
from profiler.request import Leg, Options, Request, resolve

MS = 1_000_000


def request(**options: object) -> Request:
    return resolve(Options(pipeline="sd15-txt2img", size="tiny", **options), "cpu")  # type: ignore[arg-type]


def call(
    index: int,
    phase: str,
    start: float,
    steps: list[float],
    *,
    tail: float = 0.0,
    iterations: int | None = None,
    retries: int | None = 0,
    host_bound: bool | None = None,
    leg: str | None = None,
    images: int = 1,
) -> list[ev.Event]:
    """A whole call whose only loop starts at ``start`` ms; ``steps`` are durations in ms, ``tail`` ms come after."""
    at = int(start * MS)
    found: list[ev.Event] = [
        ev.CallStarted(t=at, call=index, phase=phase, steps=len(steps), start_ns=at, leg=leg),
        ev.LoopStarted(t=at, call=index, name="denoise", denoisers=["unet"], iterations=len(steps), start_ns=at),
    ]
    now = at
    for number, duration in enumerate(steps):
        ns = int(duration * MS)
        found.append(
            ev.Step(
                t=now + ns,
                call=index,
                step=number,
                start_ns=now,
                ns=ns,
                host_ns=ns,
                enqueue_ns=ns,
                host_bound=host_bound,
            )
        )
        now += ns
    found.append(
        ev.LoopEnded(
            t=now,
            call=index,
            ns=now - at,
            evaluations=len(steps),
            iterations=len(steps) if iterations is None else iterations,
        )
    )
    found.append(ev.Stage(t=now, call=index, name="denoise", start_ns=at, ns=now - at))
    end = now + int(tail * MS)
    found.append(ev.CallEnded(t=end, call=index, ns=end - at, images=images, retries=retries))
    return found


def with_legs(given: Request, legs: list[Leg], **changes: object) -> Request:
    """``given`` with a scenario of these legs in all workloads."""
    cases = [
        replace(case, workload=replace(case.workload, scenario="custom", legs=tuple(legs), **changes))
        for case in given.cases
    ]
    return replace(given, cases=cases)


def chained(index: int, phase: str, start: float, loops: dict[str, list[float]], *, planned: int) -> list[ev.Event]:
    """A call of several loops: their names and the durations of their steps in ms."""
    now = int(start * MS)
    found: list[ev.Event] = [ev.CallStarted(t=now, call=index, phase=phase, steps=planned, start_ns=now)]
    for number, (name, steps) in enumerate(loops.items()):
        begun = now
        found.append(
            ev.LoopStarted(t=now, call=index, loop=number, name=name, denoisers=["unet"], iterations=len(steps))
        )
        for step, duration in enumerate(steps):
            ns = int(duration * MS)
            found.append(ev.Step(t=now + ns, call=index, loop=number, step=step, start_ns=now, ns=ns))
            now += ns
        ended = ev.LoopEnded(
            t=now, call=index, loop=number, ns=now - begun, evaluations=len(steps), iterations=len(steps)
        )
        found.append(ended)
    found.append(ev.CallEnded(t=now, call=index, ns=now - int(start * MS), images=1))
    return found


def fold(given: Request, logs: dict[str, list[ev.Event]], conductor: list[ev.Event] | None = None) -> SessionFold:
    """Fold whole logs, the conductor's last: the order between logs doesn't matter."""
    folded = SessionFold("test", given)
    for run, events in logs.items():
        folded.run(run, events)
    folded.conductor(conductor or [])
    return folded


def frame(phase: str = "measure", at: float = 0.0, calls: int | None = None) -> list[ev.Event]:
    """The records before the first call."""
    t = int(at * MS)
    return [
        ev.Header(t=t, writer="worker"),
        ev.PhaseStarted(t=t, phase="load"),
        ev.LoadProgress(t=t, name="unet", done=0, total=2),
        ev.PhaseStarted(t=t + 100 * MS, phase=phase, calls=calls),
    ]
