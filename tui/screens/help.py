"""The help screen, made from the one table of keys."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.scrollbar import ScrollBarRender
from textual.widgets import Static

from tui import keys
from tui.charts.palette import MARK_MEANINGS, Colours
from tui.pictures.triggers.phases import MEANINGS
from tui.theme import colours_of, rich_style

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
        "against no-compile, ± half of the interval; even at: images until compiling has paid off",
    ),
    ("verdict", "FASTER, SLOWER or SAME (within 3 %) as far as the interval can tell, else UNCLEAR"),
    ("^ 24.3 s", "a step above the chart's range; z shows the full range"),
)

PLACES = (
    ("C  w  1  2", "below the axis: the compiling call, a warm-up, the measured calls or legs by name"),
    ("┊", "where a call or leg begins; in colour, where something was compiled"),
)

EVENTS = (
    ("▸", "a run or a leg begins"),
    ("C  R  B", "compile, recompile and why, graph break"),
    ("L  E", "the recompile limit was reached; steps run eager that had run compiled"),
    ("G", "a CUDA graph was skipped or recorded again"),
    ("i  !", "a note; something to look at"),
    ("✓  ✗  –  ■", "how a run ended: ok, out of memory or failed, unsupported, stopped"),
)
TRIGGERS = (
    ("compile", "what all compiles of the line took together; lost: what the steps lost that waited for them"),
    ("yours", "something that the caller changed, or that went wrong: here is something to do"),
    ("expected", "the model's or the variant's nature, once: first compiles, another width of a shared block"),
    ("artefact", "modules that share their code are counted as recompiles of each other"),
    ("?", "torch's text says too little to tell whose"),
    ("+  -", "the line can be unfolded into its occurrences, or folded again"),
    ("/", "words; or FIELD:VALUE with run, case, variant, class, module, kind, blame; - before it turns it round"),
)
COMPARED = (
    ("n", "processes that the figures are over: the unit of the interval"),
    ("interval", "of the speed-up, at 95 % (more where repeats are looked at several times): what the runs allow"),
    ("verdict", "too few: none before three processes a side; the details say why and what would settle it"),
    ("histogram", "how many percent of a row's steps took so long; ECDF: how many took at most so long"),
    ("1st img", "from the start of loading to the first picture, with an empty compile cache"),
    ("output", "same: the baseline's latents bit for bit; dB: how close; DIFFERS: farther than the type's rounding"),
    ("a  b  c", "symbols of rows beyond the eighth"),
    ("[x] [+] [-]", "in the list: marked, marked with its session, marked in part"),
)
_ASCII = str.maketrans("▸┊✓✗–■±", ">:+!-x~")
"""What stands for the symbols where the terminal has ASCII alone, as on the panels and charts."""

LEAVING = "The profiler is a process of its own: quitting, a lost connection and a closed terminal leave it running."


class _Blocks(ScrollBarRender):
    """A bar of whole cells, which is drawn with blanks alone."""

    VERTICAL_BARS: ClassVar[list[str]] = [" "] * 8


class HelpScreen(ModalScreen[None]):
    """Keys and words, those of the screen ``seen`` first."""

    BINDINGS: ClassVar[list[BindingType]] = keys.bindings(keys.HELP)
    CSS_PATH = Path(__file__).with_suffix(".tcss")

    def __init__(self, seen: str = keys.LIVE, *, ascii: bool = False) -> None:
        super().__init__()
        self.seen = seen
        self.ascii = ascii

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="help"):
            yield Static(help_page(colours_of(self.app.current_theme), self.seen, ascii=self.ascii), markup=False)

    def on_mount(self) -> None:
        if self.ascii:
            self.query_one(VerticalScroll).vertical_scrollbar.renderer = _Blocks  # type: ignore[misc]

    def action_close(self) -> None:
        self.dismiss()


def help_page(colours: Colours, seen: str = keys.LIVE, *, ascii: bool = False) -> Table:
    """The whole page; what doesn't fit on a line goes on below itself, not below its key."""
    page = Table.grid(padding=(0, 2))
    page.add_column(no_wrap=True)
    page.add_column()
    for left, right in help_rows(colours, seen):
        if ascii:
            left.plain, right.plain = left.plain.translate(_ASCII), right.plain.translate(_ASCII)
        page.add_row(left, right)
    return page


def help_rows(colours: Colours, seen: str = keys.LIVE) -> list[tuple[Text, Text]]:
    """The rows of the page: keys, symbols or words with what they mean, and titles; the screen ``seen`` comes first."""
    quiet, strong, accent = (rich_style(word, colours) for word in ("quiet", "bold", "bold accent"))
    rows: list[tuple[Text, Text]] = []

    def title(text: str) -> None:
        if rows:
            rows.append((Text(), Text()))
        rows.append((Text(text, strong), Text()))

    def explain(where: str) -> None:
        title(where)
        rows.extend((Text(f"  {keys.display(key)}", accent), Text(key.long)) for key in keys.keys_of(where))
        if where == keys.COMPARE:
            title("Words of comparisons")
            rows.extend((Text(f"  {word}", accent), Text(meaning)) for word, meaning in COMPARED)
        if where == keys.TRIGGERS:
            title("Words of triggers")
            rows.extend((Text(f"  {word}", accent), Text(meaning)) for word, meaning in TRIGGERS)
            title("The phases of a compile")
            rows.extend((Text(f"  {letters}"), Text(meaning)) for letters, meaning in MEANINGS)

    for where in sorted((*keys.SCREENS, keys.ASKING), key=lambda where: where != seen):
        explain(where)
    title("On the charts")
    for symbol, meaning in MARK_MEANINGS.items():
        rows.append((Text(f"  {symbol}", rich_style(f"bold mark:{symbol}", colours)), Text(meaning)))
    rows += [(Text(f"  {symbol}"), Text(meaning)) for symbol, meaning in PLACES]
    title("Events")
    rows += [(Text(f"  {symbol}"), Text(meaning)) for symbol, meaning in EVENTS]
    title("Words")
    rows += [(Text(f"  {word}", accent), Text(meaning)) for word, meaning in WORDS]
    rows.append((Text(), Text()))
    rows.append((Text(), Text(LEAVING, quiet)))
    return rows
