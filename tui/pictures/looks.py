"""Colour and symbol of a case: its variant's, or one of its own where that variant is compiled in several ways."""

from __future__ import annotations

from dataclasses import dataclass

from profiler.request import Case, Compilation, Request
from tui.charts.palette import SeriesStyle, further_style, series_word, variant_style


@dataclass(frozen=True, slots=True)
class Look:
    """How a case is told from the others of its chart; ``word`` names the colour in a row of text."""

    style: SeriesStyle
    word: str


def case_look(case: Case, request: Request) -> Look:
    """The look of ``case``: the same on every chart and in every list of its session.

    The first way in which a session compiles a variant has the variant's. Another engine than diffusers' has one that
    no other way takes, so that it is the same in every session; further ways have theirs in the request's order.
    """
    seen: list[Compilation] = []
    kinds: set[str] = set()
    further = 0
    for other in request.cases:
        way = other.compilation
        if way in seen:
            continue
        seen.append(way)
        usual = way.engine in (None, "diffusers")
        kind = way.variant if usual else str(way.engine)
        first = kind not in kinds
        kinds.add(kind)
        further += not first
        if way == case.compilation:
            if usual and first:
                return Look(variant_style(way.variant), series_word(way.variant))
            number = 0 if first else further
            return Look(further_style(number), f"series:further-{number}")
    # Of no case of the request: a damaged log's.
    return Look(variant_style(case.compilation.variant), series_word(case.compilation.variant))
