"""Everything that can be marked: sessions, their cases and runs, as a tree."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tui.pictures.compare.marks import Mark, Marks, marked, unmarked


@dataclass(frozen=True, slots=True)
class KnownCase:
    """A case of a session; ``runs`` are names and labels."""

    name: str
    label: str
    variant: str
    runs: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class KnownSession:
    """A session as its session.json has it, and where it ran as its first run says. ``why``: it can't be read."""

    path: str
    session: str
    age: str
    pipeline: str
    device: str
    torch: str
    cases: tuple[KnownCase, ...] = ()
    why: str = ""


@dataclass(frozen=True, slots=True)
class ChooserPicture:
    """The sessions of a home, newest first; ``complete`` once all were looked at."""

    sessions: tuple[KnownSession, ...] = ()
    complete: bool = False
    error: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """The tree as the reader has it: what is unfolded, filtered and marked."""

    picture: ChooserPicture = ChooserPicture()
    unfolded: frozenset[str] = frozenset()
    typed: str = ""
    marks: Marks = ()


@dataclass(frozen=True, slots=True)
class Branch:
    """A line of the tree. ``box``: marked itself ("x"), by its session's mark ("+"), in part ("-"), or not ("")."""

    mark: Mark
    depth: int
    label: str
    told: tuple[str, ...]  # the further columns of a session
    variant: str
    box: str
    can_unfold: bool
    unfolded: bool
    why: str = ""

    @property
    def key(self) -> str:
        return self.mark.path if self.mark.name is None else f"{self.mark.path}/{self.mark.name}"


def branches(choice: Choice) -> Iterator[Branch]:
    """The lines of the tree that are seen. Words narrow it to sessions and cases that have all of them."""
    words = choice.typed.casefold().split()
    for session in choice.picture.sessions:
        about = " ".join([session.session, session.pipeline, session.device, session.torch]).casefold()
        left = [word for word in words if word not in about]
        cases = [case for case in session.cases if all(word in f"{case.label} {case.name}".casefold() for word in left)]
        if left and not cases:
            continue
        # What was found within a session is seen without unfolding it first.
        unfolded = session.path in choice.unfolded or bool(left)
        yield _session(session, choice, unfolded)
        if unfolded:
            for case in cases:
                yield from _case(session, case, choice)


def _session(session: KnownSession, choice: Choice, unfolded: bool) -> Branch:
    mark = Mark(session.path)
    within = any(other.path == session.path for other in choice.marks)
    return Branch(
        mark=mark,
        depth=0,
        label=session.session,
        told=(session.age, session.pipeline, session.device, session.torch),
        variant="",
        box="x" if mark in choice.marks else "-" if within else "",
        can_unfold=bool(session.cases),
        unfolded=unfolded,
        why=session.why,
    )


def _case(session: KnownSession, case: KnownCase, choice: Choice) -> Iterator[Branch]:
    mark = Mark(session.path, case.name)
    runs = {Mark(session.path, name): label for name, label in case.runs}
    unfolded = f"{session.path}/{case.name}" in choice.unfolded
    if mark in choice.marks:
        box = "x"
    elif Mark(session.path) in choice.marks:
        box = "+"
    else:
        box = "-" if any(run in choice.marks for run in runs) else ""
    yield Branch(mark, 1, case.label, (), case.variant, box, bool(runs), unfolded)
    if unfolded:
        for run, label in runs.items():
            yield Branch(run, 2, label, (), case.variant, "x" if run in choice.marks else "", False, False)


def toggled(choice: Choice, branch: Branch) -> Marks:
    """The marks with that of ``branch`` put on or taken off.

    A case is taken out of a session that is marked whole by marking the session's other cases; a run is marked beside
    them.
    """
    marks, mark = choice.marks, branch.mark
    if mark in marks:
        return unmarked(marks, mark)
    whole = Mark(mark.path)
    if mark.name is not None and whole in marks:
        session = next(one for one in choice.picture.sessions if one.path == mark.path)
        cases = [Mark(mark.path, case.name) for case in session.cases]
        every = marked(unmarked(marks, whole), cases)
        return unmarked(every, mark) if mark in every else marked(every, [mark])
    return marked(marks, [mark])
