"""How a run ended, from every combination of last word, exit status and order."""

from __future__ import annotations

from pathlib import Path

import pytest

from profiler.conductor.ending import Ending, Evidence, Order, Why, classify, last_line, one_line, signal_name
from profiler.events import RunEnded

STOP = Order(Why.ASKED, "stopped on request")
HUNG = Order(Why.HUNG, "hung: no record for 600 s in call 3 (measure)")
LINGERED = Order(Why.LINGERED, "the process did not leave")


def word(outcome: str, reason: str | None = None) -> RunEnded:
    return RunEnded(outcome=outcome, reason=reason)


@pytest.mark.parametrize(
    ("evidence", "expected"),
    [
        (Evidence(word("ok"), 0), Ending("ok", None, 0, None)),
        (Evidence(word("failed", "boom"), 1), Ending("failed", "boom", 1, None)),
        (Evidence(word("stopped"), 0, STOP), Ending("stopped", "stopped on request", 0, None)),
        # Torn out of its work, a worker may call that a failure; what was finished before stays finished.
        (Evidence(word("failed", "broken pool"), 1, STOP), Ending("stopped", "stopped on request", 1, None)),
        (Evidence(word("ok"), 0, STOP), Ending("ok", None, 0, None)),
        (Evidence(word("oom", "3 GiB"), 0, STOP), Ending("oom", "3 GiB", 0, None)),
        (Evidence(None, -15, STOP), Ending("stopped", "stopped on request", None, 15)),
        (Evidence(None, -9, STOP, killed=True), Ending("stopped", "stopped on request (it had to be killed)", None, 9)),
        (Evidence(None, -15, HUNG), Ending("failed", HUNG.reason, None, 15)),
        (Evidence(word("stopped"), 0, HUNG), Ending("failed", HUNG.reason, 0, None)),
        (Evidence(word("ok"), -9, LINGERED, killed=True), Ending("ok", "the process did not leave", None, 9)),
        (Evidence(word("ok"), 1), Ending("ok", None, 1, None)),
        (
            Evidence(word("ok"), -11),
            Ending("ok", "the process then crashed while it ended (SIGSEGV (segmentation fault))", None, 11),
        ),
        (
            Evidence(None, -9, host_oom=True, doing="while loading"),
            Ending("died", "host out of memory: the kernel killed the worker while loading", None, 9),
        ),
        (
            Evidence(None, -11, host_oom=True, doing="while loading"),
            Ending("died", "killed by SIGSEGV (segmentation fault) while loading", None, 11),
        ),
        (
            Evidence(None, 1, began=False, hint="ModuleNotFoundError: No module named 'torch'"),
            Ending("died", "could not start (exit code 1): ModuleNotFoundError: No module named 'torch'", 1, None),
        ),
        (
            Evidence(None, 134, doing="while compiling"),
            Ending("died", "ended while compiling (exit code 134)", 134, None),
        ),
        (
            Evidence(None, 0, doing="while starting"),
            Ending("died", "ended without a last word while starting (exit code 0)", 0, None),
        ),
        (
            Evidence(word("splendid"), 0),
            Ending("failed", "the worker reported an outcome that is not known: 'splendid'", 0, None),
        ),
        (Evidence(None, None, HUNG, killed=True), Ending("failed", HUNG.reason + " (it had to be killed)", None, None)),
        (
            Evidence(None, None, doing="in a call"),
            Ending("died", "lost in a call: the process can't be ended", None, None),
        ),
    ],
)
def test_classification(evidence: Evidence, expected: Ending) -> None:
    assert classify(evidence) == expected


def test_reasons_are_one_clean_line() -> None:
    ending = classify(Evidence(word("failed", "a\nb\x1b[2J\x1b]0;title\x07c\x00" + "x" * 1000), 1))
    assert ending.reason is not None
    assert ending.reason.startswith("a b ]0;title c xxx")
    assert len(ending.reason) == 300
    assert "\x9b" not in one_line("\x9b31m")
    assert one_line(None) == ""


def test_the_last_line_of_an_output(tmp_path: Path) -> None:
    output = tmp_path / "worker.log"
    assert last_line(output) == ""
    for text, expected in [
        (b"", ""),
        (b"\n \n", ""),
        (b"one\ntwo\n\n", "two"),
        (b"\rstep 1\rstep 2", "step 1 step 2"),
        (b"x" * 100_000 + b"\nTypeError: \xff\n", "TypeError: \ufffd"),
    ]:
        output.write_bytes(text)
        assert last_line(output) == expected
    output.unlink()
    output.symlink_to("/etc/passwd")
    assert last_line(output) == ""


def test_signal_names() -> None:
    assert signal_name(9) == "SIGKILL (killed)"
    assert signal_name(200) == "signal 200"
