"""The help screen, made from the one table of keys."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from tui import keys
from tui.charts.palette import MARK_MEANINGS
from tui.theme import rich_style

WORDS = (
    ("case", "one pipeline, variant and workload: a line of the table, a line of the chart"),
    ("run", "one repeat of a case, in a process of its own"),
    ("leg", "a stretch of a scenario with calls alike; a case has the first one's figures, f shows all legs"),
    ("clean", "calls in which nothing was compiled: a leg's figures are over those, over all where they are few"),
    ("step ms", "the median of the steps of the measured calls; ±IQR is the spread between their quartiles"),
    ("p95", "19 of 20 of those steps took no longer; left out where they are too few to tell"),
    ("it/s", "iterations of the denoising loop a second, as the pipeline's own progress bar counts them"),
    ("97.3 / 27.2", "the figure of each denoising loop of a call; the step chart shows one, l the next"),
    ("compile", "seconds that torch.compile took; recomp: how often a frame was compiled again"),
    ("memory", "the peak: of the whole device (with t: of torch alone), or resident set size on a CPU"),
    (
        "speed-up",
        "against no-compile, ± half of the 95 % interval; even at: images until compiling has paid off",
    ),
    ("verdict", "FASTER, SLOWER or SAME (within 3 %) as far as the interval can tell, else UNCLEAR"),
    ("^ 24.3 s", "a step above the chart's range; z shows the full range"),
)

PLACES = (
    ("C  w  1  2", "below the axis: the compiling call, a warm-up, the measured calls or legs by name"),
    ("┊", "where a call or leg begins; in colour, where something was compiled"),
)


class HelpScreen(ModalScreen[None]):
    """Keys and words."""

    BINDINGS: ClassVar[list[BindingType]] = keys.bindings(keys.HELP)
    CSS_PATH = Path(__file__).with_suffix(".tcss")

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="help"):
            yield Static(help_text(self.app.current_theme.dark), markup=False)

    def action_close(self) -> None:
        self.dismiss()


def help_text(dark: bool) -> Text:
    """The whole page."""
    quiet, strong, accent = (rich_style(word, dark) for word in ("quiet", "bold", "bold accent"))
    text = Text()
    for where in (keys.LIVE, keys.SESSIONS, keys.ASKING):
        text.append(f"{where}\n", strong)
        for key in keys.keys_of(where):
            text.append(f"  {keys.display(key):<14}", accent)
            text.append(f"{key.long}\n")
        text.append("\n")
    text.append("On the charts\n", strong)
    for symbol, meaning in MARK_MEANINGS.items():
        text.append(f"  {symbol:<14}", rich_style(f"bold mark:{symbol}", dark))
        text.append(f"{meaning}\n")
    for symbol, meaning in PLACES:
        text.append(f"  {symbol:<14}{meaning}\n")
    text.append("\nWords\n", strong)
    for word, meaning in WORDS:
        text.append(f"  {word:<14}", accent)
        text.append(f"{meaning}\n")
    text.append("\nThe profiler is a process of its own: quitting, a lost connection and a closed terminal ", quiet)
    text.append("leave it running.", quiet)
    return text
