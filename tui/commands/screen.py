"""Running the screen for a command, and what is said when one has left it."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tui.commands.common import ended_well
from tui.echo import echo


def run_screen(root: Path, /, *arguments: Any, **options: Any) -> None:
    """Run the app, made with these arguments, say afterwards how to come back, and end with its exit code."""
    with _loading():
        from tui.app import StepscopeApp

        app = StepscopeApp(root, *arguments, **options)
    app.run(mouse=app.settings.mouse)
    if app.farewell:
        echo(app.farewell)
    ended_well(app.return_code)


@contextmanager
def _loading() -> Iterator[None]:
    """What modules make when they are loaded stays: no garbage is looked for meanwhile, nor in it ever after."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
