"""Everything that can be done now, by name: what the command palette offers and how it finds it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

LONGEST_NAME = 80
"""Characters of a session's name that are looked at; its end tells it apart no better."""


@dataclass(frozen=True, slots=True)
class Command:
    """``action`` is Textual's, run as if its key had been pressed; ``key`` is the key as people write it, or ""."""

    group: str
    text: str
    action: str
    key: str = ""

    @property
    def words(self) -> str:
        """What is searched."""
        return f"{self.group} {self.text}".casefold()


def found(typed: str, commands: Iterable[Command]) -> tuple[Command, ...]:
    """The commands that fit what is typed, the best ones first, of equal ones the shorter.

    Each word must be in a command. A command whose words begin with them goes before one that merely has them; where
    no command has them the letters in their order will do, as ``trg`` for triggers.
    """
    words = typed.casefold().split()
    if not words:
        return tuple(commands)
    every = tuple(commands)
    ranked = [(rank, len(command.text), command) for command in every if (rank := _rank(words, command)) is not None]
    if ranked:
        return tuple(command for *_, command in sorted(ranked, key=lambda found: found[:2]))
    letters = "".join(words)
    return tuple(command for command in every if _in_order(letters, command.words))


def _rank(words: Sequence[str], command: Command) -> int | None:
    """0 where the command begins with the first word, else 1 and one more for each word that only stands within others;
    None where one is missing.
    """
    text = command.words
    if not all(word in text for word in words):
        return None
    beginnings = text.replace("-", " ").split()
    if any(start.casefold().startswith(words[0]) for start in (command.group, command.text)):
        return 0
    return 1 + sum(not any(start.startswith(word) for start in beginnings) for word in words)


def _in_order(letters: str, text: str) -> bool:
    rest = iter(text)
    return all(letter in rest for letter in letters)
