"""The rows of text: title and unit, the legend, and a note where there is room left; what the cursor points at."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len, set_cell_size

from tui import safe
from tui.charts.axes import axis_suffix, format_value, in_ascii
from tui.charts.palette import Colours
from tui.charts.spec import ChartSpec, Reading, Series

_LEAST_LABEL = 4
"""Legend labels are cut down to this many cells before the row itself is."""


def title_runs(spec: ChartSpec, width: int, ascii: bool, colours: Colours) -> list[tuple[str, str]]:
    """The title row of `spec`, exactly `width` cells; what doesn't fit goes: the note, label ends, then the end.

    A series that the cursor reads has its value behind its label, and where that is too much in place of it.
    """
    suffix = spec.y.label or axis_suffix(spec.y.unit, spec.y.low, spec.y.high)
    if spec.y.scale == "log":
        suffix = f"{suffix} log".strip()
    said = [safe.line(text) for text in (spec.title, suffix, spec.note)]
    title, suffix, note = [in_ascii(text) for text in said] if ascii else said
    head = [(title, "bold")]
    if suffix:
        head.append((f" {suffix}", colours.quiet))
    cursor = spec.cursor
    if cursor is not None and cursor.place and not cursor.label:
        place = safe.line(cursor.place)
        head.append((f"  {in_ascii(place) if ascii else place}", "bold"))
    named = tuple(series for series in spec.series if series.label)
    entries = named if spec.legend or _readings(spec) else ()
    legend = sum(4 + cell_len(safe.line(series.label)) for series in entries)
    if spec.legend_last and _length(head) + legend + (cell_len(note) + 2 if note else 0) > width:
        entries = ()
    head += _legend(spec, entries, width - _length(head), ascii, colours)
    left = width - _length(head)
    if note and left >= cell_len(note) + 2:
        head += [(" " * (left - cell_len(note)), ""), (note, colours.quiet)]
    return _fitted(head, width, ascii)


def _legend(
    spec: ChartSpec, entries: Sequence[Series], room: int, ascii: bool, colours: Colours
) -> list[tuple[str, str]]:
    """Symbol, label and what the cursor reads of each of `entries`; wider than `room` where nothing more can go."""
    values = [_value(spec, series, ascii) for series in entries]
    said = [f" {value}" if value else "" for value in values]
    labels = [safe.line(series.label) for series in entries]
    taken = sum(4 + cell_len(value) for value in said)
    if any(said) and sum(min(cell_len(label), _LEAST_LABEL) for label in labels) > room - taken:
        # no room for a label that can be told from another: the symbols do
        texts = [value or label for value, label in zip(values, labels, strict=True)]
    else:
        texts = [a + b for a, b in zip(_shortened(labels, room - taken, ascii), said, strict=True)]
    return [
        (f"  {series.style.symbol(ascii=ascii)} {text}", colours.of(series.style))
        for series, text in zip(entries, texts, strict=True)
    ]


def _readings(spec: ChartSpec) -> tuple[Reading, ...]:
    return () if spec.cursor is None else spec.cursor.readings


def _value(spec: ChartSpec, series: Series, ascii: bool) -> str:
    """What the cursor reads of `series`, with its unit; "" where it isn't asked about."""
    found = next((one for one in _readings(spec) if one.series == series.key), None)
    if found is None:
        return ""
    text = "–" if found.y is None else format_value(found.y, spec.y.unit)
    return in_ascii(text) if ascii else text


def cursor_runs(
    spec: ChartSpec, width: int, ascii: bool, colours: Colours, *, low: bool = False
) -> list[tuple[str, str]]:
    """What the cursor of `spec` points at, after the symbol of its series, exactly `width` cells; the note goes first
    where not all fits.

    In a `low` chart, where this is the only row of text, the place and the values come before the rest.
    """
    cursor = spec.cursor
    if cursor is None:
        return [(" " * width, "")]
    said = [safe.line(text) for text in (cursor.label, cursor.note, cursor.place)]
    label, note, place = [in_ascii(text) for text in said] if ascii else said
    if low and cursor.readings:
        runs = [(place or label, "bold")]
        read = [series for series in spec.series if any(one.series == series.key for one in cursor.readings)]
        runs += _legend(spec, read, width - _length(runs), ascii, colours)
        return _fitted(runs, width, ascii)
    series = next((series for series in spec.series if series.key == cursor.series), None)
    runs = [] if series is None else [(f"{series.style.symbol(ascii=ascii)} ", colours.of(series.style))]
    runs.append((label, "bold"))
    left = width - _length(runs)
    if note and left >= cell_len(note) + 2:
        runs += [(" " * (left - cell_len(note)), ""), (note, colours.quiet)]
    return _fitted(runs, width, ascii)


def _length(runs: list[tuple[str, str]]) -> int:
    return sum(cell_len(text) for text, _ in runs)


def _shortened(labels: list[str], room: int, ascii: bool) -> list[str]:
    """`labels` cut, the longest first, until together they take at most `room` cells or are as short as they may be."""
    lengths = [cell_len(label) for label in labels]
    while sum(lengths) > room and max(lengths, default=0) > _LEAST_LABEL:
        lengths[lengths.index(max(lengths))] -= 1
    return [_cut(label, length, ascii) for label, length in zip(labels, lengths, strict=True)]


def _cut(text: str, length: int, ascii: bool) -> str:
    if cell_len(text) <= length:
        return text
    return set_cell_size(text, max(0, length - 1)) + ("~" if ascii else "…")


def _fitted(runs: list[tuple[str, str]], width: int, ascii: bool) -> list[tuple[str, str]]:
    left = width - _length(runs)
    if left >= 0:
        return [*runs, (" " * left, "")]
    out: list[tuple[str, str]] = []
    room = width
    for text, style in runs:
        # a run that just fits is cut too if more follows it, so that the row shows that something is missing
        if cell_len(text) >= room:
            return [*out, (_cut(f"{text} ", room, ascii), style)]
        out.append((text, style))
        room -= cell_len(text)
    return out
