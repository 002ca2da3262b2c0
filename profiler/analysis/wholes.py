"""Whole numbers within texts of a log."""

from __future__ import annotations

_DIGITS = 18
"""More than any size, line or count has; with more, Python's ``int`` may refuse (4300) and a column may overflow."""


def whole(text: str | None) -> int | None:
    """``text`` as a whole number from 0 up, blanks around it left out; None where it is none or has too many digits."""
    digits = (text or "").strip()
    if not digits.isascii() or not digits.isdigit() or len(digits) > _DIGITS:
        return None
    return int(digits)
