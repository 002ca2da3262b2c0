"""Everything that the Compare screen shows at one moment, as one frozen value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from profiler.analysis import curves
from profiler.analysis.cases import CaseFigures, lot_figures
from profiler.analysis.lots import Lot, choose_baseline
from profiler.analysis.outputs import OutputComparison
from profiler.report.outputs import compare_outputs
from profiler.report.publishedcells import published_notes
from profiler.sessions import SessionFolder
from tui import safe
from tui.charts.spec import ChartSpec
from tui.pictures import words
from tui.pictures.compare import charts
from tui.pictures.compare.bands import Bands, bands_of
from tui.pictures.compare.bars import Bars, bars_of
from tui.pictures.compare.detail import Told, detail
from tui.pictures.compare.images import Tile, tiles_of
from tui.pictures.compare.looks import Looks
from tui.pictures.compare.marks import Mark, Marks
from tui.pictures.compare.outputs import output_cell, output_text
from tui.pictures.compare.published import gpu_of, known_to_the_benchmark, published_cell, published_lines
from tui.pictures.compare.resolved import Entry, Seen, resolved
from tui.pictures.compare.rows import NOTHING, LotLine, in_order, lot_line, wanted
from tui.pictures.compare.view import CompareView
from tui.pictures.looks import Look
from tui.pictures.triggers.detail import Detail
from tui.pictures.triggers.painter import Status

NOTHING_MARKED = "nothing marked: {compare_add} opens the list of sessions, cases and runs"
READING = "reading the sessions"

AS_IT_COMES = CompareView()
NO_BARS = Bars()
NO_BANDS = Bands()
NOT_CHARTS = ("histogram", "speedup")
"""Of the parts that draw figures those that are panels of their own."""


@dataclass(frozen=True, slots=True)
class ComparePicture:
    """What is compared, as ``view`` wants it seen."""

    view: CompareView = AS_IT_COMES
    marks: Marks = ()
    lines: tuple[LotLine, ...] = ()
    every: tuple[tuple[str, Mark], ...] = ()  # the key and the mark of each row, of those that filters hide too
    total: int = 0
    baseline: str = ""  # the label of what all are compared with, where that is the same one
    pinned: bool = False  # the user chose it
    details: Mapping[str, Detail] = field(default_factory=dict)
    charts: Mapping[str, ChartSpec] = field(default_factory=dict)
    bars: Bars = NO_BARS
    bands: Bands = NO_BANDS
    tiles: tuple[Tile, ...] = ()
    statuses: tuple[Status, ...] = ()
    variants: tuple[str, ...] = ()
    loops: tuple[str, ...] = ()
    sessions: int = 0
    published: bool = False  # there are published figures of the chosen GPU, or of a GPU of these
    benchmarked: bool = False  # and of some GPU of their pipelines
    loading: bool = False
    empty: str = ""


@dataclass(frozen=True, slots=True)
class _Figured:
    """A lot's figures, and what they were made of: the revisions of its session and of its baseline's."""

    made_of: tuple[object, ...]
    figures: CaseFigures


class ComparePainter:
    """Makes the pictures of a comparison; computes again only what something new was read of. One thread at a time."""

    def __init__(self) -> None:
        self._looks = Looks()
        self._figured: dict[str, _Figured] = {}
        self._drawn: dict[tuple[object, ...], ChartSpec | Bands | tuple[str, ...]] = {}
        self._drawn_of: tuple[object, ...] = ()
        self.entries: list[Entry] = []
        self.pinned: Entry | None = None
        self.bases: dict[str, Entry] = {}  # what each is compared with, by key

    def picture(
        self, marks: Marks, seen: Mapping[str, Seen], view: CompareView, *, folders: Mapping[str, SessionFolder]
    ) -> ComparePicture:
        """The marked lots as the states have them; ``folders`` by the marks' paths."""
        entries, wrong = resolved(marks, seen)
        self.entries = entries
        self.pinned = next((entry for entry in entries if entry.key == view.baseline), None)
        self.bases = _bases(entries, self.pinned)
        pinned = self.common
        loading = any(known.reading for known in seen.values()) or len(seen) < len({mark.path for mark in marks})
        figures = {entry.key: self._figures(entry, seen) for entry in entries}
        found = curves.identities([entry.lot for entry in entries], pinned)
        labels = {entry.key: safe.line(who.label, 80) for entry, who in zip(entries, found, strict=True)}
        looks = self._looks.of(entries)
        outputs = self._outputs(entries, folders)
        lines = self._lines(entries, figures, looks, labels, outputs, view)
        by_key = {line.key: line for line in lines}
        keys = in_order([entry.key for entry in entries], figures, labels, view)
        kept = wanted([by_key[key] for key in keys], view)
        shown = {line.key for line in kept}
        order = {line.key: number for number, line in enumerate(kept)}
        drawn = sorted((entry for entry in entries if entry.key in shown), key=lambda entry: order[entry.key])
        group = self._group(drawn, pinned, figures, looks, labels, seen)
        return ComparePicture(
            view=view,
            marks=marks,
            lines=tuple(kept),
            every=tuple((entry.key, entry.mark) for entry in entries),
            total=len(entries),
            baseline=next((labels[base.key] for base in self.bases.values() if base.lot is pinned), ""),
            pinned=self.pinned is not None,
            details=MappingProxyType(
                {
                    entry.key: detail(
                        entry.lot, figures[entry.key], self._told(entry, figures, labels, outputs, view.gpu)
                    )
                    for entry in drawn
                }
            ),
            charts=MappingProxyType(
                {name: self._chart(name, group, view) for name in view.charts if name not in NOT_CHARTS}
            ),
            bars=self._bars(drawn, pinned, figures, looks, labels) if "speedup" in view.charts else NO_BARS,
            bands=self._bands(group, view) if "histogram" in view.charts else NO_BANDS,
            tiles=self._tiles(drawn, looks, labels, folders) if view.view == "images" else (),
            statuses=tuple(
                _statuses(entries, figures, looks, zip(lines, entries, strict=True), wrong, seen, ascii=view.ascii)
            ),
            variants=tuple(dict.fromkeys(line.variant for line in lines)),
            loops=self._loops(group) if view.charts else (),
            sessions=len({entry.mark.path for entry in entries}),
            published=any(
                view.gpu is not None or gpu_of(entry.lot) is not None
                for entry in entries
                if known_to_the_benchmark(entry.lot)
            ),
            benchmarked=any(known_to_the_benchmark(entry.lot) for entry in entries),
            loading=loading,
            empty=_empty(marks, entries, kept, wrong, loading),
        )

    @property
    def common(self) -> Lot | None:
        """What all are compared with, where that is the same one."""
        found = {base.key: base for base in self.bases.values()}
        return next(iter(found.values())).lot if len(found) == 1 else None

    def _figures(self, entry: Entry, seen: Mapping[str, Seen]) -> CaseFigures:
        lot, of = entry.lot, self.bases[entry.key]
        base = of.lot
        made_of = (
            id(lot.session),
            seen[entry.mark.path].revision,
            of.key,
            id(base.session),
            seen[of.mark.path].revision,
        )
        kept = self._figured.get(entry.key)
        if kept is None or kept.made_of != made_of:
            kept = self._figured[entry.key] = _Figured(made_of, lot_figures(lot, base))
        return kept.figures

    def _outputs(self, entries: Sequence[Entry], folders: Mapping[str, SessionFolder]) -> dict[str, OutputComparison]:
        """Of each lot that is compared with another: whether they made the same picture."""
        of = {id(entry.lot.session): folders[entry.mark.path] for entry in entries}
        found: dict[str, OutputComparison] = {}
        for entry in entries:
            base = self.bases[entry.key]
            if base.key != entry.key:
                found[entry.key] = compare_outputs(lambda lot: of[id(lot.session)], entry.lot, base.lot)
        return found

    def _lines(
        self,
        entries: Sequence[Entry],
        figures: Mapping[str, CaseFigures],
        looks: Mapping[str, Look],
        labels: Mapping[str, str],
        outputs: Mapping[str, OutputComparison],
        view: CompareView,
    ) -> list[LotLine]:
        return [
            lot_line(
                entry,
                figures[entry.key],
                looks[entry.key],
                labels[entry.key],
                baseline=self.bases[entry.key].key == entry.key,
                output=output_cell(outputs.get(entry.key)),
                published=published_cell(entry.lot, figures[entry.key], view.published, view.gpu)
                if view.published
                else NOTHING,
            )
            for entry in entries
        ]

    def _told(
        self,
        entry: Entry,
        figures: Mapping[str, CaseFigures],
        labels: Mapping[str, str],
        outputs: Mapping[str, OutputComparison],
        gpu: str | None,
    ) -> Told:
        base = self.bases[entry.key]
        label = labels[base.key] if base.key != entry.key else None
        text, style = output_text(outputs.get(entry.key))
        return Told(
            label=labels[entry.key],
            baseline=label,
            output=text,
            output_style=style,
            published=published_lines(entry.lot, figures[entry.key], gpu),
            folder=entry.mark.path if self._copied(entry) else "",
        )

    def _copied(self, entry: Entry) -> bool:
        """Whether another folder has the same session: where each lies tells them apart."""
        name, path = entry.lot.session.session, entry.mark.path
        return any(other.lot.session.session == name and other.mark.path != path for other in self.entries)

    # --- the charts ---

    def _group(
        self,
        drawn: Sequence[Entry],
        pinned: Lot | None,
        figures: Mapping[str, CaseFigures],
        looks: Mapping[str, Look],
        labels: Mapping[str, str],
        seen: Mapping[str, Seen],
    ) -> charts.Group:
        some = drawn[: charts.MOST_LINES]
        lots = [entry.lot for entry in some]
        found = curves.identities(lots, pinned)
        of = tuple((entry.key, id(entry.lot.session), seen[entry.mark.path].revision) for entry in some)
        bases = tuple((base.key, seen[base.mark.path].revision) for base in (self.bases[entry.key] for entry in some))
        signature = (of, bases, len(drawn))
        if signature != self._drawn_of:
            self._drawn_of = signature
            self._drawn.clear()
        return charts.Group(
            lots=lots,
            baseline=pinned,
            figures=[figures[entry.key] for entry in some],
            looks={who: looks[entry.key] for who, entry in zip(found, some, strict=True)},
            labels={who: labels[entry.key] for who, entry in zip(found, some, strict=True)},
            of=len(drawn),
            empty=charts.NOT_YET if any(not lot.session.over for lot in lots) else "no measured calls",
        )

    def _chart(self, name: str, group: charts.Group, view: CompareView) -> ChartSpec:
        key = (name, view.loop, view.full_range, view.columns, view.ascii)
        kept = self._drawn.get(key)
        if isinstance(kept, ChartSpec):
            return kept
        made = self._drawn[key] = _spec(name, group, view)
        return made

    def _bands(self, group: charts.Group, view: CompareView) -> Bands:
        kept = self._drawn.get(("histogram", view.loop))
        if isinstance(kept, Bands):
            return kept
        made = self._drawn["histogram", view.loop] = bands_of(group, view.loop)
        return made

    def _loops(self, group: charts.Group) -> tuple[str, ...]:
        kept = self._drawn.get(("loops",))
        if isinstance(kept, tuple):
            return kept
        made = self._drawn["loops",] = charts.loops_of(group)
        return made

    def _bars(
        self,
        drawn: Sequence[Entry],
        pinned: Lot | None,
        figures: Mapping[str, CaseFigures],
        looks: Mapping[str, Look],
        labels: Mapping[str, str],
    ) -> Bars:
        """Of every row: bars stand below each other and can be told apart however many there are."""
        lots = [entry.lot for entry in drawn]
        every = [figures[entry.key] for entry in drawn]
        found = curves.speedups(lots, pinned, every)
        whose = {one.who: (looks[entry.key], labels[entry.key]) for one, entry in zip(found, drawn, strict=True)}
        of_all = {one.who for one, entry in zip(found, drawn, strict=True) if self.bases[entry.key].key == entry.key}
        return bars_of(found, whose, of_all)

    def _tiles(
        self,
        drawn: Sequence[Entry],
        looks: Mapping[str, Look],
        labels: Mapping[str, str],
        folders: Mapping[str, SessionFolder],
    ) -> tuple[Tile, ...]:
        return tuple(
            tiles_of(entry.lot, folders[entry.mark.path], looks[entry.key], labels[entry.key]) for entry in drawn
        )


