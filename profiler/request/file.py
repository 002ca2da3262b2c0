"""What to run from a TOML file: ``stepscope run --file bench.toml``.

The keys are the names of the command line's options. Those at the top hold for the session (repeats, until-sure,
cache, keep-cache, save-images, find-syncs, queue, max-time, memory-limit, device, find-max-batch) or for every case;
each ``[[case]]`` table adds cases of its own and overrides them. Without any ``[[case]]`` the top alone is one. A list
of values is a matrix: all its combinations are run. ``call`` is a table of call arguments, or, as ``[[call]]`` tables,
a scenario of one's own: calls, and what each of them changes. Stable Diffusion XL's whole matrix of one batch size:

    pipeline = "sdxl-txt2img"
    batch-size = 4
    engine = ["diffusers", "accelerate"]
    dtype = ["float16", "float32"]
    scheduler = ["EulerDiscrete", "DPMSolverMultistep"]
    attention = ["sdpa", "vanilla"]
    picture = ["1024x1024", "1152x896"]

Paths that begin with ./ or ../, and pictures in ``call``, are looked for from the file's folder. A file never names
code to run: FILE.py:FUNCTION goes on the command line, and so do inductor's options that name programs or places.
"""

from __future__ import annotations

import itertools
import math
import os
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn

import msgspec

from profiler import scenarios
from profiler.request import checking, compilation, folders, keys, positions
from profiler.request.keys import KEYS
from profiler.request.model import BadRequest, Leg, Request
from profiler.request.options import Options
from profiler.request.resolve import MAX_CASES, resolve_all

TABLE = "case"
"""The name of the tables: each adds cases to the session."""
OF_THE_COMMAND = ("fail-on-recompile", "headless", "detach", "json", "file", "allow-pickle", "trust-remote-code")
"""Options of ``run`` that say nothing of what is measured, or that no file may say."""
_LIMIT = 1 << 16  # bytes
_NAMES = ("pipeline", "weights", "vae")
"""Fields that may be paths."""


