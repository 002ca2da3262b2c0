"""The published benchmark's figures beside a row, where its GPU is one that they were made on."""

from __future__ import annotations

import re

from profiler.analysis.cases import CaseFigures
from profiler.analysis.lots import Lot
from profiler.report import published
from profiler.report.casedocument import device_of
from profiler.report.publishedcells import published_figures, published_notes, published_text
from tui import safe
from tui.pictures import words

_OTHER = re.compile(r"\b(ti|super|laptop|max-q|mobile|d)\b", re.IGNORECASE)
"""Words after a name that make it another GPU's."""


def gpu_of(lot: Lot) -> str | None:
    """The published name of the GPU that a lot was measured on; None for one without figures."""
    name = device_of(lot.session).name or ""
    for gpu in published.gpus():
        found = re.search(rf"\b{re.escape(gpu).replace(re.escape(' '), '[ -]?')}\b(.*)", name, re.IGNORECASE)
        if found is not None and not _OTHER.search(found[1]):
            return gpu
    return None


def known_to_the_benchmark(lot: Lot) -> bool:
    """Whether there are figures of the lot's pipeline, on any GPU."""
    return lot.case.workload.pipeline in published.LABELS


def next_gpu(now: str | None) -> str | None:
    """The GPU to choose after ``now``: those with figures in turn, then each row's own (None)."""
    every = [None, *published.gpus()]
    return every[(every.index(now) + 1) % len(every)] if now in every else None


def published_cell(lot: Lot, figures: CaseFigures, release: str, chosen: str | None = None) -> tuple[str, str]:
    """What was published of the lot's cell with torch ``release``, in it/s, on the ``chosen`` GPU or on its own."""
    gpu = chosen or gpu_of(lot)
    found = published_figures(gpu, lot.case.workload, figures) if gpu is not None else []
    figure = next((one for one in found if one.torch == release), None)
    return (words.NOTHING, "quiet") if figure is None else (safe.line(published_text(figure), 40), "")


def published_lines(lot: Lot, figures: CaseFigures, chosen: str | None = None) -> tuple[str, ...]:
    """What was published of the lot's cell, beside its own figures, and in what it was other work; of the ``chosen``
    GPU or of its own.
    """
    gpu = chosen or gpu_of(lot)
    if gpu is None:
        return ()
    lines = []
    for figure in published_figures(gpu, lot.case.workload, figures):
        ratio = " / ".join(f"{value:.2f}x" for value in figure.ratio)
        lines.append(
            f"{gpu}, torch {figure.torch}: {published_text(figure)} it/s{f'; this is {ratio} of it' if ratio else ''}"
        )
    if lines:
        lines += published_notes(lot.case)
    return tuple(safe.line(line, 500) for line in lines)
