"""Why a pipeline can't be built or loaded. Needs no torch."""

from __future__ import annotations


class BuildError(Exception):
    """The pipeline can't be built or loaded; the message is one line that says what would work."""


def text_of(error: BaseException) -> str:
    """``str(error)``, which somebody else's exception may be unable to give: then its class."""
    try:
        return str(error)
    except Exception:
        return type(error).__name__


def first_line(error: BaseException) -> str:
    """The first line of an exception's message that says something; its class where none does."""
    lines = (line.strip() for line in text_of(error).splitlines())
    return next((line for line in lines if line), type(error).__name__)


def told(error: BaseException) -> str:
    """An exception's class and the first line of its message: "ValueError: boom"; the class alone where it has none."""
    name, line = type(error).__name__, first_line(error)
    return name if line == name else f"{name}: {line}"
