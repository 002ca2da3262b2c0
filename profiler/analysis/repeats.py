"""``--until-sure``: what a look at a session finds, which cases get more repeats, and about how many that will be.

Nothing is remembered from look to look: a session goes by its runs alone, so one that was stopped or has died goes on
where it was. A verdict that was settled and isn't any more, by what its baseline's later repeats have measured, is open
again: what counts is what is shown in the end, and ``looks.confidence`` holds for all looks together.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from profiler.analysis.cases import CaseFigures, case_figures
from profiler.analysis.comparing import LegComparison
from profiler.analysis.state import RunState, SessionState
from profiler.analysis.verdicts import UNCLEAR
from profiler.request import LOOKS, Run
from profiler.request.order import rounds

MOST_TOLD = 8
"""So many cases a line names."""


class Standing(msgspec.Struct, frozen=True):
    """How a case compares with its baseline so far; of a scenario the leg that is furthest from a verdict."""

    case: str
    label: str  # the variant, where that is enough to tell it, and the leg where it isn't the first one
    baseline: str
    verdict: str | None
    speedup: float | None
    interval: tuple[float, float] | None
    until: int | None  # repeats after which it is likely to be settled, one of LOOKS; None where it doesn't go on
    given_up: str | None  # why it gets no more repeats though nothing is settled

    @property
    def goes_on(self) -> bool:
        return self.until is not None


class Look(msgspec.Struct, frozen=True):
    """A session as it stands."""

    repeats: int  # the most runs that a case has, those that are still to be made among them
    made: int  # repeats that have ended of every case that goes on
    number: int  # of the look after ``repeats``, from 1
    begun: bool  # a look was made: the first repeats are over
    standings: list[Standing]

    @property
    def open(self) -> list[Standing]:
        """Those that are to be settled yet."""
        return [standing for standing in self.standings if standing.goes_on]

    @property
    def expected(self) -> int:
        """About how many more repeats it will take, those under way among them."""
        return max((standing.until - self.made for standing in self.standings if standing.until is not None), default=0)

    def to_come(self) -> dict[str, int]:
        """About how many repeats will be added to each case beyond those that are there, where there will be any."""
        more: dict[str, int] = {}
        for standing in self.standings:
            if standing.until is not None and standing.until > self.repeats:
                for case in (standing.baseline, standing.case):
                    more[case] = max(more.get(case, 0), standing.until - self.repeats)
        return more


def look(session: SessionState) -> Look:
    """How the verdicts of ``session`` stand by what was measured so far."""
    figures = case_figures(session)
    runs: dict[str, list[RunState]] = {case.name: [] for case in session.request.cases}
    for run in session.runs.values():
        runs[run.case.name].append(run)
    repeats = max((len(each) for each in runs.values()), default=0)
    labels = _labels(figures)
    over = {name: sum(1 for run in each if run.outcome is not None) for name, each in runs.items()}
    standings = [
        _standing(one, labels[one.case], runs, over, repeats) for one in figures if one.baseline not in (None, one.case)
    ]
    going = {name for standing in standings if standing.goes_on for name in (standing.baseline, standing.case)}
    # A case that sat out some rounds has made less than the others: what is left to make is the same.
    left = max((len(runs[name]) - over[name] for name in going), default=0)
    return Look(
        repeats=repeats,
        made=repeats - left,
        number=sum(1 for at in LOOKS if at <= repeats),
        begun=repeats > session.request.repeats or all(over[name] == len(runs[name]) for name in runs),
        standings=standings,
    )


def owed(session: SessionState, found: Look) -> list[Run]:
    """The runs to add: up to the next look, of the cases that are to be settled and of their baselines.

    They are interleaved and rotated as those before. [] where every verdict is settled or the last look was made, and
    while runs that are there already are still to be made.
    """
    following = next((at for at in LOOKS if at > found.repeats), None)
    waiting = any(run.outcome is None for run in session.runs.values())
    if following is None or waiting:
        return []
    going = {name for standing in found.open for name in (standing.baseline, standing.case)}
    cases = [case.name for case in session.request.cases if case.name in going]
    made: dict[str, int] = {}
    for run in session.request.runs:
        made[run.case] = max(made.get(run.case, 0), run.repeat)
    return rounds(cases, range(found.repeats + 1, following + 1), made=made, first=len(session.request.runs) + 1)


def told(found: Look) -> str:
    """What a look has found, in one line: "after 3 repeats: compile UNCLEAR (0.98x to 1.07x), about 2 more repeats
    expected; regional-compile FASTER 1.21x".
    """
    said = [_told(standing, found) for standing in (*found.open, *_closed(found))]
    if len(said) > MOST_TOLD:
        said = [*said[:MOST_TOLD], f"and {len(said) - MOST_TOLD} more cases"]
    return f"after {_count(found.repeats, 'repeat')}: {'; '.join(said)}"


def unsettled(found: Look) -> str:
    """What no verdict was reached on, in one line; "" where there is nothing of that kind."""
    left = [standing for standing in found.standings if standing.verdict in (None, UNCLEAR)]
    said = [
        f"{standing.label} is still {UNCLEAR} ({allowed(standing.interval)})"
        if standing.verdict is not None and standing.interval is not None
        else f"{standing.label} has no verdict"
        for standing in left[:MOST_TOLD]
    ]
    return ", ".join([*said, f"and {len(left) - MOST_TOLD} more"] if len(left) > MOST_TOLD else said)


def progress_text(found: Look) -> str:
    """Where a session that goes on is: "look 2 of 4 after 5 repeats, 1 case unsettled, about 2 more"."""
    text = f"look {found.number} of {len(LOOKS)} after {_count(found.repeats, 'repeat')}"
    if not found.begun:
        return text
    count = len(found.open)
    if not count:
        return f"{text}, every case settled so far"
    return f"{text}, {_count(count, 'case')} unsettled, about {found.expected} more"


def brief_text(found: Look) -> str:
    """``progress_text`` where that doesn't fit: "look 2 of 4, 1 unsettled"."""
    text = f"look {found.number} of {len(LOOKS)}"
    return f"{text}, {len(found.open)} unsettled" if found.begun else text


