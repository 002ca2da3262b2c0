"""Every message between the threads that read logs and the screens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from tui.managing import Plan
    from tui.pictures.compare.chooser import ChooserPicture
    from tui.pictures.compare.marks import Marks
    from tui.pictures.compare.painter import ComparePicture
    from tui.pictures.focus import Focus
    from tui.pictures.listing import Listing
    from tui.pictures.live import LivePicture
    from tui.pictures.new.form import Form
    from tui.pictures.new.outcome import NewPicture
    from tui.pictures.player import ReplayPicture
    from tui.pictures.triggers.painter import TriggersPicture


class LiveChanged(Message, bubble=False):
    """The session under watch looks different; a backlog collapses to the newest picture."""

    def __init__(self, picture: LivePicture) -> None:
        self.picture = picture
        super().__init__()

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, LiveChanged)


class ReplayChanged(Message, bubble=False):
    """The session that is played again looks different; a backlog collapses to the newest picture."""

    def __init__(self, picture: ReplayPicture) -> None:
        self.picture = picture
        super().__init__()

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, ReplayChanged)


class TriggersChanged(Message, bubble=False):
    """The triggers under inspection look different; a backlog collapses to the newest picture."""

    def __init__(self, picture: TriggersPicture) -> None:
        self.picture = picture
        super().__init__()

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, TriggersChanged)


class CompareChanged(Message, bubble=False):
    """What is compared looks different; a backlog collapses to the newest picture."""

    def __init__(self, picture: ComparePicture) -> None:
        self.picture = picture
        super().__init__()

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, CompareChanged)


class ChooserChanged(Message, bubble=False):
    """What can be marked looks different; a backlog collapses to the newest picture."""

    def __init__(self, picture: ChooserPicture) -> None:
        self.picture = picture
        super().__init__()

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, ChooserChanged)


class ShowCompare(Message):
    """The user wants these compared."""

    def __init__(self, marks: Marks) -> None:
        self.marks = marks
        super().__init__()


class FolderPicked(Message):
    """The user opens the session in the folder ``path``, which may lie anywhere."""

    def __init__(self, path: str) -> None:
        self.path = path
        super().__init__()


class ChooseMarks(Message):
    """The user wants to choose what is compared; ``marks`` are those there are."""

    def __init__(self, marks: Marks) -> None:
        self.marks = marks
        super().__init__()


class ListingChanged(Message, bubble=False):
    """The list of sessions looks different."""

    def __init__(self, listing: Listing) -> None:
        self.listing = listing
        super().__init__()

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, ListingChanged)


class SessionPicked(Message):
    """The user opens a session of the list."""

    def __init__(self, session: str) -> None:
        self.session = session
        super().__init__()


class NewChanged(Message, bubble=False):
    """What is known of the form for a new session looks different; a backlog collapses to the newest picture."""

    def __init__(self, picture: NewPicture) -> None:
        self.picture = picture
        super().__init__()

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, NewChanged)


class FormFilled(Message, bubble=False):
    """The form for what another session was asked for is there; ``why``: what it can't say of it."""

    def __init__(self, form: Form, why: str) -> None:
        self.form = form
        self.why = why
        super().__init__()


class NotStarted(Message, bubble=False):
    """The session couldn't be started; one line says ``why``."""

    def __init__(self, why: str) -> None:
        self.why = why
        super().__init__()


class ShowNew(Message):
    """The user wants to start a session; ``like``: as a session of the home was, None: from the defaults."""

    def __init__(self, like: str | None = None) -> None:
        self.like = like
        super().__init__()


class SortPicked(Message):
    """The user wants a list sorted by the column ``name``; again: the other way round."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__()


class Planned(Message, bubble=False):
    """It is known what stopping, removing or resuming sessions would do: to be asked."""

    def __init__(self, plan: Plan, sessions: tuple[str, ...]) -> None:
        self.plan = plan
        self.sessions = sessions
        super().__init__()


class Managed(Message, bubble=False):
    """Something was done to sessions; ``said`` is what came of it."""

    def __init__(self, said: str, sessions: tuple[str, ...]) -> None:
        self.said = said
        self.sessions = sessions
        super().__init__()


class ReplayPicked(Message):
    """The user wants the session in the folder ``path``, which may lie anywhere, played again."""

    def __init__(self, path: str) -> None:
        self.path = path
        super().__init__()


class SessionStarted(Message):
    """The profiler of a new session of the home has taken over: the user wants to watch it."""

    def __init__(self, session: str) -> None:
        self.session = session
        super().__init__()


class ShowTriggers(Message):
    """The user wants to know why things were compiled: in ``session`` of the home, None: in the one that Live shows.

    ``key``: which occurrence; None: where one was before.
    """

    def __init__(self, key: str | None = None, session: str | None = None) -> None:
        self.key = key
        self.session = session
        super().__init__()


class LinePicked(Message):
    """The cursor of a list went to another line; ``opened``: the user wants to go into it."""

    def __init__(self, opened: bool = False) -> None:
        self.opened = opened
        super().__init__()


class ShowStep(Message):
    """The user wants to see, on Live's chart, the step that an occurrence of the inspector held up."""

    def __init__(self, focus: Focus) -> None:
        self.focus = focus
        super().__init__()


class FeedFailed(Message, bubble=False):
    """A feed's thread ended with an error that it should not have had; the screen raises it."""

    def __init__(self, error: BaseException) -> None:
        self.error = error
        super().__init__()
