"""Why a pipeline can't be built or loaded. Needs no torch."""

from __future__ import annotations


class BuildError(Exception):
    """The pipeline can't be built or loaded; the message is one line that says what would work."""


def first_line(error: BaseException) -> str:
    """The first line of an exception's message that says something; its class where none does."""
    lines = (line.strip() for line in str(error).splitlines())
    return next((line for line in lines if line), type(error).__name__)
