"""Conduct a session: its runs one by one, each in a worker of its own, and a record of how each of them ended."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from profiler import caches
from profiler import events as ev
from profiler.conductor.ending import Ending
from profiler.conductor.gpu import GpuSampler, NoSampler
from profiler.conductor.hostmemory import OomKills
from profiler.conductor.looks import Looks
from profiler.conductor.orders import Orders
from profiler.conductor.ownlog import OwnLog
from profiler.conductor.processes import WorkerProcess
from profiler.conductor.search import BatchSearch
from profiler.conductor.supervise import DEFAULT_LIMITS, Limits, Sampler, Supervisor
from profiler.eventlog import EventLog
from profiler.launch import child_command
from profiler.request import Request, Run
from profiler.sessions import SessionFolder, SessionUnreadable
from profiler.trust import NOTHING, Trust

Command = Callable[..., list[str]]


class Conductor:
    """Everything of one session that outlives a single run."""

    def __init__(
        self,
        folder: SessionFolder,
        request: Request,
        log: EventLog,
        *,
        adopts: bool,
        command: Command = child_command,
        clock: Callable[[], float] = time.monotonic,
        limits: Limits = DEFAULT_LIMITS,
        oom_kills: OomKills | None = None,
        sampler: Sampler | None = None,
        owed: Sequence[Run] | None = None,
        outcomes: Mapping[str, str] | None = None,
        trust: Trust = NOTHING,
        own_log: OwnLog | None = None,
    ) -> None:
        """``owed``: the runs that are still to be made (None: all), ``outcomes``: of those that were made before.

        ``trust``: what else than safetensors the workers may load. ``own_log``: the file of ``log``; the session ends
        when it is no longer in its place.
        """
        self._folder = folder
        self._request = request
        self._log = log
        self._adopts = adopts
        self._command = command
        self._clock = clock
        self._limits = limits
        self._oom_kills = oom_kills or OomKills()
        on_gpu = request.device.startswith("cuda")
        self._sampler: Sampler = sampler or (GpuSampler(log.write) if on_gpu else NoSampler(log.write))
        self._owed = request.runs if owed is None else owed
        self._outcomes = dict(outcomes or {})
        self._trust = trust
        self._cut_short: str | None = None  # why no further runs can be added
        self.orders = Orders(folder.path, log.write, max_time_s=request.max_time_s, clock=clock, own_log=own_log)

    def conduct(self) -> None:
        """Make every run that is owed, then write the session's last word. The log stays open."""
        self._log.write(ev.SessionChanged(state="running"))
        for run in self._owed:
            self._log.write(ev.RunChanged(run=run.name, state="queued"))
        self._sampler.start()
        try:
            for run in self._runs():
                self.orders.poll(None)
                if self.orders.stop is None:
                    self._run(run)
                else:
                    self._ended(run, Ending("stopped", self.orders.stop, None, None))
        finally:
            self._sampler.close()
            self._remove_cache()
        state, reason = self._end()
        self._log.write(ev.SessionChanged(state=state, reason=reason or losses(self._log)))

    def _end(self) -> tuple[str, str | None]:
        """The session's last word: its state and why."""
        stop = self.orders.stop
        if stop is None or not self._request.until_sure:
            return "done" if stop is None else "stopped", stop or self._cut_short
        # Time that is spent is one of the two ends that were asked for, once what was asked for at least is there.
        asked = [run for run in self._request.runs if run.repeat <= self._request.repeats]
        enough = all(self._outcomes.get(run.name, "stopped") != "stopped" for run in asked)
        try:
            left = Looks(self._folder).unsettled()
        except (OSError, SessionUnreadable):
            left = ""  # the folder was removed, say: that is the reason why it stops
        return "done" if self.orders.out_of_time and enough else "stopped", f"{stop}: {left}" if left else stop

    def _runs(self) -> Iterator[Run]:
        """The runs that are owed, then those that the session itself adds."""
        yield from self._owed
        if self._request.find_max_batch:
            yield from self._probes()
        elif self._request.until_sure:
            yield from self._repeats()

    def _probes(self) -> Iterator[Run]:
        """The runs that the search for the largest batch adds, one by one."""
        search = BatchSearch(self._folder, self._request)
        while not self._stopped():
            try:
                run = search.next(self._outcomes)
            except (OSError, SessionUnreadable) as error:
                self._cannot_add("search", "the search for the largest batch can't go on", error)
                return
            if run is None:
                return
            self._request = search.request
            self._log.write(ev.RunChanged(run=run.name, state="queued"))
            yield run

    def _repeats(self) -> Iterator[Run]:
        """The repeats that are added at each look, until every verdict is settled."""
        looks = Looks(self._folder)
        while not self._stopped():
            try:
                added = looks.take()
            except (OSError, SessionUnreadable) as error:
                self._cannot_add("look", "no repeats can be added", error)
                return
            self._log.write(ev.Note(code="look", text=added.text))
            if not added.runs:
                return
            self._request = looks.request or self._request
            for run in added.runs:
                self._log.write(ev.RunChanged(run=run.name, state="queued"))
            yield from added.runs

    def _stopped(self) -> bool:
        self.orders.poll(None)
        return self.orders.stop is not None

    def _cannot_add(self, code: str, what: str, error: OSError | SessionUnreadable) -> None:
        why = error.strerror if isinstance(error, OSError) else error
        self._cut_short = f"{what}: {why}"
        self._log.write(ev.Note(level="error", code=code, text=self._cut_short))

    def _run(self, run: Run) -> None:
        try:
            folder = self._folder.run(run.name)
            folder.mkdir(mode=0o700)
            cold = self._is_cold(run)  # asked before the worker makes the folders of its caches
            worker = WorkerProcess(
                self._command("worker", str(self._folder.path), run.name, *self._trust.arguments),
                self._folder.worker_log(run.name),
                os.environ,
                adopts=self._adopts,
            )
        except (OSError, ValueError) as error:
            reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
            self._ended(run, Ending("failed", f"the run can't be started: {reason}", None, None))
            return
        self._log.write(ev.RunChanged(run=run.name, state="running", pid=worker.pid, cold=cold))
        try:
            supervisor = Supervisor(
                worker,
                folder,
                orders=lambda: self.orders.poll(run.name),
                write=self._log.write,
                sampler=self._sampler,
                oom_kills=self._oom_kills,
                clock=self._clock,
                limits=self._limits,
            )
            ending = supervisor.supervise()
        except BaseException:
            worker.end(self._limits.grace)
            raise
        finally:
            worker.close()
        if cold and ending.outcome != "ok":
            # What it has left there would make the case's next run neither cold nor warm.
            self._discard_cache(run)
        self._ended(run, ending)

    def _is_cold(self, run: Run) -> bool | None:
        """Whether the run's compile cache is empty; None for the user's own, of which others know more."""
        folder = caches.cache_folder(self._folder.path, run.case, self._request.cache)
        return None if folder is None else caches.is_empty(folder)

    def _discard_cache(self, run: Run) -> None:
        try:
            caches.discard(self._folder.path, run.case, self._request.cache)
        except OSError as error:
            self._log.write(ev.Note(level="warning", code="cache", text=f"{error.filename}: {error.strerror}"))

    def _ended(self, run: Run, ending: Ending) -> None:
        self._outcomes[run.name] = ending.outcome
        self._log.write(
            ev.RunChanged(
                run=run.name,
                state="ended",
                outcome=ending.outcome,
                reason=ending.reason,
                exit_code=ending.exit_code,
                signal=ending.signal,
            )
        )

    def _remove_cache(self) -> None:
        if self._request.keep_cache:
            return
        cache: Path = self._folder.path / "cache"
        try:
            shutil.rmtree(cache)
        except FileNotFoundError:
            return
        except OSError as error:
            self._log.write(ev.Note(level="warning", code="cache", text=f"{cache} can't be removed: {error.strerror}"))


def losses(log: EventLog) -> str | None:
    """One line if ``log`` has lost records, else None."""
    if not log.lost:
        return None
    why = log.error.strerror if log.error else "a write came out short"
    return f"{log.lost} of the conductor's records could not be written: {why}"