def _bases(entries: Sequence[Entry], pinned: Entry | None) -> dict[str, Entry]:
    """What each entry is compared with, by the entry's key."""
    lots = [entry.lot for entry in entries]
    of = {id(entry.lot): entry for entry in entries}
    wanted = pinned.lot if pinned is not None else None
    chosen = ((entry, choose_baseline(lots, entry.lot, wanted)) for entry in entries)
    return {entry.key: of[id(lot)] for entry, lot in chosen if lot is not None}


def _spec(name: str, group: charts.Group, view: CompareView) -> ChartSpec:
    match name:
        case "latency":
            return charts.latency(group, view.loop, full_range=view.full_range)
        case "ecdf":
            return charts.ecdf(group, view.loop)
        case "memory":
            return charts.memory(group, view.columns)
        case _:
            return charts.cumulative(group, ascii=view.ascii)


def _statuses(
    entries: Sequence[Entry],
    figures: Mapping[str, CaseFigures],
    looks: Mapping[str, Look],
    lines: Iterable[tuple[LotLine, Entry]],
    wrong: Sequence[str],
    seen: Mapping[str, Seen],
    *,
    ascii: bool,
) -> Iterable[Status]:
    """What one should know before believing the table: what could not be read, and what else was not the same."""
    if wrong:
        more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
        yield Status(f"{wrong[0]}{more}", "bad")
    differing: dict[str, list[Entry]] = {}
    for entry in entries:
        for warning in figures[entry.key].warnings:
            differing.setdefault(warning, []).append(entry)
    if differing:
        told = []
        for warning, of in differing.items():
            marks = "".join(looks[entry.key].style.symbol(ascii=ascii) for entry in of)
            told.append(
                f"{safe.line(warning, 120)} ({marks})" if len(of) < len(entries) - 1 else safe.line(warning, 120)
            )
        rows = len({entry.key for of in differing.values() for entry in of})
        brief = f"not the same ({len(differing)}): {'; '.join(safe.line(warning, 60) for warning in differing)}"
        yield Status(f"not the same as the baseline, {words.count(rows, 'row')}: {'; '.join(told)}", "warn", brief)
    others = sum(line.cells["published"] != NOTHING and bool(published_notes(of.lot.case)) for line, of in lines)
    if others:
        yield Status(
            f"published: other work than ours in {words.count(others, 'row')}; the details say in what", "warn"
        )
    firsts = dict.fromkeys(found.legs[0].name for entry in entries if len((found := figures[entry.key]).legs) > 1)
    if firsts:
        which = f"the first leg, {safe.line(next(iter(firsts)), 60)}" if len(firsts) == 1 else "first legs"
        yield Status(f"a scenario's row has the figures of {which}; the details have each leg's verdict", "quiet")
    reading = sum(known.reading for known in seen.values())
    if reading and entries:
        yield Status(f"reading {words.count(reading, 'session')}", "quiet")


def _empty(marks: Marks, entries: Sequence[Entry], kept: Sequence[LotLine], wrong: Sequence[str], loading: bool) -> str:
    """Why the table is empty; "" where it isn't."""
    if kept:
        return ""
    if not marks:
        return NOTHING_MARKED
    if entries:
        return f"none of {words.count(len(entries), 'row')} matches: {{compare_all}} shows all"
    if loading:
        return READING
    return wrong[0] if wrong else "nothing to compare: {compare_add} opens the list of sessions, cases and runs"
