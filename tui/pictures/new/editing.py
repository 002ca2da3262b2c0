"""A line that is being typed: pure values, so that the panel can paint them and a test can see them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

LONGEST = 2000
"""Characters that a field takes."""


@dataclass(frozen=True, slots=True)
class Edit:
    """``caret`` is a place in ``text``, from 0 to its end; ``picked`` the choice that up and down went to."""

    text: str = ""
    caret: int = 0
    picked: int | None = None

    def typed(self, letters: str) -> Edit:
        """After letters were typed or pasted: on one line, without what moves a cursor."""
        letters = "".join(char if char.isprintable() else " " for char in letters)[: LONGEST - len(self.text)]
        text = self.text[: self.caret] + letters + self.text[self.caret :]
        return Edit(text, self.caret + len(letters))

    def pressed(self, key: str) -> Edit | None:
        """After a key that moves or deletes; None: it isn't one of those."""
        match key:
            case "left":
                return replace(self, caret=max(0, self.caret - 1))
            case "right":
                return replace(self, caret=min(len(self.text), self.caret + 1))
            case "home":
                return replace(self, caret=0)
            case "end":
                return replace(self, caret=len(self.text))
            case "backspace":
                return self._without(self.caret - 1) if self.caret else self
            case "delete":
                return self._without(self.caret)
            case _:
                return None

    def _without(self, place: int) -> Edit:
        return Edit(self.text[:place] + self.text[place + 1 :], place)


def matches(choices: Sequence[str], typed: str) -> tuple[str, ...]:
    """The choices that have all words of what was typed; those that begin with it come first."""
    words = typed.lower().split()
    fitting = [choice for choice in choices if all(word in choice.lower() for word in words)]
    return tuple(sorted(fitting, key=lambda choice: not choice.lower().startswith(typed.lower().strip())))


def result(edit: Edit, choices: Sequence[str], *, strict: bool, find: bool) -> str:
    """What the edit gives: the choice that was gone to, else what was typed.

    ``strict``: only choices can be given, and ``find``: a part of one is enough, unless it is a path or a hub id.
    """
    typed = edit.text.strip()
    fitting = matches(choices, typed)
    if edit.picked is not None and edit.picked < len(fitting):
        return fitting[edit.picked]
    path = "/" in typed or typed.endswith(".py") or ".py:" in typed or typed.startswith((".", "~"))
    if not typed or typed in choices or not fitting or not (strict or (find and not path)):
        return typed
    return fitting[0]
