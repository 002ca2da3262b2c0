"""End a session from outside, in bounded time, whatever state its profiler process is in.

It is asked first, with a command in ``control/``; then told, with SIGTERM; then killed. Its workers end with it. What
has lost its profiler process is ended too.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from profiler import sessions
from profiler.eventlog import LogReader, is_locked
from profiler.events import Header
from profiler.identity import SUSPENDED, Held, find_guardian, hold, hold_guardian
from profiler.sessions import Liveness, SessionFolder

_LOOK_SECONDS = 0.05


class Patience(NamedTuple):
    """How long each way to end a session is given, in seconds. All of them together bound ``halt``."""

    obey: float = 10.0  # until the profiler has taken the command; then it gets SIGTERM
    end: float = 60.0  # from then on: its worker gets 10 s for its last word, what is left of it 7 s
    die: float = 15.0  # after SIGKILL, for the processes of its run


PATIENCE = Patience()


class CannotHalt(Exception):
    """A process of the session does not end; the message is one line that names it."""


def halt(
    folder: SessionFolder,
    *,
    say: Callable[[str], None] = lambda line: None,
    patience: Patience = PATIENCE,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> bool:
    """End the session in ``folder`` and wait until nothing of it runs; False if nothing did.

    ``say`` is told in one line each what goes beyond asking. Only for a session of this machine and boot: of another
    one nothing is done. Takes at most the sum of ``patience``. Raises CannotHalt, SessionUnreadable.
    """
    manifest = folder.manifest()
    if folder.liveness(manifest) is Liveness.COPIED:
        return False
    return _Halt(folder, [run.name for run in manifest.request.runs], say, patience, clock, sleep).run()


class _Halt:
    def __init__(
        self,
        folder: SessionFolder,
        runs: list[str],
        say: Callable[[str], None],
        patience: Patience,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
    ) -> None:
        self._folder = folder
        self._runs = runs
        self._say = say
        self._patience = patience
        self._clock = clock
        self._sleep = sleep
        self._guardian: Held | None = None

    def run(self) -> bool:
        with ExitStack() as held:
            workers = [held.enter_context(worker) for worker in self._workers()]
            conducted = self._conducted()
            if not conducted:
                self._guard_by(find_guardian(self._folder.conductor_output), held)
            if not conducted and not workers and self._guardian is None:
                return False
            if conducted:
                self._end_conductor(held)
            elif workers:
                self._say("the profiler process is gone and has left a worker behind: it is ended")
            known = {worker.pid for worker in workers}
            late = [held.enter_context(worker) for worker in self._workers()]
            self._end_workers([*workers, *(worker for worker in late if worker.pid not in known)])
            if self._guardian is not None:
                self._await(self._guardian)
        return True

    def _guard_by(self, guardian: Held | None, held: ExitStack) -> None:
        self._guardian = guardian
        if guardian is not None:
            held.enter_context(guardian)
            if guardian.state in SUSPENDED:
                guardian.signal(signal.SIGCONT)

    def _await(self, guardian: Held) -> None:
        """It ends last, once nothing is left of what its conductor and the workers had started."""
        guardian.signal(signal.SIGCONT)
        if not guardian.wait(self._patience.die):
            raise CannotHalt(
                f"process {guardian.pid}, which ends what the profiler process has left, does not end (it is in state"
                f" {guardian.state})"
            )

    def _conducted(self) -> bool:
        return self._folder.liveness(self._folder.manifest()) in (Liveness.ALIVE, Liveness.STARTING)

    # --- the profiler process ---

    def _end_conductor(self, held: ExitStack) -> None:
        asked = self._ask()
        conductor = self._hold_conductor(held)
        if conductor is not None and conductor.state in SUSPENDED:
            self._say(f"the profiler process {conductor.pid} is suspended: it is let go on, to end")
            conductor.signal(signal.SIGCONT)
        if asked and self._wait(self._patience.obey, lambda: self._taken() or not self._conducted()):
            if self._wait(self._patience.end, lambda: not self._conducted()):
                return
        elif not self._conducted():
            return
        # It may not have begun to write when it was looked for.
        conductor = conductor or self._hold_conductor(held)
        if conductor is None:
            raise CannotHalt(
                f"session {self._folder.id} does not obey, and its profiler process can't be told for sure:"
                f" what has {self._folder.conductor_log} open is it"
            )
        self._force(conductor, asked=asked)

    def _hold_conductor(self, held: ExitStack) -> Held | None:
        conductor = hold(last_header(self._folder.conductor_log), self._folder.conductor_log)
        if conductor is None:
            return None
        held.enter_context(conductor)
        self._guard_by(hold_guardian(conductor), held)
        return conductor

    def _ask(self) -> bool:
        """Leave the command; False where none can be left."""
        try:
            sessions.send(self._folder, "stop")
        except OSError:
            return False
        return True

    def _taken(self) -> bool:
        """Whether the profiler has taken the commands of this process: it removes what it takes."""
        try:
            return not [name for name in os.listdir(self._folder.control) if name.endswith(f"-{os.getpid()}.json")]
        except OSError:
            return False

    def _force(self, conductor: Held, *, asked: bool) -> None:
        why = "the profiler process does not answer" if asked else "no command can be left"
        self._say(f"{why}: process {conductor.pid} gets SIGTERM")
        conductor.signal(signal.SIGTERM)
        conductor.signal(signal.SIGCONT)
        if conductor.wait(self._patience.obey if asked else self._patience.end):
            return
        self._say(f"process {conductor.pid} does not end on SIGTERM: it is killed")
        conductor.signal(signal.SIGKILL)
        if not conductor.wait(self._patience.die):
            raise CannotHalt(f"process {conductor.pid} does not end even on SIGKILL (it is in state {conductor.state})")

    # --- workers ---

    def _workers(self) -> list[Held]:
        """Workers that still hold the lock of their log."""
        found: list[Held] = []
        for run in self._runs:
            log = self._folder.run_log(run)
            if is_locked(log) and (worker := hold(last_header(log), log)) is not None:
                found.append(worker)
        return found

    def _end_workers(self, workers: list[Held]) -> None:
        """They end with their profiler process, which may have been killed: then their guardian sees to it."""
        deadline = self._clock() + self._patience.die / 2
        for worker in workers:
            if not worker.wait(deadline - self._clock()):
                self._say(f"the worker, process {worker.pid}, is still there: it is killed")
                worker.signal(signal.SIGKILL)
        for worker in workers:
            if not worker.wait(self._patience.die / 2):
                raise CannotHalt(f"process {worker.pid} does not end even on SIGKILL (it is in state {worker.state})")

    def _wait(self, seconds: float, over: Callable[[], bool]) -> bool:
        deadline = self._clock() + seconds
        while not over():
            if self._clock() >= deadline:
                return False
            self._sleep(_LOOK_SECONDS)
        return True


def last_header(log: Path) -> Header | None:
    """The header of the process that writes ``log`` now or was the last one to."""
    reader, found, more = LogReader(log), None, True
    while more:
        chunk = reader.read()
        more = chunk.more
        found = next((event for event in reversed(chunk.events) if isinstance(event, Header)), found)
    return found
