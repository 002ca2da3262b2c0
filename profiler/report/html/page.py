"""The page, from its head to its foot."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from profiler.analysis import curves
from profiler.analysis.cases import lot_figures
from profiler.analysis.curves.identity import baselines
from profiler.analysis.lots import Lot
from profiler.analysis.outputs import OutputComparison
from profiler.analysis.state import SessionState
from profiler.report.html import lines, rows, tables, told
from profiler.report.html.chart import key, long_key
from profiler.report.html.look import looks, style_sheet
from profiler.report.html.markup import Markup, el, joined
from profiler.report.html.pictures import Folders, pictures
from profiler.report.html.told import Compared
from profiler.report.notes import doubts, grouped, information, meanings
from profiler.report.outputs import compare_outputs
from profiler.report.rows import Row
from profiler.sessions import SessionFolder

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
"""Content-Security-Policy: whatever a log may have smuggled in, a browser runs none of it and fetches nothing."""


def page(
    lots: Sequence[Lot],
    baseline: Lot | None = None,
    *,
    folders: Folders | None = None,
    copied: Collection[SessionState] = (),
) -> Iterator[str]:
    """The whole page in pieces of text, UTF-8 to be.

    ``baseline`` None: each lot is compared with what `choose_baseline` chooses among them. ``folders``: where
    sessions are, whose latents are compared and whose saved pictures are taken in. ``copied``: those that come from
    elsewhere.
    """
    compared = _compared(lots, baseline, folders or {})
    title = f"stepscope: {told.heading(lots)}"
    yield "<!DOCTYPE html>\n"
    yield '<html lang="en"><head><meta charset="utf-8">'
    yield el("meta", http_equiv="Content-Security-Policy", content=POLICY)
    yield el("meta", name="viewport", content="width=device-width, initial-scale=1")
    yield el("meta", name="referrer", content="no-referrer")
    yield el("title", title)
    yield f"<style>{style_sheet([one.who for one in compared])}</style></head>\n<body>"
    yield el("header", el("h1", told.heading(lots)), el("p", _origin(lots), class_="dim"))
    for heading, body in _sections(compared, lots, baseline, folders or {}, copied):
        if body is not None:
            yield el("section", el("h2", heading), body)
            yield "\n"
    yield "</body></html>\n"


def _compared(lots: Sequence[Lot], baseline: Lot | None, folders: Folders) -> list[Compared]:
    bases = baselines(lots, baseline)
    figures = [lot_figures(lot, base) for lot, base in zip(lots, bases, strict=True)]
    who = curves.identities(lots, baseline)
    look = looks(who)
    crossings = {cross.who: cross for cross in curves.cumulative(lots, baseline, figures).crossings}
    called = {(id(lot.session), lot.name): one.label for lot, one in zip(lots, who, strict=True)}
    return [
        Compared(
            lot=lot,
            who=one,
            look=look[one],
            figures=of,
            baseline="" if base is None else called.get((id(base.session), base.name), base.name),
            crossing=crossings.get(one),
            output=None if base is None or base == lot else _output(lot, base, folders),
        )
        for lot, base, of, one in zip(lots, bases, figures, who, strict=True)
    ]


def _output(lot: Lot, baseline: Lot, folders: Folders) -> OutputComparison | None:
    """The final latents of the two, where their folders are here and both kept any."""
    paths = [folders.get(one.session) for one in (lot, baseline)]
    if None in paths:
        return None
    found = compare_outputs(lambda one: SessionFolder(folders[one.session]), lot, baseline)
    return None if found.reason is not None and not found.left_out else found


def _origin(lots: Sequence[Lot]) -> str:
    sessions = list({id(lot.session): lot.session for lot in lots}.values())
    of = f"session {sessions[0].session}" if len(sessions) == 1 else f"{len(sessions)} sessions"
    return f"{len(lots)} case{'s' * (len(lots) != 1)} or runs of {of}, measured by stepscope"


def _sections(
    compared: Sequence[Compared],
    lots: Sequence[Lot],
    baseline: Lot | None,
    folders: Folders,
    copied: Collection[SessionState],
) -> Iterator[tuple[str, Markup | None]]:
    """(heading, what stands below it) of each section; None: there is nothing to say."""
    texts = [
        Row(
            name=one.who.label,
            figures=one.figures,
            device=one.lot.session.request.device,
            baseline=one.baseline,
            output=one.output,
        )
        for one in compared
    ]
    yield "Verdict", told.verdicts(compared)
    yield "What puts a doubt on it", told.listed(doubts(texts), "warn")
    yield "Figures", tables.case_tables(texts)
    yield "What it means", told.listed(meanings(texts))
    yield "Charts", _charts(compared, lots, baseline)
    yield "Same output?", told.outputs(compared)
    yield "Pictures", pictures(compared, folders)
    yield "Scenario", tables.leg_table(compared)
    yield "What was compiled, and why", tables.cause_table(compared)
    yield "What made Python wait for the device", tables.sync_table(compared)
    yield "Runs", tables.run_table(compared)
    sessions = list({id(lot.session): lot.session for lot in lots}.values())
    yield "What was measured", told.measured(lots, copied)
    yield "The work", told.workload(compared)
    yield "Notes", told.listed(grouped(said for session in sessions for said in information(session)))
    yield "How figures are made", told.definitions()


def _charts(compared: Sequence[Compared], lots: Sequence[Lot], baseline: Lot | None) -> Markup | None:
    look = {one.who: one.look for one in compared}
    figures = [one.figures for one in compared]
    who = [one.who for one in compared]
    made = [
        rows.speedup_chart(curves.speedups(lots, baseline, figures), look),
        lines.cumulative_chart(curves.cumulative(lots, baseline, figures), look),
        *lines.latency_charts(curves.latency(lots, baseline), look),
        *lines.distribution_charts(curves.distribution(lots, baseline), look),
        *lines.memory_charts(curves.memory(lots, baseline), look),
        rows.peaks_chart(curves.memory_peaks(lots, baseline), look),
        rows.stages_chart(curves.stages(lots, baseline), look),
        rows.host_bound_chart(curves.host_bound(lots, baseline), look),
    ]
    drawn = [one for one in made if one is not None]
    if not drawn:
        return None
    # One legend for all where each chart's own would be longer than the chart.
    legend = key(who, look, whole=True) if long_key(who) else None
    return joined(legend, el("div", *drawn, class_="charts"))
