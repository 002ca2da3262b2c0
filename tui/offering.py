"""The command palette's part of the app: it gathers what can be done now, and does what was chosen."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from profiler import sessions
from tui import keys, safe
from tui.commanding import LONGEST_NAME, Command
from tui.exporting import new_file
from tui.navigation import NavigatingApp, place_of
from tui.screens.base import BaseScreen
from tui.screens.palette import PaletteScreen
from tui.theme import depth_of, themes

ANYWHERE = "anywhere"
"""The group of commands that every screen has."""


class OfferingApp(NavigatingApp):
    """The app with its palette."""

    def action_palette(self) -> None:
        """Offer everything that can be done on this screen and anywhere."""
        screen = self.screen
        if isinstance(screen, BaseScreen):
            keyed = list(self._commands_of(screen))
            own = [command for command in keyed if command.group != ANYWHERE]
            shared = [command for command in keyed if command.group == ANYWHERE]
            offered = (*own, *screen.commands(), *shared, *self._commands_anywhere())
            self.push_screen(PaletteScreen(offered, table=self.key_table, ascii=self.ascii), partial(self._do, screen))

    def _do(self, screen: BaseScreen, command: Command | None) -> None:
        """As if the key had been pressed on ``screen``, once the palette is gone from over it."""
        if command is not None:
            self.call_later(self.run_action, command.action, screen)

    def _commands_of(self, screen: BaseScreen) -> Iterator[Command]:
        """The keys of a screen that can be pressed now, and what else it offers."""
        for key in sorted(keys.keys_of(screen.where, self.key_table), key=lambda key: key.hint):
            if key.id != "palette" and screen.possible(key.action):
                group = ANYWHERE if key.action.startswith("app.") else place_of(screen)
                yield Command(group, key.long, key.action, keys.display(key))

    def _commands_anywhere(self) -> Iterator[Command]:
        yield Command(ANYWHERE, "write it as a picture, SVG, into the working folder", "app.picture")
        for each in themes(depth_of(self)):
            yield Command("theme", each.name, f"app.wear({each.name!r})")
        try:
            found = sessions.all_sessions(self.root)
        except OSError:
            found = []  # the Sessions screen says why
        for folder in found:
            yield Command("session", safe.line(folder.id, LONGEST_NAME), f"app.watch({folder.id!r})")

    async def action_watch(self, session: str) -> None:
        await self._bring(self._live(self._folder(session)))

    def action_wear(self, name: str) -> None:
        self.theme = name

    def action_picture(self) -> None:
        """Write what is on the screen as SVG."""
        name = f"stepscope-{place_of(self.screen).lower()}"
        try:
            path = new_file(Path.cwd(), name, "svg", [self.export_screenshot()])
        except OSError as error:
            self._say(f"cannot write {name}.svg here: {error.strerror}")
        else:
            self._say(f"written: {path}" if path is not None else f"there are too many files {name}-N.svg here")
