"""``stop``, ``skip``, ``rm``: what is done to a session."""

from __future__ import annotations

from pathlib import Path

import click

from profiler import sessions
from profiler.sessions import Liveness
from tui.commands.common import RUN_FAILED, CommandError, find, open_session, pass_root
from tui.echo import echo

_target = click.argument("reference", metavar="SESSION")


@click.command("stop", short_help="End a session.")
@_target
@pass_root
def stop_command(root: Path, reference: str) -> None:
    """End SESSION: the run under way and those still to come count as stopped; what was measured stays."""
    _tell(root, reference, "stop")
    echo("asked the session to stop: the run under way ends within seconds")


@click.command("skip", short_help="End the run under way, go on with the next.")
@_target
@pass_root
def skip_command(root: Path, reference: str) -> None:
    """End the run of SESSION that is under way and go on with the next one."""
    _tell(root, reference, "skip")
    echo("asked the session to skip the run under way")


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


def _tell(root: Path, reference: str, command: str) -> None:
    folder = find(reference, root)
    follower = open_session(folder)
    if folder.liveness(follower.manifest) not in (Liveness.ALIVE, Liveness.STARTING):
        state = follower.read_all().state
        raise CommandError(f"session {folder.id} isn't running ({state}): there is nothing to {command}", RUN_FAILED)
    sessions.send(folder, command)
