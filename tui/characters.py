"""Braille and lines or ASCII alone, changed while screens are open: fonts without braille show boxes instead."""

from __future__ import annotations

from typing import Protocol, cast, runtime_checkable

from textual.app import App
from textual.screen import Screen

from tui.charts.widget import Chart
from tui.panels.lines import Panel


@runtime_checkable
class _Written(Protocol):
    ascii: bool


@runtime_checkable
class _Rewritten(Protocol):
    """A screen whose pictures themselves have symbols in them."""

    def rewrite(self) -> None: ...


def write_in(app: App[None], ascii: bool) -> None:
    """Have all screens of ``app`` written in ASCII alone, or no longer; those that are opened later go by ``app``."""
    if isinstance(app, _Written):
        app.ascii = ascii
    # Screens that one left are kept by name, and Textual tells nobody the names.
    for screen in (*app.screen_stack, *(one for one in app._installed_screens.values() if isinstance(one, Screen))):
        _rewrite(cast("Screen[None]", screen), ascii)


def _rewrite(screen: Screen[None], ascii: bool) -> None:
    if not isinstance(screen, _Written) or screen.ascii == ascii:
        return
    screen.ascii = ascii
    for panel in screen.query("*"):
        if isinstance(panel, Panel):
            panel.ascii = ascii
            panel.lay_out_again()
    for chart in screen.query(Chart):
        chart.restyle(ascii=ascii)
    if isinstance(screen, _Rewritten):
        screen.rewrite()
