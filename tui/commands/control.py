"""``stop``, ``skip``, ``rm``: what is done to a session."""

from __future__ import annotations

from pathlib import Path

import click

from profiler import halt, sessions
from profiler.follow import Follower
from profiler.sessions import Liveness, Manifest, SessionFolder
from tui.commands.common import RUN_FAILED, CommandError, find, open_session, pass_root
from tui.echo import echo
from tui.managing import wake

_target = click.argument("reference", metavar="SESSION")


@click.command("stop", short_help="End a session.")
@_target
@pass_root
def stop_command(root: Path, reference: str) -> None:
    """End SESSION: the run under way and those still to come count as stopped; what was measured stays.

    It is asked, and has time for its last words; a profiler that doesn't obey gets SIGTERM and then SIGKILL, with all
    that it has started. Returns when nothing of SESSION runs any more, or with code 1 when that can't be reached.
    """
    folder = find(reference, root)
    follower = open_session(folder)
    if _runs(folder, follower.manifest):
        echo("asked the session to stop: the run under way ends within seconds")
    try:
        ended = halt.halt(folder, say=echo)
    except halt.CannotHalt as error:
        raise CommandError(str(error), RUN_FAILED) from None
    if not ended:
        raise _not_running(folder, follower, "stop")
    echo(f"session {folder.id} has ended")


@click.command("skip", short_help="End the run under way, go on with the next.")
@_target
@pass_root
def skip_command(root: Path, reference: str) -> None:
    """End the run of SESSION that is under way and go on with the next one."""
    folder = find(reference, root)
    follower = open_session(folder)
    if not _runs(folder, follower.manifest):
        raise _not_running(folder, follower, "skip")
    sessions.send(folder, "skip")
    echo("asked the session to skip the run under way")
    woken = wake(folder)
    if woken is not None:
        echo(f"the profiler process {woken} was suspended: it goes on, to do so")


@click.command("rm", short_help="Delete sessions.")
@click.argument("references", metavar="SESSION...", nargs=-1, required=True)
@pass_root
def rm_command(root: Path, references: tuple[str, ...]) -> None:
    """Delete sessions with all their logs. A running session is refused: stop it first."""
    # All are looked up before the first is deleted: a mistyped one must not cost the others.
    folders = {(folder := find(reference, root)).path: folder for reference in references}
    for folder in folders.values():
        try:
            sessions.remove(folder)
        except RuntimeError as error:
            raise CommandError(str(error), RUN_FAILED) from None
        echo(f"removed {folder.id}")


def _runs(folder: SessionFolder, manifest: Manifest) -> bool:
    return folder.liveness(manifest) in (Liveness.ALIVE, Liveness.STARTING)


def _not_running(folder: SessionFolder, follower: Follower, command: str) -> CommandError:
    state = follower.read_all()
    if follower.liveness is Liveness.COPIED and not state.over:
        why = f"session {folder.id} doesn't run here: it was made on another machine, or before a restart"
    else:
        why = f"session {folder.id} isn't running ({state.state}): there is nothing to {command}"
    return CommandError(why, RUN_FAILED)
