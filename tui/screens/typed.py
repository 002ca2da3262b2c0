"""What screens share of which a typed filter leaves a part: the line opens, filters with every letter, and closes."""

from __future__ import annotations

from textual.containers import Container

from tui.panels.triggers.title import FilterInput, WordsPanel
from tui.screens.fed import FedScreen


class TypedScreen(FedScreen):
    """A screen with a line for a filter, which takes the footer's place while ``-typing`` is among its classes."""

    DEFAULT_CSS = """
    TypedScreen #typing { dock: bottom; display: none; height: 1; layout: horizontal; }
    TypedScreen #typing FilterInput {
        width: 1fr; height: 1; border: none; padding: 0; background: $background; color: $foreground;
    }
    TypedScreen.-typing #typing { display: block; }
    TypedScreen.-typing FooterPanel { display: none; }
    """

    def __init__(self, *, ascii: bool = False) -> None:
        super().__init__(ascii=ascii)
        self._filter = FilterInput()
        self._before_typing = ""

    def filter_line(self) -> Container:
        """What is typed, between what it is and the keys that end it; to be composed."""
        return Container(
            WordsPanel("filter ", ascii=self.ascii),
            self._filter,
            WordsPanel("  enter keep  esc undo", ascii=self.ascii),
            id="typing",
        )

    @property
    def typed(self) -> str:
        """The filter as it is applied."""
        raise NotImplementedError

    def leave(self, typed: str) -> None:
        """Show only what fits ``typed``."""
        raise NotImplementedError

    @property
    def typing(self) -> bool:
        """Whether keys are letters of the filter."""
        return self.has_class("-typing")

    def action_type(self) -> None:
        self._before_typing = self._filter.value = self.typed
        self.add_class("-typing")
        self._filter.focus()

    def on_input_changed(self, message: FilterInput.Changed) -> None:
        message.stop()
        if self.typing:
            self.leave(message.value)

    def on_filter_input_done(self, message: FilterInput.Done) -> None:
        message.stop()
        if not message.kept:
            self.leave(self._before_typing)
        self.remove_class("-typing")
        self.set_focus(None)
        self.refresh_footer()