class Bench:
    """A file's content as options. ``pipeline`` and ``over`` (fields of Options) come from the command line.

    Raises BadRequest, with the file's name and line, for whatever can't be meant.
    """

    def __init__(self, path: str, pipeline: str | None = None, over: Mapping[str, Any] | None = None) -> None:
        self._name = checking.shown(path)
        self._folder = folders.absolute(path).parent
        self._pipeline = pipeline
        self._over = dict(over or {})
        self._text = _read(path, self._name)
        self._top = self._parsed()
        self._tables: list[dict[str, Any]] = self._top.pop(TABLE, [])
        self._check_tables()
        self.options: list[Options] = []
        self._origins: list[int | None] = []  # of each of the options, the number of its table
        for number in range(len(self._tables)) if self._tables else [None]:
            self._add(number)

    def resolve(self, choose: Callable[[str | None], str], device: str | None = None) -> Request:
        """The request with every default for ``device``, or the file's own; ``choose`` says which that is here.

        Raises BadRequest, with the file's name and line.
        """
        own: str | None = self._top.get("device")
        try:
            chosen = choose(device or own)
        except BadRequest as error:
            if device is None and own is not None:
                self._refuse(("device",), str(error))
            raise
        try:
            return resolve_all(self.options, chosen)
        except BadRequest as error:
            self._explain(error)

    # --- reading ---

    def _parsed(self) -> dict[str, Any]:
        try:
            return tomllib.loads(self._text)
        except tomllib.TOMLDecodeError as error:
            line, what = positions.syntax_error(self._text, error)
            raise BadRequest(f"{self._name}:{line}: no valid TOML: {what}") from None
        except RecursionError:
            raise BadRequest(f"{self._name}: no valid TOML: lists or tables lie too deep in each other") from None

    def _check_tables(self) -> None:
        if not isinstance(self._tables, list) or not all(isinstance(table, dict) for table in self._tables):
            self._refuse((TABLE,), f"{TABLE} must be [[{TABLE}]] tables: two brackets each")
        for name in self._top:
            self._check_key(name, (name,), (*KEYS, TABLE))
        self._check_picture((), self._top)
        for number, table in enumerate(self._tables):
            self._check_picture((TABLE, number), table)
            for name in table:
                path = (TABLE, number, name)
                self._check_key(name, path, tuple(KEYS))
                if KEYS[name].session:
                    self._refuse(path, f"{name} is of the whole session: it belongs at the top, before any [[{TABLE}]]")

    def _check_picture(self, path: positions.Path, table: dict[str, Any]) -> None:
        both = [side for side in ("height", "width") if side in table and "picture" in table]
        if both:
            self._refuse((*path, both[0]), f"picture has the {both[0]} already: drop one of them")

    def _check_key(self, name: str, path: positions.Path, known: tuple[str, ...]) -> None:
        if name in OF_THE_COMMAND:
            self._refuse(path, f"{name} is an option of the command and no key of a file: give it as --{name}")
        if name not in known:
            near = checking.hint(name, known) or f" (there are: {', '.join(known)})"
            self._refuse(path, f"unknown key {name!r}{near}")

    # --- the matrix ---

    def _add(self, number: int | None) -> None:
        """Add the options of a table, or of the top alone: one for each combination of values."""
        merged = {**self._top, **(self._tables[number] if number is not None else {})}
        axes: list[list[dict[str, Any]]] = []
        for name, value in merged.items():
            path = self._path(number, name)
            if name == "device":
                self._fields(path, name, value)
            elif name == "call" and isinstance(value, list):
                axes.append([{"legs": self._legs(path, value)}])
            else:
                axes.append(self._axis(path, name, value))
        if math.prod(len(axis) for axis in axes) > MAX_CASES:
            self._refuse(
                self._table(number), f"more than {MAX_CASES} combinations: fewer values in the lists would work"
            )
        for chosen in itertools.product(*axes):
            given = {field: value for fields in chosen for field, value in fields.items()}
            self.options.append(msgspec.convert({**self._named(number, given), **self._over}, Options))
            self._origins.append(number)

    def _axis(self, path: positions.Path, name: str, value: Any) -> list[dict[str, Any]]:
        """What each value of a key sets, by field."""
        if not isinstance(value, list):
            fields = self._fields(path, name, value)
            return [{field: [one] for field, one in fields.items()} if KEYS[name].many else fields]
        if KEYS[name].session:
            self._refuse(path, f"{name} is of the whole session: one value, not a list")
        if not value:
            self._refuse(path, f"{name} needs at least one value, not an empty list")
        each = [self._fields((*path, number), name, one) for number, one in enumerate(value)]
        if KEYS[name].many:
            return [{KEYS[name].field: [one for fields in each for one in fields.values()]}]
        return each

    def _fields(self, path: positions.Path, name: str, value: Any) -> dict[str, Any]:
        try:
            fields = keys.fields_of(name, value)
        except BadRequest as error:
            self._refuse(path, str(error))
        if str(fields.get("attention")).endswith("_hub"):
            self._refuse(path, f"{value} downloads code to run: give --attention on the command line, beside --file")
        for option, given in fields.get("inductor_options", {}).items():
            if compilation.names_what_to_run(option, given):
                self._refuse(
                    path,
                    f"the inductor option {checking.shown(option)} names a program or a place of what is run: give"
                    " --inductor-option on the command line, beside --file",
                )
        for field in _NAMES:
            if field in fields:
                fields[field] = self._placed(fields[field])
        if "call" in fields:
            fields["call"] = self._with_pictures(fields["call"])
        return fields

    def _named(self, number: int | None, given: dict[str, Any]) -> dict[str, Any]:
        """``given`` with its pipeline, which is the file's or the command line's."""
        own = given.get("pipeline")
        if own is None:
            if self._pipeline is None:
                self._refuse(self._table(number), 'no pipeline: a line like pipeline = "sd15-txt2img" is needed')
            return {**given, "pipeline": self._pipeline}
        path = self._path(number, "pipeline")
        if self._pipeline is not None:
            self._refuse(path, f"the pipeline is named here and on the command line ({self._pipeline}): drop one")
        file, _, _ = own.rpartition(":")
        if own.endswith(".py") or file.endswith(".py"):
            self._refuse(
                path, "a file can't name code to run: give FILE.py:FUNCTION on the command line, beside --file"
            )
        return given

    def _placed(self, text: str) -> str:
        """A path as seen from the file's folder."""
        return os.path.normpath(self._folder / text) if text.startswith(("./", "../")) or text == "." else text

    def _with_pictures(self, call: dict[str, Any]) -> dict[str, Any]:
        return {
            name: f"@{self._folder / os.path.expanduser(value[1:])}"
            if isinstance(value, str) and value.startswith("@")
            else value
            for name, value in call.items()
        }

    # --- calls of one's own ---

    def _legs(self, path: positions.Path, tables: list[Any]) -> list[Leg]:
        if not tables:
            self._refuse(path, "call needs at least one call, not an empty list")
        return [self._leg((*path, number), number, table) for number, table in enumerate(tables)]

    def _leg(self, path: positions.Path, number: int, table: Any) -> Leg:
        if not isinstance(table, dict):
            self._refuse(
                path, f"call must be a table of call arguments or [[call]] tables, not a list of {keys.said(table)}"
            )
        known = ("name", "calls", "picture", *(name.replace("_", "-") for name in scenarios.SETTINGS))
        changes: dict[str, Any] = {}
        for name, value in table.items():
            self._check_key(name.replace("_", "-"), (*path, name), known)
            if name == "picture":
                changes |= self._fields((*path, name), name, value)
                continue
            setting = name.replace("-", "_")
            wanted = scenarios.SETTINGS.get(setting)
            if wanted is not None and not wanted.fits(value):
                self._refuse((*path, name), f"{name} must be {wanted.wants}, not {keys.said(value)}")
            changes[setting] = self._with_pictures(value) if name == "call" else value
        try:
            return scenarios.leg_from_table(number + 1, changes)
        except BadRequest as error:
            self._refuse((*path, str(error.field)), str(error))

    # --- refusing ---

    def _path(self, number: int | None, name: str) -> positions.Path:
        """Where a key is: in the table, or at the top."""
        return (TABLE, number, name) if number is not None and name in self._tables[number] else (name,)

    def _table(self, number: int | None) -> positions.Path:
        return (TABLE, number) if number is not None else ()

    def _explain(self, error: BadRequest) -> NoReturn:
        """Raise ``error`` anew, with the line of the key that it is about; for several together, of their table."""
        if error.field in self._over or (error.field == "pipeline" and self._pipeline is not None):
            raise BadRequest(str(error)) from None  # it is the command line's
        number = self._origins[error.number]
        for name in self._names_of(error):
            path = self._path(number, name)
            if name in self._top or len(path) > 1:
                self._refuse((*path, *self._within(number, name, error)), str(error))
        self._refuse(self._table(number), str(error))

    def _within(self, number: int | None, name: str, error: BadRequest) -> positions.Path:
        """Where in the value of a key it is that ``error`` is about; () for all of it."""
        value = self._value(number, name)
        if not isinstance(value, list):
            return error.within
        if error.field == "legs":
            return self._within_call(value, error.within)
        if KEYS[name].many:
            return ()
        chosen = self.options[error.number]
        for index, one in enumerate(value):
            fields = self._fields((), name, one)
            if all(getattr(chosen, field) == given for field, given in fields.items()):
                return (index, *error.within)
        return ()

    @staticmethod
    def _within_call(tables: list[dict[str, Any]], within: tuple[int | str, ...]) -> positions.Path:
        """``within`` in the words of the file, which has hyphens in its names, and ``picture`` for height and width."""
        if len(within) < 2:
            return within
        index, setting, *further = within
        table = tables[int(index)]
        names = [name for name in table if name.replace("-", "_") == setting]
        if not names and setting in ("height", "width"):
            names = ["picture"]
        return (index, *names, *further) if names else (index,)

    def _value(self, number: int | None, name: str) -> Any:
        table = self._tables[number] if number is not None else {}
        return table.get(name, self._top.get(name))

    def _names_of(self, error: BadRequest) -> list[str]:
        """The keys that may have set the field that ``error`` is about."""
        if error.field == "legs":
            return ["call"]
        sides = ["picture"] if error.field in ("height", "width") else []
        return [name for name, key in KEYS.items() if key.field == error.field] + sides

    def _refuse(self, path: positions.Path, message: str) -> NoReturn:
        where = f"{self._name}:{positions.line_of(self._text, path)}" if path else self._name
        raise BadRequest(f"{where}: {message}")


def _read(path: str, name: str) -> str:
    try:
        with Path(os.path.expanduser(path)).open("rb") as file:
            data = file.read(_LIMIT + 1)
    except FileNotFoundError:
        raise BadRequest(f"there is no file {name}") from None
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise BadRequest(f"{name} can't be read: {why}") from None
    if len(data) > _LIMIT:
        raise BadRequest(f"{name} is larger than {_LIMIT // 1024} KiB: no file of this kind is")
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n")  # editors on Windows put a byte order mark first
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise BadRequest(f"{name}:{line}: no valid TOML: this line is not UTF-8") from None
