"""How a run ended, in one word and one line: from the worker's last word, its exit status and what was asked of it."""

from __future__ import annotations

import os
import re
import signal
from enum import Enum
from pathlib import Path
from typing import NamedTuple

from profiler import events as ev

OUTCOMES = ("ok", "oom", "failed", "unsupported", "stopped", "died")
_TAIL_BYTES = 8192
_LONGEST = 300
_UNPRINTABLE = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|[^\x20-\x7e\xa0-\U0010ffff]")


class Why(Enum):
    """Why the conductor ended a worker."""

    ASKED = "asked"  # stop, skip, the session's time is up
    HUNG = "hung"
    LOST = "lost"  # its log was removed: nothing of what it does can be kept
    LINGERED = "lingered"  # said its last word and did not leave


class Order(NamedTuple):
    """The conductor's own decision to end a run; ``reason`` is one line."""

    why: Why
    reason: str


class Ending(NamedTuple):
    """What ``RunChanged`` says of a run that ended."""

    outcome: str
    reason: str | None
    exit_code: int | None
    signal: int | None


class Evidence(NamedTuple):
    """Everything known about a worker that is gone."""

    last_word: ev.RunEnded | None
    code: int | None  # as Popen gives it: -N for signal N; None if it could not be ended at all
    order: Order | None = None
    signalled: bool = False  # the conductor ended it, for whatever reason
    killed: bool = False  # it ignored the conductor's SIGTERM
    host_oom: bool = False
    began: bool = True  # it wrote at least one record
    doing: str = ""
    hint: str = ""  # the last line it printed


def classify(evidence: Evidence) -> Ending:
    """The run's outcome. A worker without a last word has died unless the conductor itself has ended it."""
    outcome, reason = _judge(evidence)
    code = evidence.code
    return Ending(
        outcome,
        one_line(reason) or None,
        None if code is None or code < 0 else code,
        -code if code is not None and code < 0 else None,
    )


def last_line(path: Path) -> str:
    """The last line that has something in it of what a worker printed, "" if there is none. Never raises."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return ""
    try:
        size = os.fstat(descriptor).st_size
        text = os.pread(descriptor, _TAIL_BYTES, max(0, size - _TAIL_BYTES)).decode(errors="replace")
    except OSError:
        return ""
    finally:
        os.close(descriptor)
    lines = [one_line(line) for line in text.split("\n")]
    return next((line for line in reversed(lines) if line), "")


def one_line(text: str | None) -> str:
    """``text`` on one line without escape sequences or control characters, cut to a length that fits a table."""
    clean = " ".join(_UNPRINTABLE.sub(" ", text or "").split())
    return clean if len(clean) <= _LONGEST else clean[: _LONGEST - 1] + "…"


def _judge(evidence: Evidence) -> tuple[str, str | None]:
    word, order = evidence.last_word, evidence.order
    if order is not None and order.why is not Why.LINGERED and (word is None or word.outcome in ("stopped", "failed")):
        # A worker that is torn out of its work may call that a failure.
        outcome = "stopped" if order.why is Why.ASKED else "failed"
        return outcome, order.reason + (" (it had to be killed)" if evidence.killed else "")
    if word is None:
        return "died", _death(evidence)
    if word.outcome not in OUTCOMES:
        return "failed", f"the worker reported an outcome that is not known: {word.outcome!r}"
    after = _afterwards(evidence)
    return word.outcome, "; ".join(part for part in (word.reason, after) if part)


def _afterwards(evidence: Evidence) -> str | None:
    """What went wrong after the last word, which is true all the same."""
    if evidence.order is not None and evidence.order.why is Why.LINGERED:
        return evidence.order.reason
    if evidence.code is not None and evidence.code < 0 and not evidence.signalled:
        return f"the process then crashed while it ended ({signal_name(-evidence.code)})"
    return None


def _death(evidence: Evidence) -> str:
    code = evidence.code
    if code is None:
        return f"lost {evidence.doing}: the process can't be ended"
    if code < 0:
        if -code == signal.SIGKILL and evidence.host_oom:
            return f"host out of memory: the kernel killed the worker {evidence.doing}"
        return f"killed by {signal_name(-code)} {evidence.doing}"
    if code == 0:
        return f"ended without a last word {evidence.doing} (exit code 0)"
    what = "could not start" if not evidence.began else f"ended {evidence.doing}"
    return f"{what} (exit code {code})" + (f": {evidence.hint}" if evidence.hint else "")


def signal_name(number: int) -> str:
    """The signal as people know it: SIGSEGV (segmentation fault)."""
    try:
        name = signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
    described = signal.strsignal(number)
    return f"{name} ({described.lower()})" if described else name
