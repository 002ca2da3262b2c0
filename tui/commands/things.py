"""What is compared and exported: ``SESSION``, ``SESSION/CASE`` and ``SESSION/RUN``, of any folders, as lots."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from profiler import sessions
from profiler.analysis.lots import Lot, lots_of
from profiler.analysis.state import SessionState
from profiler.report.comparison import CompareDocument, compare_document
from profiler.report.naming import short_names
from profiler.report.outputs import compare_outputs
from profiler.sessions import Liveness, SessionFolder, SessionNotFound
from tui.commands.common import BAD_USAGE, NOT_FOUND, CommandError, open_session, some

Opened = tuple[SessionFolder, SessionState, bool]
"""A session, its state as it is now, and whether it was copied from elsewhere."""


class Things:
    """Sessions are read once each, however often and by whatever path they are named."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._opened: dict[Path, Opened] = {}

    @property
    def copied(self) -> list[SessionState]:
        """Those that come from elsewhere."""
        return [state for _, state, copied in self._opened.values() if copied]

    @property
    def folders(self) -> dict[SessionState, Path]:
        """The folder of each."""
        return {state: folder.path for folder, state, _ in self._opened.values()}

    def lots(self, references: Sequence[str]) -> list[Lot]:
        """The lots that ``references`` name, each once. Raises CommandError, code 2 or 3, as ``named`` does."""
        return list({(id(lot.session), lot.name): lot for one in references for lot in self.named(one)}.values())

    def named(self, reference: str) -> list[Lot]:
        """The cases of a session, or the case or run of one.

        Raises CommandError: code 3 where there is no such session, case or run, 2 where several fit.
        """
        folder, within = self._found(reference)
        state = self._read(folder)
        return lots_of(state) if within is None else [_within(state, within)]

    def marks(self, references: Sequence[str]) -> list[tuple[SessionFolder, str | None]]:
        """The same for the screen, which reads the sessions itself: folders, and which case or run of them.

        Raises CommandError as ``named`` does.
        """
        found = []
        for reference in references:
            folder, within = self._found(reference)
            found.append((folder, None if within is None else _within(self._read(folder), within).name))
        return found

    def folder_of(self, lot: Lot) -> SessionFolder:
        """Where the session of ``lot`` is."""
        return next(folder for folder, state, _ in self._opened.values() if state is lot.session)

    def with_baseline(self, lots: Sequence[Lot], baseline: Lot | None) -> list[Lot]:
        """``lots``, and before them the baseline where it is none of them."""
        return list(lots) if baseline is None or baseline in lots else [baseline, *lots]

    def document(self, lots: Sequence[Lot], baseline: Lot | None = None, *, gpu: str | None = None) -> CompareDocument:
        """``lots`` compared with ``baseline``.

        ``gpu``: the published name of one whose figures are shown beside ours.
        """
        every = self.with_baseline(lots, baseline)
        output = partial(compare_outputs, self.folder_of)
        return compare_document(every, baseline=baseline, output=output, copied=self.copied, gpu=gpu)

    def baseline(self, wanted: str, lots: Sequence[Lot], references: Sequence[str]) -> Lot:
        """The one lot that ``wanted`` names: of the sessions of ``lots`` by its name alone, or as ``named`` takes it.

        Raises CommandError as ``named`` does, and with code 2 where it is several.
        """
        if wanted not in references and os.sep not in wanted:
            sessions = {id(lot.session): lot.session for lot in lots}.values()
            fitting = [_lot(state, name) for state in sessions for name in _fits(state, wanted)]
            fitting = [lot for lot in fitting if lot in lots] or fitting
            if fitting:
                return self._one(wanted, fitting)
            try:
                return self._one(wanted, self.named(wanted))
            except CommandError as error:
                if error.code != NOT_FOUND:
                    raise
                there = some(list(dict.fromkeys(lot.name for lot in lots)))
                why = f"no case or run is called {wanted!r} (there are: {there}); {error.message}"
                raise CommandError(why, NOT_FOUND) from None
        return self._one(wanted, self.named(wanted))

    def _one(self, wanted: str, lots: Sequence[Lot]) -> Lot:
        if len(lots) == 1:
            return lots[0]
        names = [f"{lot.session.session}/{lot.name}" for lot in lots]
        raise CommandError(f"a baseline is one case: {_several(wanted, names)}", BAD_USAGE)

    def _found(self, reference: str) -> tuple[SessionFolder, str | None]:
        """The session and what within it: a folder's path has slashes too, so the whole is tried first."""
        try:
            return sessions.find(reference, self._root), None
        except SessionNotFound as error:
            whole = str(error)
            head, slash, tail = reference.rstrip(os.sep).rpartition(os.sep)
            if not slash or not head:
                raise CommandError(whole, NOT_FOUND) from None
        try:
            return sessions.find(head, self._root), tail
        except SessionNotFound as error:
            why = whole if os.path.exists(reference) else f"there is no {reference}: {error}"
            raise CommandError(why, NOT_FOUND) from None

    def _read(self, folder: SessionFolder) -> SessionState:
        place = folder.path.resolve()
        if place not in self._opened:
            follower = open_session(folder)
            state = follower.read_all()
            self._opened[place] = folder, state, follower.liveness is Liveness.COPIED
        return self._opened[place][1]


def pick_case(state: SessionState, given: str) -> str:
    """The name of the case that ``given`` means. Raises CommandError: code 3 where there is none, 2 of several."""
    names = [case.name for case in state.request.cases]
    return _only(given, _fitting(given, names, short_names(names)), f"session {state.session} has no case", names)


def _within(state: SessionState, given: str) -> Lot:
    """The case or run of ``state`` that ``given`` means. Raises CommandError as `pick_case` does."""
    missing = f"session {state.session} has no case and no run"
    return _lot(state, _only(given, _fits(state, given), missing, [case.name for case in state.request.cases]))


def _lot(state: SessionState, name: str) -> Lot:
    return Lot(state, state.runs[name].case, name) if name in state.runs else Lot(state, state.request.case(name))


def _fits(state: SessionState, given: str) -> list[str]:
    """The cases and runs of ``state`` that a name, a name as tables shorten it, a number or a beginning means."""
    cases = [case.name for case in state.request.cases]
    numbered = given.isascii() and given.isdigit() and len(given) < 10
    fitting = [name for name in state.runs if numbered and name.partition("-")[0] == f"{int(given):03d}"]
    return fitting or _fitting(given, [*cases, *state.runs], short_names(cases))


def _fitting(given: str, names: Sequence[str], short: dict[str, str]) -> list[str]:
    """Those of ``names`` that ``given`` is, is short for, begins, or begins as they are shortened: the first of these
    that is any of them.
    """
    found = [name for name in names if name == given]
    found = found or [name for name, called in short.items() if called == given]
    found = found or [name for name in names if given and name.startswith(given)]
    return list(dict.fromkeys(found or [name for name, called in short.items() if given and called.startswith(given)]))


def _only(given: str, fitting: Sequence[str], missing: str, there: Sequence[str]) -> str:
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise CommandError(_several(given, fitting), BAD_USAGE)
    raise CommandError(f"{missing} called {given!r} (there are: {some(there)})", NOT_FOUND)


def _several(given: str, fitting: Sequence[str]) -> str:
    return f"{given!r} fits {len(fitting)} ({some(fitting)}): give more of the name"
