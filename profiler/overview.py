"""A session at a glance, for lists: read from session.json and the conductor's log alone."""

from __future__ import annotations

from dataclasses import dataclass

from profiler import events as ev
from profiler.eventlog import LogReader
from profiler.request import Request
from profiler.sessions import Liveness, SessionFolder, SessionUnreadable


@dataclass(frozen=True, slots=True)
class Overview:
    """``reason`` says what is wrong with a session that can't be read or died."""

    session: str
    state: str
    created_wall_ns: int
    pipeline: str
    variants: tuple[str, ...]
    device: str
    runs: int
    ended: int
    failed: int
    reason: str | None = None
    copied: bool = False  # made on another host or before a reboot: ``state`` is the last one logged


def read_overview(folder: SessionFolder) -> Overview:
    """What a list says of ``folder``. Never raises on what the folder contains."""
    try:
        manifest = folder.manifest()
    except SessionUnreadable as error:
        return Overview(folder.id, "unreadable", 0, "", (), "", 0, 0, 0, str(error))
    liveness = folder.liveness(manifest)
    state, reason = "starting", None
    outcomes: dict[str, str] = {}
    reader = LogReader(folder.conductor_log)
    more = True
    while more:
        chunk = reader.read()
        more = chunk.more
        for event in chunk.events:
            if type(event) is ev.Header:
                state, reason = "running", None  # whatever an earlier profiler process said at its end
            elif type(event) is ev.SessionChanged:
                state, reason = event.state, event.reason
            elif type(event) is ev.RunChanged and event.state == "ended":
                outcomes[event.run] = event.outcome or "died"
            elif type(event) is ev.RunChanged:
                outcomes.pop(event.run, None)  # it is made again
    if liveness is Liveness.GONE and state in ("starting", "running"):
        state, reason = "died", "the profiler process ended without a word"
    request = manifest.request
    return Overview(
        session=folder.id,
        state=state,
        created_wall_ns=manifest.created_wall_ns,
        pipeline=_pipelines(request),
        variants=tuple(dict.fromkeys(case.compilation.variant for case in request.cases)),
        device=request.device,
        runs=len(request.runs),
        ended=len(outcomes),
        failed=sum(1 for outcome in outcomes.values() if outcome in ("failed", "died")),
        reason=reason,
        copied=liveness is Liveness.COPIED,
    )


def _pipelines(request: Request) -> str:
    """The pipelines of a session: their names, of more than three how many there are."""
    names = list(dict.fromkeys(case.workload.pipeline for case in request.cases))
    return ", ".join(names) if len(names) <= 3 else f"{len(names)} pipelines"
