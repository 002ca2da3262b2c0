"""``watch``: come back to a session, running or over."""

from __future__ import annotations

from pathlib import Path

import click

from profiler.sessions import SessionFolder
from tui.commands.common import find, on_terminal, open_session, pass_root, session_argument
from tui.commands.screen_options import screen_options
from tui.settings import Settings


@click.command("watch", short_help="Come back to a session.")
@session_argument
@screen_options
@pass_root
def watch_command(root: Path, reference: str, settings: Settings) -> int:
    """Show SESSION live; 'q' leaves, the profiler goes on. Without a terminal: plain lines until it is over."""
    folder = find(reference, root)
    follower = open_session(folder)
    if on_terminal() and not settings.plain:
        show_app(root, folder, settings=settings)
        return 0
    from tui.plain import follow_plainly

    follow_plainly(follower)
    return 0


def show_app(root: Path, folder: SessionFolder | None, *, settings: Settings | None = None) -> None:
    """Run the dashboard on the Sessions screen or on one session, and say afterwards how to come back."""
    from tui.app import StepscopeApp

    app = StepscopeApp(root, folder, settings=settings)
    app.run(mouse=app.settings.mouse)
    if app.farewell:
        click.echo(app.farewell)
