"""The help screen, made from the one table of keys."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType

from tui import keys
from tui.charts.palette import MARK_MEANINGS
from tui.panels.help import HelpPanel, HelpRow
from tui.pictures.triggers.phases import MEANINGS
from tui.screens.base import OverScreen

WORDS = (
    ("case", "one pipeline, variant and workload: a line of the table, a line of the chart"),
    ("run", "one repeat of a case, in a process of its own"),
    ("leg", "a stretch of a scenario with calls alike; a case has the first one's figures, {legs} shows all legs"),
    ("clean", "calls in which nothing was compiled: a leg's figures are over those, over all where they are few"),
    ("step ms", "the median of the steps of the measured calls; IQR is the spread between their quartiles"),
    ("p95", "19 of 20 of those steps took no longer; left out where they are too few to tell"),
    ("it/s", "iterations of the denoising loop a second, as the pipeline's own progress bar counts them"),
    ("97.3 / 27.2", "the figure of each denoising loop of a call; the step chart shows one, {loop} the next"),
    ("compile", "seconds that torch.compile took; recomp: how often a frame was compiled again"),
    ("memory", "the peak: of the whole device (with t: of torch alone), or resident set size on a CPU"),
    ("speed-up", "against no-compile, ± half of the interval, or both its ends where they lie unevenly"),
    ("even at", "images until compiling has paid off; with ? by estimate"),
    ("verdict", "FASTER, SLOWER or SAME (within 3 %) as far as the interval can tell, else UNCLEAR; too few: of runs"),
    ("^ 24.3 s", "a step above the chart's range; {zoom} shows the full range"),
)

PLACES = (
    ("C  w  1  2", "below the axis: the compiling call, a warm-up, the measured calls or legs by name"),
    ("R+", "several marks at one place, the gravest of which is seen"),
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
    (
        "{triggers_filter}",
        "words; or FIELD:VALUE with run, case, variant, class, module, kind, blame; a minus before it turns it round",
    ),
)
COMPARED = (
    ("n", "processes that the figures are over: the unit of the interval"),
    ("interval", "of the speed-up, at 95 % (more where repeats are looked at several times): what the runs allow"),
    ("verdict", "too few: none before three processes a side; the details say why and what would settle it"),
    ("histogram", "how many percent of a row's steps took so long; ECDF: how many took at most so long"),
    ("1st img", "from the start of loading to the first picture, with an empty compile cache (with w: a filled one)"),
    ("output", "equal: the baseline's latents bit for bit; dB: how close; DIFFERS: farther than the type's rounding"),
    ("a  b  c", "symbols of rows beyond the eighth"),
    ("[x] [+] [-]", "in the list: marked, marked with its session, marked in part"),
)
CONFIGURED = (
    ("config.toml", "in the folder stepscope of the user's config folder, or where $STEPSCOPE_CONFIG says"),
    ("[keys]", 'stop = "f9" gives the key called stop another one; a wide help page has the names of all'),
    ("theme", 'theme = "light", color = "256", ascii = true, mouse = false, refresh = 2, plain = true'),
    ("ctrl+c", "quits too; ctrl+z goes back to the shell, where fg brings the screen back"),
)

EVERYWHERE = "Every screen"
LEAVING = "The profiler is a process of its own: quitting, a lost connection and a closed terminal leave it running."


class HelpScreen(OverScreen[None]):
    """Keys and words, those of the screen ``seen`` first."""

    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings(keys.HELP), keys.INTERRUPT]
    CSS_PATH = Path(__file__).with_suffix(".tcss")

    def __init__(self, seen: str = keys.LIVE, *, table: Sequence[keys.Key] = keys.TABLE, ascii: bool = False) -> None:
        """``table``: the keys as the user has them."""
        super().__init__()
        self.seen = seen
        self.ascii = ascii
        self._table = table
        self._page = HelpPanel(help_rows(seen, table), ascii=ascii)

    def compose_body(self) -> ComposeResult:
        yield self._page

    def on_mount(self) -> None:
        keys.remap(self._bindings, keys.HELP, self._table)

    def action_move(self, lines: int) -> None:
        self._page.scroll_lines(lines)

    def action_page(self, pages: int) -> None:
        self._page.scroll_lines(pages * self._page.page)

    def action_edge(self, side: int) -> None:
        self._page.scroll_lines(side * self._page.total)

    def action_close(self) -> None:
        self.dismiss()


def sections(seen: str, table: Sequence[keys.Key] = keys.TABLE) -> list[tuple[str, list[keys.Key]]]:
    """The keys under their titles, each key once: those of the screen ``seen``, those of all screens, then the rest."""
    shared = [key for key in table if len(set(key.where) & set(keys.SCREENS)) >= len(keys.SCREENS) - 1]
    told = {key.id for key in shared}
    twins = {keys.LIVE, keys.REPLAY}  # a replay's keys are Live's but for some: they are told with the first of the two
    found: list[tuple[str, list[keys.Key]]] = []
    for where in sorted((*keys.SCREENS, keys.ASKING, keys.PALETTE), key=lambda where: where != seen):
        first = keys.REPLAY if seen == keys.REPLAY else keys.LIVE
        twin = where in twins and where != first
        own = [key for key in keys.keys_of(where, table) if key.id not in told and not (twin and first in key.where)]
        if own:
            found.append((where, own))
    found.insert(1, (EVERYWHERE, shared))
    return found


def help_rows(seen: str = keys.LIVE, table: Sequence[keys.Key] = keys.TABLE) -> tuple[HelpRow, ...]:
    """The rows of the page: keys, symbols or words with what they mean, and titles; the screen ``seen`` comes first."""
    rows: list[HelpRow] = []

    def title(text: str) -> None:
        if rows:
            rows.append(HelpRow())
        rows.append(HelpRow(text, "bold"))

    def words(of: Iterable[tuple[str, str]], style: str = "accent") -> None:
        rows.extend(HelpRow(keys.keyed(f"  {word}", table), style, keys.keyed(meaning, table)) for word, meaning in of)

    for where, found in sections(seen, table):
        title(where)
        rows.extend(HelpRow(f"  {keys.display(key)}", "bold accent", key.long, name=key.id) for key in found)
        if where == keys.REPLAY and seen != keys.REPLAY:
            rows.append(HelpRow("", "", "and the keys of Live but for those of a running session", "quiet"))
        if where == keys.COMPARE:
            title("Words of comparisons")
            words(COMPARED)
        if where == keys.TRIGGERS:
            title("Words of triggers")
            words(TRIGGERS)
            title("The phases of a compile")
            words(MEANINGS, "")
    title("On the charts")
    rows += [HelpRow(f"  {symbol}", f"bold mark:{symbol}", meaning) for symbol, meaning in MARK_MEANINGS.items()]
    words(PLACES, "")
    title("Events")
    words(EVENTS, "")
    title("Words")
    words(WORDS)
    title("Other keys and colours")
    words(CONFIGURED)
    rows += [HelpRow(), HelpRow("", "", LEAVING, "quiet")]
    return tuple(rows)
