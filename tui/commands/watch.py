"""``watch``: come back to a session, running or over."""

from __future__ import annotations

from pathlib import Path

import click

from profiler.sessions import SessionFolder
from tui.commands.common import find, on_terminal, open_session, pass_root, session_argument


@click.command("watch", short_help="Come back to a session.")
@session_argument
@click.option("--ascii", "ascii_only", is_flag=True, help="No braille and no box drawing.")
@pass_root
def watch_command(root: Path, reference: str, ascii_only: bool) -> int:
    """Show SESSION live; 'q' leaves, the profiler goes on. Without a terminal: plain lines until it is over."""
    folder = find(reference, root)
    follower = open_session(folder)
    if on_terminal():
        show_app(root, folder, ascii_only=ascii_only)
        return 0
    from tui.plain import follow_plainly

    follow_plainly(follower)
    return 0


def show_app(root: Path, folder: SessionFolder | None, *, ascii_only: bool = False) -> None:
    """Run the dashboard on the Sessions screen or on one session, and say afterwards how to come back."""
    from tui.app import StepscopeApp
    from tui.settings import Settings

    app = StepscopeApp(root, folder, settings=Settings(ascii=ascii_only))
    app.run()
    if app.farewell:
        click.echo(app.farewell)
