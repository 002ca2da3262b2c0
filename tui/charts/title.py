"""The rows of text: title and unit, the legend, and a note where there is room left; what the cursor points at."""

from __future__ import annotations

from rich.cells import cell_len, set_cell_size

from tui import safe
from tui.charts.axes import axis_suffix
from tui.charts.palette import Colours
from tui.charts.spec import ChartSpec

_LEAST_LABEL = 4
"""Legend labels are cut down to this many cells before the row itself is."""


def title_runs(spec: ChartSpec, width: int, ascii: bool, colours: Colours) -> list[tuple[str, str]]:
    """The title row of `spec`, exactly `width` cells; what doesn't fit goes: the note, label ends, then the end."""
    suffix = spec.y.label or axis_suffix(spec.y.unit, spec.y.low, spec.y.high)
    head = [(_clean(spec.title), "bold")]
    if suffix:
        head.append((f" {_clean(suffix)}", colours.quiet))
    note = _clean(spec.note)
    entries = spec.series if spec.legend else ()
    legend = sum(4 + cell_len(_clean(series.label)) for series in entries)
    if spec.legend_last and _length(head) + legend + (cell_len(note) + 2 if note else 0) > width:
        entries = ()
    room = width - _length(head) - sum(4 for _ in entries)
    labels = _shortened([_clean(series.label) for series in entries], room, ascii)
    for series, label in zip(entries, labels, strict=True):
        head.append((f"  {series.style.symbol(ascii=ascii)} {label}", colours.of(series.style)))
    left = width - _length(head)
    if note and left >= cell_len(note) + 2:
        head += [(" " * (left - cell_len(note)), ""), (note, colours.quiet)]
    return _fitted(head, width, ascii)


def cursor_runs(spec: ChartSpec, width: int, ascii: bool, colours: Colours) -> list[tuple[str, str]]:
    """What the cursor of `spec` points at, after the symbol of its series, exactly `width` cells; the note goes first
    where not all fits.
    """
    cursor = spec.cursor
    if cursor is None:
        return [(" " * width, "")]
    label, note = _clean(cursor.label), _clean(cursor.note)
    if ascii:
        label, note = label.translate(safe.OWN_ASCII), note.translate(safe.OWN_ASCII)
    series = next((series for series in spec.series if series.key == cursor.series), None)
    runs = [] if series is None else [(f"{series.style.symbol(ascii=ascii)} ", colours.of(series.style))]
    runs.append((label, "bold"))
    left = width - _length(runs)
    if note and left >= cell_len(note) + 2:
        runs += [(" " * (left - cell_len(note)), ""), (note, colours.quiet)]
    return _fitted(runs, width, ascii)


def _clean(text: str) -> str:
    """`text` without control characters, which would move the terminal's cursor."""
    return "".join(char for char in text if char.isprintable())


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
