"""What screens share of which a typed filter leaves a part: the line opens, filters with every letter, and closes."""

from __future__ import annotations

from tui.panels.triggers.title import FilterInput
from tui.screens.fed import FedScreen


class TypedScreen(FedScreen):
    """A screen with a line for a filter, hidden until ``-typing`` is among its classes."""

    def __init__(self, *, ascii: bool = False) -> None:
        super().__init__(ascii=ascii)
        self._filter = FilterInput()
        self._before_typing = ""

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
