"""What is done to sessions from their list: stop, remove, resume. First what would be done, to be asked; then it is.

All of this may wait for a disk, or for a process to start: screens have it done on a thread of its own.
"""

from __future__ import annotations

import importlib.util
import os
import signal
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from profiler import conductor, devices, sessions
from profiler.eventlog import is_locked
from profiler.halt import last_header
from profiler.identity import SUSPENDED, hold
from profiler.request import Request
from profiler.resume import CannotResume, Debt, discard_commands, find_debt
from profiler.sessions import Liveness, SessionFolder, SessionUnreadable
from tui import safe
from tui.pictures import words

T = TypeVar("T")

_NAME = 40
"""Characters of a session's name in a question, so that there is room for what is asked."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be done. ``question`` "": nothing, and ``notice`` says why, with the ids of keys in braces.

    ``act`` does it and says in one line what came of it; it never raises what a disk or a session may cause.
    """

    question: str = ""
    notice: str = ""
    act: Callable[[], str] = str


def in_background(
    work: Callable[[], T],
    done: Callable[[T], object],
    failed: Callable[[BaseException], object],
    *,
    finish: bool = False,
) -> None:
    """Have ``work`` done on a thread, and ``done`` called there with what came of it, or ``failed``.

    ``finish``: the program ends only after it, so that what was asked for is not left half done.
    """

    def run() -> None:
        try:
            result = work()
        except BaseException as error:
            failed(error)
        else:
            done(result)

    threading.Thread(target=run, name="stepscope-managing", daemon=not finish).start()


def plan_stop(folders: Sequence[SessionFolder]) -> Plan:
    """Have these sessions stopped, of them those that run here."""
    running = [folder for folder in folders if _runs(folder)]
    if not running:
        return Plan(notice=f"{_named(folders)}: not running, there is nothing to stop")
    others = len(folders) - len(running)
    stay = f" {words.count(others, 'other')} {_is(others)} not running" if others else ""
    one = len(running) == 1
    question = f"stop {'session ' if one else ''}{_named(running)}?{stay}"
    return Plan(question, act=lambda: _stop(running))


def plan_removal(folders: Sequence[SessionFolder]) -> Plan:
    """Have these sessions removed, of them those that don't run here."""
    idle = [folder for folder in folders if not _runs(folder)]
    if not idle:
        return Plan(notice=f"{_named(folders)}: running, stop {_it(len(folders))} first ({{stop}})")
    running = len(folders) - len(idle)
    stay = f" {running} that {'runs stays' if running == 1 else 'run stay'}" if running else ""
    size = words.size(sum(folder_bytes(folder.path) for folder in idle))
    return Plan(f"remove {_named(idle)} for good, {size}?{stay}", act=lambda: _remove(idle))


def plan_resume(folders: Sequence[SessionFolder]) -> Plan:
    """Have these sessions make what they still owe; of those that owe nothing the failed runs again."""
    refused: list[str] = []
    owing: list[tuple[SessionFolder, Debt, bool]] = []
    for folder in folders:
        try:
            debt, failed = _debt(folder)
        except (CannotResume, SessionUnreadable) as error:
            refused.append(safe.line(str(error), 300))
            continue
        why_not = _why_not(folder, debt, alone=len(folders) == 1)
        if why_not:
            refused.append(why_not)
        else:
            owing.append((folder, debt, failed))
    if not owing:
        return Plan(notice=_first(refused))
    if len(owing) == 1:
        question = _ask_one(*owing[0])
    else:
        runs = sum(len(debt.runs) for _, debt, _ in owing)
        question = f"resume {len(owing)} sessions: {words.count(runs, 'run')} to make?"
    return Plan(question, notice=_first(refused), act=lambda: _resume(owing))


def why_not_here(folder: SessionFolder, request: Request) -> str | None:
    """Why this machine can't make runs of the session; None if it can."""
    if importlib.util.find_spec("torch") is None:
        return "torch is not installed here: sessions can be viewed, but profiling needs it (pip install torch)"
    why_not = devices.why_no_cuda() if request.device.startswith("cuda") else None
    if why_not is not None:
        return f"session {folder.id} runs on {request.device}, which can't be used here: {why_not}"
    return None


def debt_text(debt: Debt) -> str:
    """What a session still owes, in a few words."""
    request = debt.manifest.request
    if not (debt.runs or debt.searching or debt.looking):
        return "every run has a result, only its end was never written down"
    if debt.looking:
        return f"more repeats until every verdict is settled, on {request.device}"
    if not debt.runs:
        return f"the search for the largest batch goes on, on {request.device}"
    return f"{len(debt.runs)} of {words.count(len(request.runs), 'run')} to make, on {request.device}"


