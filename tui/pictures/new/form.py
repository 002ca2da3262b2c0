"""What is in the form: the text of every field that was changed, and the options that come of it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from profiler import catalog
from profiler.catalog import Entry
from profiler.request import BadRequest, Options
from tui.commands.run_options import parsed
from tui.pictures.new.fields import BY_NAME, FIELDS, FLAGS_ON, OFF, ON, Field, choices

FIRST = catalog.names()[0]
"""The pipeline of a form that nothing was chosen in."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")
_LONGEST = 40
_BETWEEN = re.compile(r"[\s,]+")


@dataclass(frozen=True)
class Form:
    """``texts`` holds what was changed, by field; what isn't in it has its default."""

    texts: Mapping[str, str] = field(default_factory=dict)

    def text(self, name: str) -> str:
        """What was given for a field, "" for its default."""
        return self.texts.get(name, FIRST if name == "pipeline" else "")

    def given(self, name: str, text: str) -> Form:
        """The form with another text in a field; "" puts its default back."""
        rest = {key: value for key, value in self.texts.items() if key != name}
        same = not text or (name == "pipeline" and text == FIRST)
        return Form(rest if same else {**rest, name: text})

    @property
    def entry(self) -> Entry | None:
        """The pipeline, where it is one of the catalogue's."""
        name = self.text("pipeline")
        return catalog.find(name) if name in catalog.names() else None

    def choices(self, of: Field) -> tuple[str, ...]:
        """What can be chosen for a field of this form."""
        return choices(of, self.entry, self.text("size") or "full")


def seen_fields(form: Form, unfolded: bool) -> tuple[Field, ...]:
    """The fields that are seen: of those that are folded away the changed ones; frames of videos alone."""
    return tuple(
        each
        for each in FIELDS
        if (unfolded or not each.folded or each.name in form.texts) and (each.name != "frames" or _has_frames(form))
    )


def _has_frames(form: Form) -> bool:
    entry = form.entry
    return "frames" in form.texts or entry is None or entry.defaults("full").frames is not None


# --- from texts to options --------------------------------------------------------------------------------------------


def options_of(form: Form) -> tuple[Options, str | None]:
    """The options that the form asks for, and the device, None: the default one. Raises BadRequest with the field."""
    found: dict[str, Any] = {"pipeline": form.text("pipeline")}
    for name, text in form.texts.items():
        found[name] = _PARSERS[BY_NAME[name].kind](BY_NAME[name], text)
    device = found.pop("device", None)
    return Options(**found), device


def _text(of: Field, text: str) -> str:
    return text


def _whole(of: Field, text: str) -> int:
    # ASCII alone: int() takes digits of every script.
    if re.fullmatch(r"[+-]?[0-9]{1,18}", text.strip()):
        return int(text)
    if re.fullmatch(r"[+-]?[0-9]+", text.strip()):
        raise BadRequest(f"{of.label}: {_short(text)} is too large a number", of.name)
    raise BadRequest(f"{of.label} must be a whole number, not {_short(text)!r}", of.name)


def _number(of: Field, text: str) -> float:
    try:
        return float(text) if text.isascii() else float("x")
    except ValueError:
        raise BadRequest(f"{of.label} must be a number, not {_short(text)!r}", of.name) from None


def _wholes(of: Field, text: str) -> tuple[int, ...]:
    return tuple(_whole(of, part) for part in _words(text))


def _several(of: Field, text: str) -> tuple[str, ...]:
    found = tuple(_words(text))
    if not found or found == (OFF,):
        raise BadRequest(f"{of.label}: at least one is needed", of.name)
    return found


def _flag(of: Field, text: str) -> bool:
    if text not in (ON, OFF):
        raise BadRequest(f"{of.label} must be {ON} or {OFF}, not {_short(text)!r}", of.name)
    return text == ON