def allowed(interval: tuple[float, float]) -> str:
    return f"{interval[0]:.2f}x to {interval[1]:.2f}x"


def _standing(
    one: CaseFigures, label: str, runs: dict[str, list[RunState]], over: dict[str, int], repeats: int
) -> Standing:
    baseline = one.baseline or ""
    given_up = until = None
    least, leg = _least_settled(one)
    if least.verdict in (None, UNCLEAR):
        given_up = _why_no_more(runs[one.case], "") or _why_no_more(runs[baseline], "its baseline ")
        ended = over[one.case] == len(runs[one.case]) and over[baseline] == len(runs[baseline])
        if given_up is None and ended and one.verdict is None and not one.more_repeats:
            # All runs ended well, and still there is nothing to compare: more of them would not change that.
            given_up = one.reason or "there is nothing to compare"
        if given_up is None:
            until = _until(min(over[one.case], over[baseline]), least.more_repeats, repeats, ended)
    return Standing(
        case=one.case,
        label=label if leg is None else f"{label} ({leg})",
        baseline=baseline,
        verdict=least.verdict,
        speedup=least.speedup,
        interval=least.interval,
        until=until,
        given_up=given_up,
    )


def _least_settled(one: CaseFigures) -> tuple[CaseFigures | LegComparison, str | None]:
    """The case's own verdict, its first leg's; where that is settled, the open leg that takes most, and its name."""
    open_legs = [leg for leg in one.leg_comparisons if leg.verdict == UNCLEAR]
    if one.verdict in (None, UNCLEAR) or not open_legs:
        return one, None
    leg = max(open_legs, key=lambda leg: LOOKS[-1] if leg.more_repeats is None else leg.more_repeats)
    return leg, leg.name if leg.number == 1 else f"{leg.name}, {leg.number}"


def _until(made: int, more: int | None, repeats: int, ended: bool) -> int | None:
    """The look at which ``more`` repeats than ``made`` are there, the last one if none has as many.

    The one after ``repeats`` is past where they have all ``ended``. None where no look is left.
    """
    likely = LOOKS[-1] if more is None else min(made + more, LOOKS[-1])
    return next((at for at in LOOKS if at >= max(likely, repeats + ended)), None)


def _why_no_more(runs: Sequence[RunState], whose: str) -> str | None:
    """A case that came to nothing once isn't tried again, nor one that somebody has skipped."""
    for run in runs:
        if run.outcome not in (None, "ok"):
            return f"{whose}{_OUTCOMES.get(run.outcome, run.outcome)}{f': {run.reason}' if run.reason else ''}"
    return None


_OUTCOMES = {"oom": "ran out of memory", "stopped": "was stopped", "unsupported": "is unsupported"}


def _labels(figures: Sequence[CaseFigures]) -> dict[str, str]:
    """The variants, where each is there once; else the cases' names."""
    compared = [one for one in figures if one.baseline not in (None, one.case)]
    variants = [one.variant for one in compared]
    return {one.case: one.variant if variants.count(one.variant) == 1 else one.case for one in compared}


def _closed(found: Look) -> list[Standing]:
    return [standing for standing in found.standings if not standing.goes_on]


def _told(standing: Standing, found: Look) -> str:
    if standing.given_up is not None:
        return f"{standing.label} gets no more repeats: {standing.given_up}"
    if standing.verdict is None or standing.interval is None:
        text = f"{standing.label} has no verdict"
    elif standing.verdict == UNCLEAR:
        text = f"{standing.label} {UNCLEAR} ({allowed(standing.interval)})"
    else:
        return f"{standing.label} {standing.verdict} {standing.speedup:.2f}x"
    if standing.until is None:
        return f"{text}, and this was the last look"
    return f"{text}, about {_count(standing.until - found.made, 'more repeat')} expected"


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
