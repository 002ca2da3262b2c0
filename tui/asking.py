"""Looks at the form in turns: what would come of it, what it would take by earlier sessions; and starts sessions."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from profiler import __version__, conductor, devices, request, sessions
from profiler.analysis.expecting import Expectation, expect
from profiler.history import History
from profiler.request import BadRequest, Options, Request
from profiler.room import device_room
from profiler.sessions import SessionFolder, SessionUnreadable
from tui import safe
from tui.feed import Source, Turn
from tui.pictures.new.form import Form, options_of
from tui.pictures.new.likeness import like
from tui.pictures.new.outcome import NewPicture, foreign_code, outcome, usual_texts

TURN_S = 0.05
RESTING_S = 1.0
"""How often it is asked whether there are other sessions to tell something."""

NO_TORCH = "torch is not installed here: sessions can be viewed, but profiling needs it (pip install torch)"


@dataclass(frozen=True, slots=True)
class Started:
    """What came of starting: the session, or one line that says why there is none."""

    session: str = ""
    why: str = ""


class NewSource(Source[NewPicture]):
    """What is known of the form, with the sessions under ``root`` as its history. Used by one thread."""

    def __init__(
        self,
        root: Path,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall_ns: Callable[[], int] = time.time_ns,
        choose: Callable[[str | None], str] = devices.choose,
        conduct: Callable[[SessionFolder], int] = conductor.start,
        room: Callable[[str], int | None] = device_room,
        has_torch: Callable[[], bool] = lambda: importlib.util.find_spec("torch") is not None,
    ) -> None:
        """``choose`` says which device is meant, ``conduct`` starts a session's profiler, ``room`` is in bytes."""
        self._root = root
        self._wall_ns = wall_ns
        self._choose = choose
        self._conduct = conduct
        self._room = cache(room)
        self._has_torch = has_torch
        self._history = History(root, clock=clock)
        self._form = Form()
        self._asked = True
        self._good: tuple[Options, str | None, Request] | None = None  # of the form, where it can be run
        self._usual: dict[str, str] = usual_texts(None)
        self._told_of: tuple[object, ...] = ()
        self._last: NewPicture | None = None

    def look(self, form: Form) -> None:
        """Say what would come of ``form`` from now on."""
        self._form = form
        self._asked = True

    def again(self) -> None:
        """Look for other sessions: the screen is seen again."""
        self._history.again()

    def turn(self) -> Turn[NewPicture]:
        if self._asked:
            # A key was pressed: answer it first, with what is known.
            self._asked = False
            return self._new(self._judged(), 0.0)
        more = self._history.turn(TURN_S)
        wait_s = 0.0 if more else RESTING_S
        if self._good is None or (self._history.pasts, more) == self._told_of:
            return Turn(None, wait_s)
        return self._new(self._painted(*self._good, more), wait_s)

    def _judged(self) -> NewPicture:
        """The form resolved, or what is wrong with it."""
        self._good = None
        try:
            options, device = options_of(self._form)
            resolved = self._resolved(options, device)
        except BadRequest as error:
            fault = safe.line(str(error), 600)
            return NewPicture(dict(self._form.texts), self._usual, fault, error.field)
        self._good = (options, device, resolved)
        self._history.look_for(resolved)
        return self._painted(options, device, resolved, True)

    def _resolved(self, options: Options, device: str | None) -> Request:
        try:
            chosen = self._choose(device)
        except BadRequest as error:
            raise BadRequest(str(error), "device") from None
        return request.resolve(options, chosen)

    def _painted(self, options: Options, device: str | None, resolved: Request, reading: bool) -> NewPicture:
        pasts = self._history.pasts
        self._told_of = (pasts, reading)
        self._usual = usual_texts(self._plain(options, device, resolved))
        expectation: Expectation = expect(resolved, pasts)
        lines, command = outcome(
            options,
            device,
            resolved,
            expectation,
            room=self._room(resolved.device),
            reading=reading,
            now_ns=self._wall_ns(),
        )
        if not self._has_torch():
            return NewPicture(dict(self._form.texts), self._usual, NO_TORCH, None, lines, command)
        code = foreign_code(resolved)
        return NewPicture(dict(self._form.texts), self._usual, "", None, lines, command, code)

    def _plain(self, options: Options, device: str | None, resolved: Request) -> Request:
        """What the defaults come to: the same pipeline at the same size and device, and nothing else asked for."""
        plain = Options(pipeline=options.pipeline, size=options.size)
        try:
            return self._resolved(plain, device)
        except BadRequest:
            return resolved

    def _new(self, picture: NewPicture, wait_s: float) -> Turn[NewPicture]:
        if picture == self._last:
            return Turn(None, wait_s)
        self._last = picture
        return Turn(picture, wait_s)

    # --- what is ordered ---

    def fill(self, folder: SessionFolder) -> tuple[Form, str]:
        """The form for what another session was asked for, and what a form can't say of it; or why there is none."""
        try:
            asked = folder.manifest(verbatim=True).request  # it may become another session
        except SessionUnreadable as error:
            return Form(), safe.line(str(error), 300)
        form = like(asked, self._of_form)
        try:
            same = self._of_form(form).cases == asked.cases
        except BadRequest:
            return form, ""  # the form shows what is wrong
        return form, "" if same else f"{safe.line(folder.id, 100)} holds more than a form can say"

    def _of_form(self, form: Form) -> Request:
        return self._resolved(*options_of(form))

    def start(self, form: Form) -> Started:
        """Make the session and start its profiler; it goes on when this program ends."""
        try:
            if not self._has_torch():
                raise BadRequest(NO_TORCH)
            folder = sessions.create(self._of_form(form), __version__, self._root)
        except BadRequest as error:
            return Started(why=safe.line(str(error), 600))
        except OSError as error:
            return Started(why=f"the session can't be made: {error.strerror or error}")
        try:
            self._conduct(folder)
        except conductor.CannotStart as error:
            try:
                sessions.discard(folder)
            except OSError as left:
                return Started(why=f"{error}; its folder {folder.id} can't be removed: {left.strerror}")
            return Started(why=safe.line(str(error), 600))
        return Started(session=folder.id)