def _table(of: Field, text: str) -> dict[str, Any]:
    """``NAME=VALUE`` any number of times, quoted as in a shell where a value has blanks."""
    try:
        words = shlex.split(text)
    except ValueError:
        raise BadRequest(f"{of.label}: a quote is open", of.name) from None
    found: dict[str, Any] = {}
    for word in words:
        name, separator, value = word.partition("=")
        if not separator or not _NAME.fullmatch(name):
            raise BadRequest(f"{of.label}: {_short(word)!r} is no NAME=VALUE", of.name)
        if name in found:
            raise BadRequest(f"{of.label}: {_short(name)} is given twice", of.name)
        found[name] = parsed(value)
    return found


_PARSERS: dict[str, Callable[[Field, str], Any]] = {
    "text": _text,
    "choice": _text,
    "whole": _whole,
    "wholes": _wholes,
    "number": _number,
    "several": _several,
    "flag": _flag,
    "switch": _flag,
    "table": _table,
}


def _short(text: str) -> str:
    """The beginning of something long, so that there is room for what is wrong with it."""
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _words(text: str) -> list[str]:
    return [word for word in _BETWEEN.split(text) if word]


# --- what a key does to a field ---------------------------------------------------------------------------------------


def chosen(form: Form, of: Field) -> tuple[str, ...]:
    """The choices of a field of several that are switched on."""
    text = form.text(of.name)
    default = ("diffusers",) if of.name == "engines" else form.choices(of)
    return default if not text else tuple(word for word in _words(text) if word != OFF)


def toggled(form: Form, of: Field, choice: str) -> Form:
    """The form with a choice of a field of several switched on or off."""
    now = chosen(form, of)
    wanted = [each for each in form.choices(of) if (each in now) != (each == choice)]
    default = chosen(Form(), of)
    return form.given(of.name, "" if tuple(wanted) == default else " ".join(wanted) or OFF)


def changed(form: Form, of: Field, by: int, default: str) -> Form:
    """The form after left (``by`` -1) or right (1) on a field; ``default`` is what it stands at while not changed."""
    if of.kind in ("flag", "switch"):
        return flipped(form, of, by)
    if of.kind in ("whole", "number"):
        return _stepped(form, of, by, default)
    if of.kind == "choice":
        return _cycled(form, of, by, default)
    return form


def flipped(form: Form, of: Field, by: int = 1) -> Form:
    """The form with a flag the other way; a switch goes from its default to on and off."""
    if of.kind == "flag":
        on = of.name in FLAGS_ON
        return form.given(of.name, "" if form.text(of.name) else (OFF if on else ON))
    states = ["", ON, OFF]
    text = form.text(of.name)
    return form.given(of.name, states[((states.index(text) if text in states else 0) + by) % len(states)])


def _cycled(form: Form, of: Field, by: int, default: str) -> Form:
    known = form.choices(of)
    # The default has a place of its own unless one of the choices is it.
    places = list(known) if default in known else ["", *known]
    text = form.text(of.name) or (default if default in known else "")
    place = places.index(text) if text in places else (-1 if by > 0 else 0)
    wanted = places[(place + by) % len(places)] if places else text
    return form.given(of.name, "" if wanted == default and of.name != "pipeline" else wanted)


def _stepped(form: Form, of: Field, by: int, default: str) -> Form:
    text = form.text(of.name) or default
    try:
        number = _number(of, text)
    except BadRequest:
        number = 0.0  # nothing is known yet, as of a limit that isn't set
    step = of.by
    wanted = max(0.0, round((number / step + by) * step, 6)) if number % step == 0 else _onto(number, step, by)
    shown = f"{wanted:.12g}" if of.kind == "number" else str(int(wanted))
    return form.given(of.name, "" if shown == default else shown)


def _onto(number: float, step: float, by: int) -> float:
    """The next multiple of ``step`` in the direction of ``by``; floats land on what people would write."""
    whole = number / step
    near = round(whole)
    if abs(whole - near) < 1e-9:
        return max(0.0, round((near + by) * step, 6))
    return max(0.0, round((int(whole) + (by > 0)) * step, 6))
