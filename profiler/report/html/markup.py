"""Elements of HTML and SVG as text. What is not ``Markup`` is escaped wherever it is put: no name can be forgotten."""

from __future__ import annotations

import html

from profiler.legible import HIDDEN, legible

LONGEST = 2000
"""Characters of a text that are shown; what comes after them is cut with a sign."""


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def text(value: object, longest: int = LONGEST) -> Markup:
    """``value`` as text of a page, whatever a log put into it: on one line, nothing in it is read as markup, and what
    could hide or reverse the reading direction is made visible.
    """
    return Markup(html.escape(legible(str(value), longest, _shown), quote=True))


def _shown(char: str, category: str) -> str:
    if char in "\t\n\r":
        return " "
    return f"‹{ord(char):04X}›" if category in HIDDEN else char


def el(tag: str, /, *children: object, **attributes: object) -> Markup:
    """An element. Children and attributes that are None are left out; ``class_`` and ``stroke_width`` are spelled so
    because Python has words of its own: an underscore at the end goes, others become dashes.
    """
    inside = "".join(child if isinstance(child, Markup) else text(child) for child in children if child is not None)
    head = tag + "".join(_attribute(key, value) for key, value in attributes.items() if value is not None)
    return Markup(f"<{head}>" if tag in _VOID else f"<{head}>{inside}</{tag}>")


_VOID = frozenset({"img", "meta", "br", "hr", "col"})


def _attribute(key: str, value: object) -> str:
    return f' {key.rstrip("_").replace("_", "-")}="{text(value, 4 * LONGEST)}"'


def shape(tag: str, rest: str, /, **attributes: object) -> Markup:
    """An SVG shape without children; ``rest`` are attributes of our own, numbers and paths, and is put in as it is."""
    return Markup(f"<{tag} {rest}{''.join(_attribute(k, v) for k, v in attributes.items() if v is not None)}/>")


def joined(*parts: Markup | None) -> Markup:
    """Elements one after the other."""
    return Markup("".join(part for part in parts if part is not None))
