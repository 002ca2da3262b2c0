"""The New screen: a form for what to run, checked as one types, with what it would cost and the command for it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType

from profiler.sessions import SessionFolder
from tui import keys, managing, safe
from tui.asking import NewSource, Started
from tui.commanding import Command
from tui.feed import Feed
from tui.messages import FormFilled, NewChanged, NotStarted, SessionStarted
from tui.panels.new.form import FieldPicked, FormPanel, FormView
from tui.panels.new.outcome import OutcomePanel
from tui.panels.title import TitlePanel
from tui.pictures.new.editing import Edit, matches, result
from tui.pictures.new.fields import BY_NAME
from tui.pictures.new.form import Form, changed, flipped, seen_fields, toggled
from tui.pictures.new.outcome import NewPicture
from tui.screens.fed import FedScreen

_TYPED = ("text", "whole", "wholes", "number", "table", "choice")
"""Kinds of fields that one types into."""

_LONGEST = 44
"""Characters of a path in a question, so that it has room at 80 columns."""


class NewScreen(FedScreen):
    """Posts ``SessionStarted`` once the profiler of the new session has taken over."""

    where = keys.NEW
    BINDINGS: ClassVar[list[BindingType]] = keys.bindings(keys.NEW)
    CSS_PATH = Path(__file__).with_suffix(".tcss")
    AUTO_FOCUS = ""

    def __init__(
        self,
        root: Path,
        *,
        ascii: bool = False,
        like: SessionFolder | None = None,
        source: NewSource | None = None,
    ) -> None:
        """``root`` is the home of the sessions; ``like`` fills the form in with what another session was asked for."""
        super().__init__(ascii=ascii)
        self.root = root
        self._like = like
        self._source = source or NewSource(root)
        self._feed: Feed[NewPicture] = Feed(self._source, self._publish, self._feed_failed)
        self._about = str(root) if like is None else f"like {like.id}"
        self._title = TitlePanel(("New session", self._about), ascii=ascii)
        self._form = FormPanel(FormView(), ascii=ascii)
        self._outcome = OutcomePanel(NewPicture(), ascii=ascii)
        self.starting = False
        self._filling = False
        self._wanted = False  # to be started, once it is known what would be

    def compose_body(self) -> ComposeResult:
        yield self._title
        yield self._form
        yield self._outcome

    def on_mount(self) -> None:
        unfold = next((key for key in keys.keys_of(self.where, self.table) if key.id == "new_more"), None)
        if unfold is not None:
            self._form.put(replace(self.view, unfold_key=keys.display(unfold)))
        if self._like is not None:
            self._fill(self._like)

    def on_screen_resume(self) -> None:
        self._feed.order(self._source.again)

    @property
    def view(self) -> FormView:
        """What is in the form and where the cursor is."""
        return self._form.value

    @property
    def form(self) -> Form:
        """The form as it stands, with what is being typed."""
        view = self.view
        if view.edit is None:
            return view.form
        return view.form.given(view.cursor, self._result(view.edit) or self._when_empty())

    @property
    def typing(self) -> bool:
        """Whether keys are letters of a field: then digits don't switch screens and esc ends the edit."""
        return self.view.edit is not None

    # --- what the feed says ---

    def _publish(self, picture: NewPicture) -> None:
        self.post_message(NewChanged(picture))

    def on_new_changed(self, message: NewChanged) -> None:
        self._newest = message.picture
        self._apply_when_taken()

    _newest = NewPicture()

    def _apply(self) -> None:
        self._outcome.put(self._newest)
        self._form.put(replace(self.view, picture=self._newest))
        self.refresh_footer()
        if self._wanted and self._judged:
            self.action_start()

    @property
    def _judged(self) -> bool:
        """Whether what is known is of the form as it stands."""
        picture = self.view.picture
        known = bool(picture.lines or picture.fault) and dict(picture.texts) == dict(self.view.form.texts)
        return known and not self._filling

    def _fill(self, folder: SessionFolder) -> None:
        self._filling = True

        def fill() -> None:
            form, why = self._source.fill(folder)
            self.post_message(FormFilled(form, why))

        self._feed.order(fill)

    def on_form_filled(self, message: FormFilled) -> None:
        self._filling = False
        wanted = self._wanted and not message.why
        self._put(replace(self.view, form=message.form))
        self._wanted = wanted
        if message.why:
            self.notice(message.why)

    def _put(self, view: FormView) -> None:
        """Show the form so from now on, and have it looked at where something else is asked for."""
        before = self.form
        if view.cursor not in (field.name for field in view.fields):
            view = replace(view, cursor="pipeline", inner=0)
        self._form.put(view)
        form = self.form
        if form != before:
            self._wanted = False
            self.unsay()  # it was about the form as it stood
            self._feed.order(lambda: self._source.look(form))
        self.refresh_footer()

    # --- keys ---

    def refresh_footer(self) -> None:
        super().refresh_footer()
        if self.typing and not self.asking:
            choosing = bool(self.view.form.choices(self.view.current))
            hints = (("enter", "keep"), ("esc", "undo"), *((("up down", "choose"),) if choosing else ()))
            self._foot.put(replace(self._foot.value, hints=hints, staying=len(hints)))

    def possible(self, action: str) -> bool:
        if self.typing:
            return False
        view = self.view
        kind = view.current.kind
        match action.partition("(")[0]:
            case "start":
                return not self.starting
            case "edit":
                return kind in _TYPED
            case "change":
                return kind not in ("text", "wholes", "table")
            case "flip":
                return kind in ("several", "flag", "switch")
            case "default":
                return view.cursor in view.form.texts
            case "clear":
                return bool(view.form.texts)
            case "copy":
                return bool(view.picture.command) and not view.picture.fault
            case _:
                return True

    def commands(self) -> Iterable[Command]:
        form = self.view.form
        for name in ("pipeline", "scenario"):
            for choice in form.choices(BY_NAME[name]):
                yield Command(self.where, f"{name}: {choice}", f"pick({name!r}, {choice!r})")
        for field in seen_fields(form, unfolded=True):
            yield Command(self.where, f"field: {field.label}", f"go_to({field.name!r})")

    def action_pick(self, name: str, choice: str) -> None:
        """Give a field one of its choices."""
        self._put(replace(self.view, form=self.view.form.given(name, choice), cursor=name, inner=0, edit=None))

    def action_go_to(self, name: str) -> None:
        """The cursor to a field, unfolded where it must be."""
        unfolded = True if BY_NAME[name].folded else self.view.unfolded
        self._put(replace(self.view, cursor=name, unfolded=unfolded, inner=0, edit=None))

    def action_move(self, lines: int) -> None:
        names = [field.name for field in self.view.fields]
        place = min(max(names.index(self.view.cursor) + lines, 0), len(names) - 1)
        self._put(replace(self.view, cursor=names[place], inner=0))

    def action_page(self, pages: int) -> None:
        self.action_move(pages * self._form.page)

    def action_edge(self, side: int) -> None:
        self.action_move(side * len(self.view.fields))

    def action_change(self, by: int) -> None:
        view = self.view
        if view.current.kind == "several":
            last = len(view.form.choices(view.current)) - 1
            self._put(replace(view, inner=min(max(view.inner + by, 0), last)))
        else:
            self._put(replace(view, form=changed(view.form, view.current, by, view.usual(view.current))))

    def action_flip(self) -> None:
        view = self.view
        if view.current.kind == "several":
            choice = view.form.choices(view.current)[view.inner]
            self._put(replace(view, form=toggled(view.form, view.current, choice)))
        elif view.current.kind in ("flag", "switch"):
            self._put(replace(view, form=flipped(view.form, view.current)))

    def action_default(self) -> None:
        self._put(replace(self.view, form=self.view.form.given(self.view.cursor, ""), inner=0))

    def action_clear(self) -> None:
        self.ask("put every field's default back?", lambda: self._put(replace(self.view, form=Form(), inner=0)))

    def action_more(self) -> None:
        self._put(replace(self.view, unfolded=not self.view.open))

    def action_find(self) -> None:
        self._put(replace(self.view, cursor="pipeline", inner=0))
        self.action_edit()

    def action_copy(self) -> None:
        command = self.view.picture.command
        if command:
            self.app.copy_to_clipboard(command)
            self.notice("the command is in the clipboard, where the terminal allows that")

    def on_field_picked(self, message: FieldPicked) -> None:
        """A click goes to a field and ends an edit, a second one does what enter and space do."""
        message.stop()
        if self.typing:
            self._keep()
        self._put(replace(self.view, cursor=message.field, inner=message.inner))
        if message.opened:
            self.action_edit() if self.possible("edit") else self.action_flip()

    def on_mouse_scroll_down(self, _: events.MouseScrollDown) -> None:
        if not self.typing:
            self.action_move(1)

    def on_mouse_scroll_up(self, _: events.MouseScrollUp) -> None:
        if not self.typing:
            self.action_move(-1)

    # --- typing ---

    def action_edit(self) -> None:
        view = self.view
        if view.current.kind not in _TYPED:
            return
        text = view.form.text(view.cursor)
        if text in view.form.choices(view.current):
            text = ""  # one types to find another
        self._put(replace(view, edit=Edit(text, len(text))))

    def on_key(self, event: events.Key) -> None:
        """While a field is edited every key but chords and function keys is its own."""
        edit = self.view.edit
        if edit is None or event.key.startswith(("ctrl+", "alt+")) or _is_function(event.key):
            return
        event.stop()
        event.prevent_default()
        match event.key:
            case "enter":
                self._keep()
            case "escape":
                self._put(replace(self.view, edit=None))
            case "tab" | "shift+tab":
                self._keep()
                self.action_move(1 if event.key == "tab" else -1)
            case "up" | "down":
                self._pick(edit, 1 if event.key == "down" else -1)
            case _:
                letters = event.character if event.is_printable and event.character else ""
                now = edit.pressed(event.key) or (edit.typed(letters) if letters else edit)
                self._put(replace(self.view, edit=now))

    def on_paste(self, event: events.Paste) -> None:
        edit = self.view.edit
        if edit is not None:
            event.stop()
            self._put(replace(self.view, edit=edit.typed(event.text.strip())))

    def _pick(self, edit: Edit, by: int) -> None:
        fitting = matches(self.view.form.choices(self.view.current), edit.text)
        if fitting:
            now = edit.picked if edit.picked is not None else (-1 if by > 0 else len(fitting))
            self._put(replace(self.view, edit=replace(edit, picked=min(max(now + by, 0), len(fitting) - 1))))

    def _keep(self) -> None:
        form = self.form
        self._put(replace(self.view, form=form, edit=None))

    def _result(self, edit: Edit) -> str:
        field = self.view.current
        if field.kind != "choice":
            return edit.text.strip() if field.kind != "text" else edit.text
        return result(edit, self.view.form.choices(field), strict=field.strict, find=field.name == "pipeline")

    def _when_empty(self) -> str:
        """What an empty line gives: a choice stays as it was, any other field has its default again."""
        return self.view.form.text(self.view.cursor) if self.view.current.kind == "choice" else ""

    # --- the start ---

    def action_start(self) -> None:
        self._wanted = not self._judged
        if self._wanted:
            return  # keys were faster: what it is, and whether it has to be asked about, comes in a moment
        picture = self.view.picture
        if picture.fault:
            self.notice(f"not started: {picture.fault}")
            if picture.fault_field in BY_NAME:
                self.action_go_to(picture.fault_field)
        elif self._like is not None and picture.code:
            # The name of it came from a session, which anybody may have made: nobody typed it here.
            self.ask(f"this runs {', '.join(map(_end_of, picture.code))}: start?", self._start)
        else:
            self._start()

    def _start(self) -> None:
        form = self.view.form
        self.starting = True
        self._title.put(("New session", "starting the profiler"))
        self.refresh_footer()

        def done(started: Started) -> None:
            said: Any = SessionStarted(started.session) if started.session else NotStarted(started.why)
            self.post_message(said)

        # Who leaves now leaves no session behind that was half made.
        managing.in_background(lambda: self._source.start(form), done, self._feed_failed, finish=True)

    def on_session_started(self, _: SessionStarted) -> None:
        self._end_start()

    def on_not_started(self, message: NotStarted) -> None:
        self._end_start()
        self.notice(f"not started: {message.why}")

    def _end_start(self) -> None:
        self.starting = False
        self._title.put(("New session", self._about))
        self.refresh_footer()


def _is_function(key: str) -> bool:
    return key[:1] == "f" and key[1:].isdecimal()


def _end_of(path: str) -> str:
    """The last part of a long path: there is what tells files apart."""
    shown = safe.line(path, 4000)
    return shown if len(shown) <= _LONGEST else f"…{shown[1 - _LONGEST :]}"
