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
    nothing is left out, nor where nothing would be left of another.
    """
    words = {name: _BETWEEN_WORDS.split(name) for name in names}
    room = min(map(len, words.values()), default=1) - 1 if len(words) > 1 else 0
    begin = _shared(list(words.values()), room)
    end = _shared([list(reversed(one)) for one in words.values()], room - begin)
    short = {name: "-".join(one[begin : len(one) - end]) for name, one in words.items()}
    return short if all(short.values()) else {name: name for name in names}


def short_ids(ids: Sequence[str]) -> dict[str, str]:
    """The shortest beginning of each session's id, up to a dash, that no other of ``ids`` begins with."""
    found: dict[str, str] = {}
    for one in ids:
        ends = [place for place, letter in enumerate(one) if letter == "-" and place] + [len(one)]
        others = [other for other in ids if other != one]
        found[one] = next((one[:end] for end in ends if not any(o.startswith(one[:end]) for o in others)), one)
    return found


def _shared(each: Sequence[Sequence[str]], most: int) -> int:
    """How many words all of ``each`` begin with, at most ``most``."""
    return sum(1 for _ in takewhile(lambda column: len(set(column)) == 1, zip(*(one[:most] for one in each))))
