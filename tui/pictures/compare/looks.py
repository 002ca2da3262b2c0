"""A colour and a symbol for each row of a comparison, on all its charts the same and no two alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tui.charts.palette import VARIANT_STYLES, further_style
from tui.pictures.compare.resolved import Entry
from tui.pictures.looks import Look, case_look

SYMBOLS = 5
"""Further looks that have a symbol of their own."""

LETTERS = "abcdefghijklmnpqrstuwyz"
"""Symbols of those after them: letters that stand for no other line in ASCII."""


class Looks:
    """Gives looks out. A row keeps its own while others come and go."""

    def __init__(self) -> None:
        self._given: dict[str, Look] = {}

    def of(self, entries: Sequence[Entry]) -> dict[str, Look]:
        """The look of each entry, by its key: its variant's on Live, where another has that a further one."""
        keys = {entry.key for entry in entries}
        self._given = {key: look for key, look in self._given.items() if key in keys}
        for entry in entries:
            if entry.key not in self._given:
                self._given[entry.key] = self._free(entry)
        return self._given

    def _free(self, entry: Entry) -> Look:
        taken = {look.word for look in self._given.values()}
        own = case_look(entry.lot.case, entry.lot.session.request)
        if own.word not in taken and own.word.removeprefix("series:") in VARIANT_STYLES:
            return own
        for number in range(SYMBOLS + len(LETTERS)):
            if f"series:further-{number}" not in taken:
                return _further(number)
        return _further(len(self._given) % (SYMBOLS + len(LETTERS)))


def _further(number: int) -> Look:
    """The look of the one that is the ``number``-th beside the three variants, from 0."""
    style = further_style(number)
    if number >= SYMBOLS:
        letter = LETTERS[number - SYMBOLS]
        style = replace(style, marker=letter, ascii_marker=letter)
    return Look(style, f"series:further-{number}")
