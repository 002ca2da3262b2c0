"""The user's config file: settings of the screen, and other keys for its bindings.

theme = "light"
color = "256"        # auto, truecolor, 256, 16, none
ascii = true
mouse = false
refresh = 2          # pictures a second
max_bytes_per_second = 2000
plain = false

[keys]
stop = "f9"
up = "up,k,w"
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args

import platformdirs

from tui.settings import FASTEST_HZ, LEAST_BYTES_PER_SECOND, SLOWEST_HZ, ColourMode

VARIABLE = "STEPSCOPE_CONFIG"
"""Names another file; set but empty: none is read."""

KEYS = "keys"
"""The table of the file that has other keys by the ids of bindings."""

LONGEST = 1 << 20
"""Bytes of a file that may be one."""


class BadConfig(Exception):
    """The file can't be used; the message is one line with the file, the line in it, and what would work."""


def path(environ: Mapping[str, str] = os.environ) -> Path | None:
    """Where the file is, whether or not there is one; None: none is wanted."""
    named = environ.get(VARIABLE)
    if named is not None:
        return Path(os.path.expanduser(named)) if named else None
    return Path(platformdirs.user_config_dir("stepscope")) / "config.toml"


def load(environ: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """The file's settings by the names that Settings has; empty where there is no file. Raises BadConfig."""
    file = path(environ)
    if file is None:
        return {}
    text = _text(file, wanted=VARIABLE in environ)
    return {} if text is None else parse(text, str(file))


def _text(file: Path, *, wanted: bool) -> str | None:
    """The file's text; None where there is none that the user has named."""
    try:
        with open(file, "rb") as stream:
            data = stream.read(LONGEST + 1)
    except FileNotFoundError:
        if wanted:
            raise BadConfig(f"{file}: there is no such file; ${VARIABLE} names it") from None
        return None
    except OSError as error:
        raise BadConfig(f"{file}: {error.strerror}; ${VARIABLE} may name another file") from None
    if len(data) > LONGEST:
        raise BadConfig(f"{file}: more than a config file can be ({LONGEST} bytes); ${VARIABLE} may name another file")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise BadConfig(f"{file}:{line}: not UTF-8, which TOML is") from None


def parse(text: str, file: str) -> dict[str, Any]:
    """The settings in ``text``; ``file`` is what messages call it. Raises BadConfig."""
    text = text.removeprefix("\ufeff")  # with it some editors begin UTF-8
    try:
        given = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        said = str(error)
        place = re.search(r"at line (\d+)", said)
        at = f":{place[1]}" if place else ""
        raise BadConfig(f"{file}{at}: not TOML: {said[:1].lower()}{said[1:].partition(' (at ')[0]}") from None
    found: dict[str, Any] = {}
    for name, value in given.items():
        try:
            setting, check = _SETTINGS[name]
            found[setting] = check(value)
        except KeyError:
            raise BadConfig(f"{file}{_place(text, '', name)}: no setting is called {name!r} ({_near(name)})") from None
        except _Wrong as error:
            raise BadConfig(f"{file}{_place(text, error.table, error.key or name)}: {error}") from None
    return found


class _Wrong(Exception):
    """What is wrong with a value; ``key`` of ``table`` where it isn't the setting itself."""

    def __init__(self, message: str, table: str = "", key: str = "") -> None:
        super().__init__(message)
        self.table = table
        self.key = key


def _near(name: str) -> str:
    near = get_close_matches(name, _SETTINGS, 1)
    every = [each for each in _SETTINGS if each != "colour"]
    return f"did you mean {near[0]}?" if near else f"there are: {', '.join(every)}"


def _place(text: str, table: str, key: str) -> str:
    """``:4``, the line where ``key`` of ``table`` is set; nothing where that isn't a plain assignment."""
    inside = ""
    name = r"[\"']?" + re.escape(key) + r"[\"']?"
    assigned = re.compile(rf"\s*{name}\s*[=.]|\s*\[\s*{name}\s*[\].]")
    dotted = re.compile(rf"\s*[\"']?{re.escape(table)}[\"']?\s*[.=].*{name}\s*=") if table else None
    for number, line in enumerate(text.splitlines(), start=1):
        header = re.match(r"\s*\[\s*([^\]]*?)\s*\]", line)
        if (inside == table and assigned.match(line)) or (dotted is not None and dotted.match(line)):
            return f":{number}"
        if header:
            inside = header[1].strip("\"'")
    return ""


# --- the settings, each with its check ---


def _switch(name: str) -> Callable[[object], bool]:
    def check(value: object) -> bool:
        if not isinstance(value, bool):
            raise _Wrong(f"{name} is true or false, not {_told(value)}")
        return value

    return check


def _colour(value: object) -> str:
    allowed = get_args(ColourMode)
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value  # 256 needs no quotes
    if text not in allowed:
        raise _Wrong(f"color is one of {', '.join(allowed)}, not {_told(value)}")
    return str(text)


def _theme(value: object) -> str:
    themes = theme_names()
    if value not in themes:
        raise _Wrong(f"theme is one of {', '.join(themes)}, not {_told(value)}")
    return str(value)


def theme_names() -> tuple[str, ...]:
    """Every theme's name. Textual comes with them, which a report in plain lines does without."""
    from tui.theme import THEMES

    return tuple(THEMES)


def _rate(name: str, least: float) -> Callable[[object], float]:
    def check(value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= FASTEST_HZ:
            raise _Wrong(f"{name} is pictures a second, {least:g} to {FASTEST_HZ:g}, not {_told(value)}")
        return float(value)

    return check


def _bytes(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < LEAST_BYTES_PER_SECOND:
        least = LEAST_BYTES_PER_SECOND
        raise _Wrong(f"max_bytes_per_second is a whole number, {least} or more, not {_told(value)}")
    return value


def _keys(value: object) -> dict[str, str]:
    from tui.keys.keymap import BadKeys, checked

    if not isinstance(value, dict):
        raise _Wrong(f'[{KEYS}] is a table of keys by names, as stop = "f9", not {_told(value)}')
    try:
        return checked(value)
    except BadKeys as error:
        raise _Wrong(str(error), KEYS, error.id) from None


def _told(value: object) -> str:
    """A value as TOML has it, in brief."""
    said = str(value).lower() if isinstance(value, bool) else repr(value)
    return said if len(said) <= 40 else f"{said[:40]}..."


_SETTINGS: dict[str, tuple[str, Callable[[object], Any]]] = {
    "theme": ("theme", _theme),
    "color": ("colour", _colour),
    "colour": ("colour", _colour),
    "ascii": ("ascii", _switch("ascii")),
    "mouse": ("mouse", _switch("mouse")),
    "refresh": ("refresh_hz", _rate("refresh", SLOWEST_HZ)),
    "unfocused_refresh": ("unfocused_hz", _rate("unfocused_refresh", 0.0)),
    "max_bytes_per_second": ("max_bytes_per_second", _bytes),
    "plain": ("plain", _switch("plain")),
    KEYS: ("keys", _keys),
}
