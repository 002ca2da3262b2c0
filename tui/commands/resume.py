"""``resume``: go on with a session that was stopped or has died."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import click

from profiler import conductor
from profiler.analysis.state import SessionState
from profiler.report.documents import show_document
from profiler.request import BadRequest, Request
from profiler.request.folders import check_pipeline
from profiler.resume import CannotResume, Debt, discard_commands, find_debt
from profiler.sessions import SessionFolder, SessionUnreadable
from profiler.trust import Trust
from tui.commands.common import (
    BAD_USAGE,
    OK,
    RUN_FAILED,
    CommandError,
    find,
    json_option,
    lasting,
    on_terminal,
    open_session,
    pass_root,
    print_document,
    warn_of_logout,
)
from tui.commands.judging import judged, judged_after_screen, judging_option, refuse_unjudged
from tui.commands.run import exit_code
from tui.commands.run_options import trusting
from tui.commands.screen_options import screen_options
from tui.commands.stopping import stopping_on_signals
from tui.echo import echo, echo_page
from tui.managing import debt_text, why_not_here
from tui.pictures.words import count
from tui.plain import follow_plainly, plain_say
from tui.settings import Settings


def _seconds(ctx: click.Context, param: click.Parameter, value: str | None) -> list[str]:
    """What to tell the conductor of its time; [] for nothing."""
    if value is None or value == "none":
        return [] if value is None else [conductor.limited(None)]
    try:
        seconds = float(value)
    except ValueError:
        seconds = 0.0
    if not (math.isfinite(seconds) and seconds > 0):
        raise click.BadParameter(f"{value!r} is neither a number of seconds above 0 nor none", ctx, param)
    return [conductor.limited(seconds)]


@click.command("resume", short_help="Make the runs that a stopped or dead session still owes.")
@click.argument("reference", metavar="SESSION")
@click.option("--failed", is_flag=True, help="Make its failed runs again too.")
@click.option(
    "--max-time",
    callback=_seconds,
    metavar="S|none",
    show_default="as it was begun",
    help="Stop the session after this many seconds from now, or not at all.",
)
@click.option(
    "--run-code",
    is_flag=True,
    help="Use the code, folders and files that it names even if it was made on another machine, or before a restart.",
)
@trusting
@click.option(
    "--headless",
    is_flag=True,
    help="No screen: report in plain lines; Ctrl-C, SIGTERM and SIGHUP stop the session.",
)
@click.option("--detach", is_flag=True, help="Start the profiler and return at once; 'stepscope watch' shows it.")
@judging_option
@json_option
@screen_options
@pass_root
def resume_command(
    root: Path,
    reference: str,
    failed: bool,
    max_time: list[str],
    run_code: bool,
    allow_pickle: bool,
    trust_remote_code: bool,
    headless: bool,
    detach: bool,
    judging: bool,
    as_json: bool,
    settings: Settings,
) -> int:
    """Make the runs that SESSION still owes: those that never began, were stopped or died.

    A session of before a restart, or copied from another machine, goes on here. What is made again replaces what the
    earlier attempt had measured, which is kept in the session's folder, in 'earlier'.
    """
    refuse_unjudged(judging, detach)
    folder = find(reference, root)
    debt = _debt(folder, failed)
    if debt.nothing:
        lasting(partial(_say_nothing_owed, folder, as_json=as_json), judging)(debt)
        return judged(open_session(folder).read_all(), OK, aside=as_json) if judging else OK
    if debt.foreign_code and not run_code:
        raise CommandError(
            f"session {folder.id} was made elsewhere or before a restart, and asks for {', '.join(debt.foreign_code)}:"
            " --run-code allows that",
            BAD_USAGE,
        )
    trust = Trust(allow_pickle, trust_remote_code)
    arguments = [*trust.arguments, *max_time]
    if debt.runs or debt.searching or debt.looking:
        _check_machine(folder, debt.manifest.request)
        _check_folders(debt.manifest.request, trust)
    # Before our own signals can leave a new one.
    try:
        discard_commands(folder)
    except CannotResume as error:
        raise CommandError(str(error), RUN_FAILED) from None
    if detach:
        _conduct(folder, failed, arguments)
        _announce(folder, as_json)
        return OK
    if not (headless or as_json or settings.plain) and on_terminal():
        from tui.commands.watch import show_app

        _conduct(folder, failed, arguments)
        show_app(root, folder, settings=settings)
        return judged_after_screen(folder, exit_code) if judging else OK
    with stopping_on_signals(folder) as stopping:
        _conduct(folder, failed, arguments)
        say = _nothing if as_json else plain_say(settings, lasting(echo, judging))
        say(f"session {folder.id}: {debt_text(debt)}")
        follower = open_session(folder)
        state = follow_plainly(follower, say=say, wait=stopping.wait, untold=debt.outcomes, by_ear=settings.plain)
    if as_json:
        lasting(partial(_print, folder), judging)(state)
    return judged(state, exit_code(state), aside=as_json) if judging else exit_code(state)


def _debt(folder: SessionFolder, failed: bool) -> Debt:
    try:
        return find_debt(folder, failed=failed)
    except (CannotResume, SessionUnreadable) as error:
        raise CommandError(str(error), RUN_FAILED) from None


def _say_nothing_owed(folder: SessionFolder, debt: Debt, as_json: bool) -> None:
    if as_json:
        _print(folder, open_session(folder).read_all())
        return
    failed = sum(1 for outcome in debt.outcomes.values() if outcome == "failed")
    again = f" (--failed makes {count(failed, 'failed run')} again)" if failed else ""
    echo(f"session {folder.id} owes nothing: every run has a result{again}")


def _check_machine(folder: SessionFolder, request: Request) -> None:
    """A CommandError with code 2 where the session's runs can't be made."""
    why_not = why_not_here(folder, request)
    if why_not is not None:
        raise CommandError(why_not, BAD_USAGE)


def _check_folders(request: Request, trust: Trust) -> None:
    """A CommandError with code 2 where a pipeline's folder is gone, or holds what isn't allowed: ``run`` had asked."""
    for origin in {case.workload.origin for case in request.cases if case.workload.weights == case.workload.origin}:
        try:
            check_pipeline(str(origin), "pipeline", trust=trust)
        except BadRequest as error:
            raise CommandError(str(error), BAD_USAGE) from None


def _conduct(folder: SessionFolder, failed: bool, arguments: Sequence[str]) -> None:
    """Start the profiler process."""
    try:
        conductor.resume(folder, *arguments, failed=failed)
    except conductor.CannotStart as error:
        raise CommandError(str(error), RUN_FAILED) from None


def _announce(folder: SessionFolder, as_json: bool) -> None:
    if as_json:
        echo_page(json.dumps({"schema": 1, "session": folder.id, "folder": str(folder.path)}))
    else:
        echo(f"session {folder.id} goes on in the background: 'stepscope watch {folder.id}' shows it")
    warn_of_logout()


def _print(folder: SessionFolder, state: SessionState) -> None:
    print_document(show_document(state, folder=folder))


def _nothing(line: str) -> None:
    """Says nothing: with --json the document is all that is printed."""
