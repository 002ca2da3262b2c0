"""``--until-sure``: when the repeats of a session are looked at, and what each look may claim."""

from __future__ import annotations

from profiler.analysis.verdicts import CONFIDENCE
from profiler.request import LOOKS, Request


def confidence(request: Request) -> float:
    """The confidence of an interval of the session's figures.

    Who looks several times and stops when he likes what he sees is wrong more often than each look says. The error
    level is split evenly over the looks (Bonferroni), so that all of them together keep it.
    """
    return 1 - (1 - CONFIDENCE) / len(LOOKS) if request.until_sure else CONFIDENCE
