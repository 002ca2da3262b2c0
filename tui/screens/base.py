"""What every screen of sessions has: a footer that follows its state, questions in the footer, and a least size."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import ClassVar, TypeVar

from textual import events
from textual.app import ComposeResult
from textual.geometry import Size
from textual.screen import ModalScreen, Screen
from textual.timer import Timer
from textual.widgets import Static

from tui import keys
from tui.commanding import Command
from tui.panels.footer import Foot, FooterPanel
from tui.panels.tabs import Tabs, TabsPanel
from tui.timing import after

LEAST_WIDTH, LEAST_HEIGHT = 60, 16
TABBED_HEIGHT = 30
"""Rows from which there is one for the screens with their numbers."""

_WIDTHS = [(0, "-tiny"), (LEAST_WIDTH, "-narrow"), (100, "-normal"), (160, "-wide")]
_HEIGHTS = [(0, "-flat"), (LEAST_HEIGHT, "-short"), (TABBED_HEIGHT, "-medium"), (45, "-tall")]

T = TypeVar("T")

NOTICE_S = 6.0

NUMBERED = (
    (keys.SESSIONS, "go_sessions"),
    (keys.NEW, "go_new"),
    (keys.LIVE, "go_live"),
    (keys.TRIGGERS, "go_triggers"),
    (keys.COMPARE, "go_compare"),
)
"""The screens that have a number, in its order, with the id of the key."""

PART_OF = {keys.CHOOSE: keys.COMPARE, keys.REPLAY: keys.LIVE}
"""Screens without a number, and the one with a number that each belongs to."""


class TooSmall(Static):
    """What is shown instead of everything where nothing useful would fit."""

    DEFAULT_CSS = "TooSmall { display: none; width: 1fr; height: 1fr; }"

    def on_resize(self, event: events.Resize) -> None:
        width, height = self.screen.size
        self.update(f"too small: {LEAST_WIDTH}x{LEAST_HEIGHT} needed, this is {width}x{height}", layout=False)

    def __init__(self) -> None:
        super().__init__("", markup=False)


class OverScreen(ModalScreen[T]):
    """A screen over the others, as the help is, with the same least size."""

    HORIZONTAL_BREAKPOINTS = _WIDTHS
    VERTICAL_BREAKPOINTS = _HEIGHTS
    DEFAULT_CSS = """
    OverScreen.-tiny > *, OverScreen.-flat > * { display: none; }
    OverScreen.-tiny > TooSmall, OverScreen.-flat > TooSmall { display: block; }
    """

    def compose(self) -> ComposeResult:
        yield from self.compose_body()
        yield TooSmall()

    def compose_body(self) -> ComposeResult:
        """All that there is where the terminal is large enough."""
        yield from ()


class BaseScreen(Screen[None]):
    """A screen with a footer. ``where`` names it in the table of keys."""

    where: ClassVar[str]
    HORIZONTAL_BREAKPOINTS = _WIDTHS
    VERTICAL_BREAKPOINTS = _HEIGHTS
    DEFAULT_CSS = """
    BaseScreen { layout: vertical; overflow: hidden; }
    BaseScreen > TabsPanel { display: none; }
    BaseScreen.-medium > TabsPanel, BaseScreen.-tall > TabsPanel { display: block; }
    BaseScreen.-tiny > *, BaseScreen.-flat > * { display: none; }
    BaseScreen.-tiny > TabsPanel, BaseScreen.-flat > TabsPanel { display: none; }
    BaseScreen.-tiny > TooSmall, BaseScreen.-flat > TooSmall { display: block; }
    """

    def __init__(self, *, ascii: bool = False) -> None:
        super().__init__()
        self.ascii = ascii
        self._answer: Callable[[], None] | None = None
        self._said = ""  # the notice that was given last
        self._saying: Timer | None = None
        self._foot = FooterPanel(Foot(), ascii=ascii)
        self._tabs = TabsPanel(Tabs(), ascii=ascii)

    def compose(self) -> ComposeResult:
        yield self._tabs
        yield from self.compose_body()
        yield self._foot
        yield TooSmall()

    def compose_body(self) -> ComposeResult:
        """The widgets between the top and the footer."""
        yield from ()

    @property
    def table(self) -> Sequence[keys.Key]:
        """The table of keys as the user has it."""
        return getattr(self.app, "key_table", keys.TABLE)

    def on_mount(self) -> None:
        keys.remap(self._bindings, self.where, self.table)
        places = tuple((keys.named(key), name) for key, name in self._numbers())
        self._tabs.put(Tabs(places, PART_OF.get(self.where, self.where)))

    def _numbers(self) -> list[tuple[str, str]]:
        """The first key of each screen that has a number, with its name."""
        first = {key.id: key.keys.split(",")[0] for key in keys.keys_of(self.where, self.table)}
        return [(first[id], name) for name, id in NUMBERED if id in first]

    def on_tabs_panel_picked(self, message: TabsPanel.Picked) -> None:
        message.stop()
        if self._answer is None:
            self.app.call_later(self.app.run_action, f"go({message.name!r})")

    @property
    def room(self) -> Size:
        """The screen's size without the row of screens."""
        return Size(self.size.width, self.size.height - self._tabbed)

    @property
    def _tabbed(self) -> bool:
        # Not by the classes: those of another size are only put on after its event.
        return self.size.height >= TABBED_HEIGHT

    def on_resize(self) -> None:
        self.refresh_footer()

    def possible(self, action: str) -> bool:
        """Whether the action of a key makes sense now."""
        return True

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        asking = self._answer is not None
        if action == "answer":
            return asking
        known = {key.action.partition("(")[0] for key in keys.keys_of(self.where)}
        if action not in known:
            return True
        return not asking and self.possible(action)

    def commands(self) -> Iterable[Command]:
        """What the command palette offers of this screen beside its keys."""
        return ()

    def refresh_footer(self) -> None:
        """Show what can be done now."""
        where = keys.ASKING if self._answer is not None else self.where
        every = keys.keys_of(where, self.table)
        actions = [key.action for key in every if self._answer is not None or self.possible(key.action)]
        hints = keys.hints(where, actions, self.table)
        staying = keys.staying(where, actions, self.table)
        if self._answer is None and not self._tabbed:  # there is no row for the screens with their numbers
            hints.insert(len(hints) - staying, (keys.written([key for key, _ in self._numbers()]), "screens"))
            staying += 1
        self._foot.put(replace(self._foot.value, hints=tuple(hints), staying=staying))

    def ask(self, question: str, then: Callable[[], None]) -> None:
        """Ask in the footer; ``then`` is called on yes."""
        self._answer = then
        self._foot.put(replace(self._foot.value, question=question, notice=""))
        self.refresh_footer()

    def action_answer(self, yes: bool) -> None:
        then, self._answer = self._answer, None
        self._foot.put(replace(self._foot.value, question=""))
        if yes and then is not None:
            then()
        self.refresh_footer()

    def notice(self, text: str) -> None:
        """Say something in the footer for a few seconds."""
        self.unsay()
        self._foot.put(replace(self._foot.value, notice=text))
        self._said = text
        self._saying = after(self, NOTICE_S, self.unsay)

    def unsay(self) -> None:
        """Take back what was said last, if it is still there."""
        if self._saying is not None:
            self._saying.stop()
            self._saying = None
        if self._foot.value.notice == self._said:
            self._foot.put(replace(self._foot.value, notice=""))

    @property
    def asking(self) -> bool:
        """Whether a question waits for its answer."""
        return self._answer is not None