def wake(folder: SessionFolder) -> int | None:
    """Let a suspended profiler process of the session go on, so that it can obey; its pid, None if there was none."""
    conductor = hold(last_header(folder.conductor_log), folder.conductor_log)
    if conductor is None:
        return None
    with conductor:
        return conductor.pid if conductor.state in SUSPENDED and conductor.signal(signal.SIGCONT) else None


def folder_bytes(path: Path) -> int:
    """The bytes of all files under ``path``, which links lead nowhere out of; what can't be read counts nothing."""
    total = 0
    left = [str(path)]
    while left:
        try:
            with os.scandir(left.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        left.append(entry.path)
                    else:
                        total += entry.stat(follow_symlinks=False).st_size
        except OSError:
            continue
    return total


def _stop(folders: Sequence[SessionFolder]) -> str:
    asked: list[SessionFolder] = []
    wrong: list[str] = []
    for folder in folders:
        try:
            sessions.send(folder, "stop")
            wake(folder)
        except OSError as error:
            wrong.append(f"could not ask {_short(folder)} to stop: {error.strerror}")
        else:
            asked.append(folder)
    return _came_of(wrong, f"asked {_named(asked)} to stop" if asked else "")


def _remove(folders: Sequence[SessionFolder]) -> str:
    removed: list[SessionFolder] = []
    wrong: list[str] = []
    for folder in folders:
        try:
            sessions.remove(folder)
        except FileNotFoundError:
            removed.append(folder)  # somebody else did
        except OSError as error:
            wrong.append(f"could not remove {_short(folder)}: {error.strerror}")
        except RuntimeError as error:
            wrong.append(safe.line(str(error), 200))
        else:
            removed.append(folder)
    return _came_of(wrong, f"removed {_named(removed)}" if removed else "")


def _came_of(wrong: Sequence[str], done: str) -> str:
    """What went wrong, which comes first, and what was done all the same."""
    return "; ".join(filter(None, (_first(wrong), done)))


def _debt(folder: SessionFolder) -> tuple[Debt, bool]:
    """What it owes, and whether its failed runs are meant. Raises CannotResume, SessionUnreadable."""
    debt = find_debt(folder)
    if debt.nothing and "failed" in debt.outcomes.values():
        return find_debt(folder, failed=True), True
    return debt, False


def _why_not(folder: SessionFolder, debt: Debt, *, alone: bool) -> str:
    if debt.nothing:
        return f"{_short(folder)} owes nothing: every run has a result"
    if debt.foreign_code and not alone:
        # Each is asked about by itself.
        return f"{_short(folder)} asks for code or files of this machine: resume it alone"
    if debt.runs or debt.searching or debt.looking:
        return safe.line(why_not_here(folder, debt.manifest.request) or "", 300)
    return ""


def _ask_one(folder: SessionFolder, debt: Debt, failed: bool) -> str:
    if debt.foreign_code:
        code = safe.line(", ".join(debt.foreign_code), 60)
        return f"use {code}, which {_short(folder)}, made elsewhere or before a restart, asks for?"
    if failed:
        return f"{_short(folder)} owes nothing: make its {words.count(len(debt.runs), 'failed run')} again?"
    return f"resume {_short(folder)}: {safe.line(debt_text(debt), 80)}?"


def _resume(owing: Sequence[tuple[SessionFolder, Debt, bool]]) -> str:
    gone_on: list[SessionFolder] = []
    wrong: list[str] = []
    for folder, _, failed in owing:
        try:
            # Before our own signals can leave a new one.
            discard_commands(folder)
            conductor.resume(folder, failed=failed)
        except CannotResume as error:
            wrong.append(safe.line(str(error), 200))
        except conductor.CannotStart as error:
            wrong.append(f"{_short(folder)}: {safe.line(str(error), 200)}")
        except OSError as error:
            wrong.append(f"could not resume {_short(folder)}: {error.strerror}")
        else:
            gone_on.append(folder)
    return _came_of(wrong, f"{_named(gone_on)} {'goes' if len(gone_on) == 1 else 'go'} on" if gone_on else "")


def _runs(folder: SessionFolder) -> bool:
    try:
        return folder.liveness(folder.manifest()) in (Liveness.ALIVE, Liveness.STARTING)
    except SessionUnreadable:
        return is_locked(folder.conductor_log)


def _short(folder: SessionFolder) -> str:
    return safe.fit(safe.line(folder.id, 100), _NAME)


def _named(folders: Sequence[SessionFolder]) -> str:
    return _short(folders[0]) if len(folders) == 1 else f"{len(folders)} sessions"


def _it(count: int) -> str:
    return "it" if count == 1 else "them"


def _is(count: int) -> str:
    return "is" if count == 1 else "are"


def _first(refused: Sequence[str]) -> str:
    """The first refusal, and how many more there are."""
    if not refused:
        return ""
    more = f" (and {len(refused) - 1} more)" if len(refused) > 1 else ""
    return refused[0] + more
