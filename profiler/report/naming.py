"""Short names: what tells the members of a list apart, without the words that all of them begin and end with."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import takewhile

_BETWEEN_WORDS = re.compile("-(?!compile)|(?<!no)(?<!regional)-(?=compile)")
"""Dashes between words: the variants no-compile and regional-compile are words with one."""


def short_names(names: Sequence[str]) -> dict[str, str]:
    """Each of ``names`` without what all share at their beginning and end, word by word between dashes.

    ``sd15-txt2img-no-compile-b1`` and ``sd15-txt2img-compile-b1`` are ``no-compile`` and ``compile``. Of one name
    nothing is left out, and every short name has at least one word.
    """
    words, begin, end = _parted(names)
    return {name: "-".join(one[begin : len(one) - end]) or name for name, one in words.items()}


def left_out(names: Sequence[str]) -> str:
    """What `short_names` leaves out of each of ``names``: ``sd15-txt2img, b1``; "" where that is nothing."""
    words, begin, end = _parted(names)
    one = next(iter(words.values()), [])
    return ", ".join(part for part in ("-".join(one[:begin]), "-".join(one[len(one) - end :])) if part)


def short_ids(ids: Sequence[str]) -> dict[str, str]:
    """The shortest beginning of each session's id, up to a dash, that no other of ``ids`` begins with."""
    found: dict[str, str] = {}
    for one in ids:
        ends = [place for place, letter in enumerate(one) if letter == "-" and place] + [len(one)]
        others = [other for other in ids if other != one]
        found[one] = next((one[:end] for end in ends if not any(o.startswith(one[:end]) for o in others)), one)
    return found


def _parted(names: Sequence[str]) -> tuple[dict[str, list[str]], int, int]:
    """The words of each name, and how many of them all names share at the beginning and at the end."""
    words = {name: _BETWEEN_WORDS.split(name) for name in names}
    if len(words) < 2:
        return words, 0, 0
    room = min(map(len, words.values())) - 1
    begin = _shared(list(words.values()), room)
    return words, begin, _shared([list(reversed(one)) for one in words.values()], room - begin)


def _shared(each: Sequence[Sequence[str]], most: int) -> int:
    """How many words all of ``each`` begin with, at most ``most``."""
    return sum(1 for _ in takewhile(lambda column: len(set(column)) == 1, zip(*(one[:most] for one in each))))
