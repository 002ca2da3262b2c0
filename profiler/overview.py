"""A session at a glance, for lists: read from session.json and the conductor's log alone."""

from __future__ import annotations

from dataclasses import dataclass

from profiler import events as ev
from profiler.analysis.fold import SessionFold
from profiler.eventlog import READ_BYTES, LogReader
from profiler.follow import stamp_of
from profiler.request import Request
from profiler.sessions import Liveness, Manifest, SessionFolder, SessionUnreadable

MOST_BYTES = 1 << 30
"""Of a log that are read at one look: of days of samples there is less, and a file with a hole in it has no end."""
UNDER_WAY = ("starting", "running")
"""States of sessions that have more to do."""


@dataclass(frozen=True, slots=True)
class Overview:
    """``reason`` says what is wrong with a session that can't be read, failed or died."""

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
    seconds: float | None = None  # from its first record to its last, pauses left out; None while it goes on
    request: Request | None = None  # None: it can't be read
    stopped: int = 0  # of the runs that ended: those that were stopped, or never begun

    @property
    def under_way(self) -> bool:
        """Whether a profiler of this machine and boot conducts it, or is about to."""
        return self.state in UNDER_WAY and not self.copied


def read_overview(folder: SessionFolder) -> Overview:
    """What a list says of ``folder``. Never raises on what the folder contains."""
    return OverviewReader(folder).read()


class OverviewReader:
    """Reads overviews of one session again and again: only what its log has gained since the last one."""

    def __init__(self, folder: SessionFolder) -> None:
        self._folder = folder
        self._stamp: tuple[int, ...] = ()
        self._manifest: Manifest | None = None
        self._unread = False  # whether its log has more than was read

    def read(self) -> Overview:
        """The session as it is now. Never raises on what the folder contains."""
        folder = self._folder
        stamp = stamp_of(folder)
        if self._manifest is None or stamp != self._stamp:
            # New, resumed, or given more runs.
            try:
                self._open(folder.manifest())
            except SessionUnreadable as error:
                self._manifest = None
                return Overview(folder.id, "unreadable", 0, "", (), "", 0, 0, 0, str(error))
            self._stamp = stamp
        assert self._manifest is not None
        # Asked before reading: what is in the log when the conductor is gone is all there will be.
        liveness = folder.liveness(self._manifest)
        self._read_on(self._manifest)
        return self._overview(self._manifest, liveness)

    def _open(self, manifest: Manifest) -> None:
        self._manifest = manifest
        self._fold = SessionFold(self._folder.id, manifest.request)
        self._log = LogReader(self._folder.conductor_log, manifest.clock)

    def _read_on(self, manifest: Manifest) -> None:
        more, read = True, 0
        while more and read < MOST_BYTES:
            chunk = self._log.read()
            read += READ_BYTES
            if chunk.restarted:
                self._fold = SessionFold(self._folder.id, manifest.request)
            # Of the GPU's samples, which are most of the log, only the time of the last one counts.
            self._fold.conductor(event for event in chunk.events if type(event) is not ev.GpuSample)
            if chunk.events:
                self._fold.state.last_t = max(self._fold.state.last_t, chunk.events[-1].t)
            more = chunk.more
        self._unread = more

    def _overview(self, manifest: Manifest, liveness: Liveness) -> Overview:
        found, request = self._fold.state, manifest.request
        state, reason = found.conducted, found.reason
        if liveness is Liveness.GONE and state in UNDER_WAY:
            state = "died"
            reason = f"the profiler process {'never started' if found.header is None else 'ended without a word'}"
        if self._unread and reason is None:
            reason = f"its log is not read to its end: it has more than {MOST_BYTES >> 20} MiB"
        outcomes = [run.conducted_end.outcome or "died" for run in found.runs.values() if run.conducted_end is not None]
        seconds = None
        if state not in UNDER_WAY and found.started_ns is not None:
            end_ns = found.ended_ns if found.ended_ns is not None else found.last_t
            seconds = (end_ns - found.started_ns - found.paused_ns(end_ns)) / 1e9
        return Overview(
            session=self._folder.id,
            state=state,
            created_wall_ns=manifest.created_wall_ns,
            pipeline=_pipelines(request),
            variants=tuple(dict.fromkeys(case.compilation.variant for case in request.cases)),
            device=request.device,
            runs=len(request.runs),
            ended=len(outcomes),
            failed=sum(1 for outcome in outcomes if outcome in ("failed", "died")),
            reason=reason,
            copied=liveness is Liveness.COPIED,
            seconds=seconds,
            request=request,
            stopped=outcomes.count("stopped"),
        )


def _pipelines(request: Request) -> str:
    """The pipelines of a session: their names, of more than three how many there are."""
    names = list(dict.fromkeys(case.workload.pipeline for case in request.cases))
    return ", ".join(names) if len(names) <= 3 else f"{len(names)} pipelines"
