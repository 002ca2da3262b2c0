"""The page's words: the verdicts, what was measured, what puts a doubt on the figures, how they were made."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from profiler.analysis.cases import CaseFigures
from profiler.analysis.curves import Crossing, Identity
from profiler.analysis.curves.identity import environment_of
from profiler.analysis.lots import Lot, session_ids
from profiler.analysis.outputs import OutputComparison
from profiler.analysis.state import SessionState
from profiler.analysis.verdicts import ALIKE, CONFIDENCE, DIFFERENT, MIN_FOR_VERDICT, SAME
from profiler.report.casedocument import device_of, versions_of
from profiler.report.heading import shared_work
from profiler.report.html.chart import table
from profiler.report.html.look import Look
from profiler.report.html.markup import Markup, el, joined
from profiler.report.rows import only_warm, times
from profiler.report.text import NOT_MEASURED, gibibytes
from profiler.request import Workload


@dataclass(frozen=True, slots=True)
class Compared:
    """A lot of the page with all that is said of it. ``baseline`` is the label of what it is compared with."""

    lot: Lot
    who: Identity
    look: Look
    figures: CaseFigures
    baseline: str
    crossing: Crossing | None
    output: OutputComparison | None


FEW = 12
"""So many lots have a line each; of more those without a verdict share one where the reason is the same."""


def verdicts(compared: Sequence[Compared]) -> Markup:
    """A line for each lot that is compared with another: the answer first."""
    asked = [one for one in compared if one.figures.baseline is not None or one.figures.reason]
    if not asked:
        return el("p", "One case alone: there is nothing to compare it with.", class_="dim")
    many = len(asked) > FEW
    open_ = [one for one in asked if many and one.figures.verdict is None]
    lines = [_verdict(one) for one in asked if not many or one.figures.verdict is not None]
    shared: dict[tuple[str, str], list[str]] = {}
    for one in open_:
        ratio = "" if one.figures.speedup is None else f" {times(one.figures.speedup)}"
        why = one.figures.reason or "too little was measured"
        shared.setdefault((one.baseline, why), []).append(f"{one.who.label}{ratio}")
    for (baseline, why), said in shared.items():
        lines.append(el("li", el("b", "No verdict"), f" against {baseline}: {why}: {', '.join(said)}"))
    return el("ul", *lines, class_="verdicts")


def _verdict(one: Compared) -> Markup:
    figures = one.figures
    name = el("b", one.who.label)
    if figures.speedup is None:
        said = joined(name, el("span", f": not compared: {figures.reason or 'nothing was measured'}"))
        return el("li", said, class_=one.look.css)
    ratio = f"{times(figures.speedup)}{_interval(figures)}"
    word = el("span", figures.verdict, class_=figures.verdict) if figures.verdict else None
    match figures.verdict:
        case "FASTER" | "SLOWER":
            parts: list[object] = [name, " is ", word, f" than {one.baseline}: {ratio}"]
        case "SAME":
            parts = [name, " is the ", word, f" as {one.baseline} within 3 %: {ratio}"]
        case "UNCLEAR":
            parts = [name, " against ", one.baseline, " is ", word, f": {ratio}; {figures.reason or ''}"]
        case _:
            why = figures.reason or "too little was measured"
            parts = [name, f": {ratio} of {one.baseline}'s speed by estimate; no verdict: {why}"]
    if one.crossing is not None and figures.verdict != SAME:  # nothing is to be paid off where nothing differs
        parts.append(el("span", f", {one.crossing.why}{_warm(figures)}"))
    if figures.doubt and figures.verdict is not None:
        parts.append(el("span", f" ({figures.doubt})", class_="doubt"))
    return el("li", *parts, class_=one.look.css)


def _warm(figures: CaseFigures) -> str:
    """Break-even of start-ups that find their compiled code, where there were any and it is another one."""
    cold, warm = figures.break_even_images, figures.break_even_warm_images
    if only_warm(figures):
        return " (its compiled code was in the cache; it was never started without)"
    if cold is None or warm is None or math.ceil(cold) == math.ceil(warm):
        return ""
    images = math.ceil(warm)
    when = "at once" if images == 0 else f"after {images:,}"
    return f" ({when} where it finds its compiled code in the cache)"


def _interval(figures: CaseFigures) -> str:
    if figures.interval is None:
        return ""
    low, high = figures.interval
    return f" ({(figures.confidence or CONFIDENCE) * 100:.4g} %: {times(low)} to {times(high)})"


def outputs(compared: Sequence[Compared]) -> Markup | None:
    """Whether the variants made the same picture."""
    found = [(one, one.output) for one in compared if one.output is not None]
    if not found:
        return None
    rows = []
    for one, output in found:
        apart = "-" if output.max_abs is None else f"{output.max_abs:.3g}"
        psnr = "-" if output.psnr_db is None else f"{output.psnr_db:.1f} dB"
        own = "-" if output.self_psnr_db is None else f"{output.self_psnr_db:.1f} dB"
        own = "equal" if output.self_equal else own
        said = output.warning or output.reason or ("equal bit for bit" if output.equal else "within the tolerance")
        rows.append([one.who.label, one.baseline, said, apart, psnr, own, _decibels(output.tolerance_db)])
    head = ["", "against", "final latents, same seed", "max abs", "PSNR", "baseline's own repeats", "tolerance"]
    return table(head, rows, words=(0, 1, 2))


def _decibels(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f} dB"


def heading(lots: Sequence[Lot]) -> str:
    """What the page is about, in a line."""
    return shared_work([lot.case.workload for lot in lots])


def measured(lots: Sequence[Lot], copied: Collection[SessionState]) -> Markup | None:
    """A column a session: where, when and with what."""
    sessions = list({id(lot.session): lot.session for lot in lots}.values())
    if not sessions:
        return None
    told = [_made_with(session, lots, session in copied) for session in sessions]
    names = dict.fromkeys(name for one in told for name in one)
    rows = [[name, *(one.get(name, NOT_MEASURED) for one in told)] for name in names]
    head = ["session", *session_ids(sessions).values()]
    return table(head, rows, words=range(len(head)))


_FIRST_PACKAGES = ("torch", "diffusers", "cuda", "triton", "transformers", "python")


def _made_with(session: SessionState, lots: Sequence[Lot], copied: bool) -> dict[str, str]:
    device, versions = device_of(session), versions_of(session)
    seen = next((env for lot in lots if lot.session is session and (env := environment_of(lot)) is not None), None)
    state = session.state + (f": {why}" if (why := session.reason or session.presumed) else "")
    found = {
        "state": state + (", copied from elsewhere" if copied else ""),
        "begun (UTC)": _date(session),
        "host": _host(session),
        "device": ", ".join(filter(None, (device.device, device.name))),
        "memory": gibibytes(device.total_bytes),
    }
    if seen is not None and seen.cpu:
        found["processor"] = (
            f"{seen.cpu}, {seen.cores} cores, {seen.threads} thread{'s' * (seen.threads != 1)} of torch"
        )
    if device.driver:
        found["driver"] = device.driver
    order = sorted(versions, key=lambda name: (name not in _FIRST_PACKAGES, name))
    return found | {name: versions[name] for name in order if name not in found}


def _date(session: SessionState) -> str:
    """When its conductor began, or the first worker that is known; "-" where no log says."""
    headers = [session.header, *(run.header for run in session.runs.values())]
    walls = [header.wall_ns for header in headers if header is not None and header.wall_ns > 0]
    try:
        return f"{datetime.fromtimestamp(min(walls) / 1e9, UTC):%Y-%m-%d %H:%M}" if walls else "-"
    except (OverflowError, OSError, ValueError):
        return "-"


def _host(session: SessionState) -> str:
    headers = [session.header, *(run.header for run in session.runs.values())]
    return ", ".join(dict.fromkeys(header.host for header in headers if header is not None and header.host)) or "-"


def workload(compared: Sequence[Compared]) -> Markup | None:
    """The fields of the workloads: those that all share in a line, a column for each that differs."""
    if not compared:
        return None
    every = [one.lot.case.workload for one in compared]
    fields = Workload.__struct_fields__
    differing = [name for name in fields if any(getattr(one, name) != getattr(every[0], name) for one in every)]
    shared = [(name, getattr(every[0], name)) for name in fields if name not in differing]
    told = [f"{_spelled(name)} {_value(value)}" for name, value in shared if value not in (None, False, {}, ())]
    parts = [el("p", "; ".join(told), class_="small")]
    if differing:
        rows = [
            [one.who.label, *(_value(getattr(one.lot.case.workload, name)) for name in differing)] for one in compared
        ]
        parts.append(table(["", *map(_spelled, differing)], rows, words=range(len(differing) + 1)))
    settings = list(_settings(compared))
    if settings:
        parts.append(table(["", "torch.compile"], settings, words=(0, 1)))
    return joined(*parts)


def _settings(compared: Sequence[Compared]) -> Iterator[list[str]]:
    for one in compared:
        compilation = one.lot.case.compilation
        fields = ("engine", "backend", "mode", "fullgraph", "dynamic", "recompile_limit", "options")
        said = [
            f"{_spelled(name)} {_value(value)}"
            for name in fields
            if (value := getattr(compilation, name)) not in (None, {})
        ]
        if said:
            yield [one.who.label, ", ".join(said)]


def _spelled(field: str) -> str:
    return field.replace("_", " ")


def _value(value: object) -> str:
    match value:
        case None:
            return "the pipeline's own"
        case bool():
            return "yes" if value else "no"
        case tuple():
            return ", ".join(str(getattr(leg, "name", leg)) for leg in value) or "none"
        case float():
            return f"{value:g}"
    return str(value)[:300]


def listed(lines: Sequence[str], css: str | None = None) -> Markup | None:
    """Sentences as a list; None of none."""
    return el("ul", *(el("li", line) for line in lines), class_=css) if lines else None


DEFINITIONS = (
    ("step", "one scheduler.step; its boundaries are CUDA events on the stream, on a CPU the host's monotonic clock"),
    (
        "speed-up",
        (
            "ratio of the time in a call's denoising loops, of each image where calls make different numbers of them; "
            "its unit is the process (a run): geometric means of the runs' medians, and Welch's t interval on their "
            "logarithms"
        ),
    ),
    (
        "verdict",
        (
            f"FASTER or SLOWER where the whole interval lies outside {DIFFERENT[0]}x to {DIFFERENT[1]}x; "
            f"else SAME where it lies inside {ALIKE[0]}x to {ALIKE[1]}x; else UNCLEAR; "
            f"with fewer than {MIN_FOR_VERDICT} runs a side there is none"
        ),
    ),
    (
        "figures",
        (
            "over the measured calls without a compile, a CUDA graph recorded or an allocation retry; over all of "
            "them, and said so, where fewer than 3 or under half are left. Nothing is dropped"
        ),
    ),
    ("start-up", "from the end of loading to the end of the first call; cold: with an empty compile cache"),
    (
        "break-even",
        "seconds that starting up costs more / seconds saved for each image, counted after the first call's",
    ),
    ("it/s", "updates of the pipeline's progress bar / time of the loop: what tqdm prints"),
    ("memory", "the peak that torch had allocated is the comparable one; on a CPU it is resident memory, no VRAM"),
    ("GPU waits", "share of the steps in which the device had run dry before Python gave it more (host-bound)"),
    ("same output", "the final latents at one seed, value by value; PSNR with the range of the baseline's as its peak"),
)


def definitions() -> Markup:
    """How the figures were made."""
    return el("ul", *(el("li", el("b", name), f": {what}") for name, what in DEFINITIONS), class_="small")
