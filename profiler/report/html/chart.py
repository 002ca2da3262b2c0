"""A figure of the page: its title, legend and drawing, and the same data as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from profiler.analysis.curves import Identity
from profiler.report.html.look import Look
from profiler.report.html.markup import Markup, el
from profiler.report.html.plot import swatch

LONGEST_KEY = 130
"""Letters of all labels together; a longer legend stands once above all charts."""

SHORT = 34
"""Words of so many letters aren't broken into lines."""

Looks = Mapping[Identity, Look]


def figure(title: str, drawing: Markup, table: Markup, *, note: str = "", legend: Markup | None = None) -> Markup:
    caption = el("figcaption", title, el("small", note) if note else None)
    return el("figure", caption, legend, drawing, el("details", el("summary", "the data as a table"), table))


def key(who: Sequence[Identity], look: Looks, *, whole: bool = False) -> Markup | None:
    """The legend; None where it is so long that it stands elsewhere (``whole``: all the same)."""
    if long_key(who) and not whole:
        return None
    return el("ul", *(el("li", swatch(look[one]), " ", one.label) for one in who), class_="key")


def long_key(who: Sequence[Identity]) -> bool:
    return sum(len(one.label) + 4 for one in who) > LONGEST_KEY


def table(head: Sequence[str], rows: Sequence[Sequence[object]], *, words: Sequence[int] = (0,)) -> Markup:
    """A table. The columns named in ``words`` hold words, the others figures; the first is what a row is about."""
    css = [None if column in words else "n" for column in range(len(head))]
    header = el("tr", *(el("th", cell, class_=name, scope="col") for cell, name in zip(head, css, strict=True)))
    body = [el("tr", *_cells(row, css)) for row in rows]
    return el("div", el("table", el("thead", header), el("tbody", *body)), class_="scroll")


def _cells(row: Sequence[object], css: Sequence[str | None]) -> list[Markup]:
    cells = list(zip(row, css, strict=True))
    first, name = cells[0]
    found = [el("th", first, class_=name or "case", scope="row")]
    return found + [el("td", cell, class_=name or ("long" if _long(cell) else "case")) for cell, name in cells[1:]]


def _long(cell: object) -> bool:
    return isinstance(cell, Markup) or len(str(cell)) > SHORT
