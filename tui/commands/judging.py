"""``--fail-on-recompile`` of the commands that make runs: the answer in lines, and as an exit code."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import click

from profiler.analysis.cases import BASELINE_VARIANT
from profiler.analysis.state import SessionState
from profiler.report.judgement import OPTION, judge, judgement_lines
from profiler.request import Request, is_factory
from profiler.sessions import SessionFolder
from tui.commands.common import (
    BAD_USAGE,
    OK,
    RUN_FAILED,
    CommandError,
    lasting,
    open_session,
    print_lines,
    terminal_width,
)
from tui.echo import echo

judging_option = click.option(
    OPTION,
    "judging",
    is_flag=True,
    help="Exit with 1, and say why, when a measured call compiled anything, hit the recompile limit or ran eager.",
)


def refuse_unjudged(judging: bool, detach: bool) -> None:
    """A CommandError with code 2 where nobody would wait for what is to be judged."""
    if judging and detach:
        raise CommandError(
            f"{OPTION} judges a session that is over and --detach doesn't wait for that: drop one of them", BAD_USAGE
        )


def refuse_uncompiled(judging: bool, asked: Request) -> None:
    """A CommandError with code 2 where nothing is compiled. A function of the user's may compile in any variant."""
    variants = {case.compilation.variant for case in asked.cases}
    if judging and variants == {BASELINE_VARIANT} and not any(is_factory(case.workload.origin) for case in asked.cases):
        raise CommandError(
            f"{OPTION} judges compiled runs and {BASELINE_VARIANT} has none: --variant compile adds them", BAD_USAGE
        )


def judged(state: SessionState, code: int, *, aside: bool) -> int:
    """Say what was found; the exit code where ``code`` is what the session's runs give. ``aside``: on stderr."""
    found = judge(state)
    lines = judgement_lines(state, found, width=terminal_width())
    lasting(partial(print_lines, aside=aside))(lines if aside else ["", *lines])
    return code or (OK if found.passed else RUN_FAILED)


def judged_after_screen(folder: SessionFolder, exit_code: Callable[[SessionState], int]) -> int:
    """The same when the screen was left; a session that goes on isn't judged."""
    state = open_session(folder).read_all()
    if state.over:
        return judged(state, exit_code(state), aside=False)
    echo(f"{OPTION}: the session goes on unjudged; 'stepscope triggers {folder.id}' shows what compiled")
    return OK
