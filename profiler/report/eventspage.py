"""The page of the format, ``docs/events.md``: made from the types, so that it can't say anything else."""

from __future__ import annotations

import ast
import inspect
import io
import re
import sys
import tokenize
from collections.abc import Iterable, Iterator
from types import ModuleType
from typing import get_args

import msgspec

from profiler import sessions
from profiler.clocks import Place
from profiler.eventlog import MAX_LINE_BYTES
from profiler.events import SCHEMA_MAJOR, SCHEMA_MINOR, AnyEvent, Event, base, compiling, conducting, running
from profiler.request import model

_INTRO = f"""# What is on disk

A session is a folder of JSON: `session.json`, which says what is measured, and logs of events, which say what
happened. This page has every kind of record and every field, and is made from the types in `profiler/events`,
`profiler/request` and `profiler/sessions.py` (`make schemas`). The format of the logs is
**{SCHEMA_MAJOR}.{SCHEMA_MINOR}**, that of `session.json` is **{sessions.SESSION_SCHEMA}**.

```
session.json             the request, every default resolved; written by rename
conductor.jsonl          one writer: the conductor
runs/<run>/events.jsonl  one writer: the worker of that run
control/*.json           commands for the conductor, one a file, by rename
```

## The promise

Within a major version nothing changes its meaning, and nothing is taken away:

- Kinds and fields are only added. A field keeps its type, its unit, its meaning and its default.
- A newer stepscope reads every log of the same major that any release has written. Each release leaves a session in
  `tests/data/released`, which every later one has to read with the same figures.
- An older stepscope reads a newer minor: it leaves out fields that it doesn't know, and counts records of kinds that it
  doesn't know, and says how many.
- A higher major is refused with one line that says so. Half of it is never shown.

A minor version says that something was added since the release before. Not promised: how many records there are, which
of the two forms compile events have (long, or brief once a run has told much), and the wording of texts for people:
`reason`, `why`, `text`, and whatever is torch's or a driver's. `code` of a note, `outcome`, `state` and the names of
phases are for programs; new ones may come, so a reader has to do something sensible with one that it doesn't know.

## The rules of a log

- One record is one JSON object on one line in UTF-8, ended by a line feed and written with one `write`. Only a line
  feed ends a record: U+2028 and its kind may stand within texts. A line has {MAX_LINE_BYTES:,} bytes at most, line feed
  included.
- `kind` tells records apart. A field that has its default is left out, so a field that isn't there has the default
  below; `null` stands for "not measured" or "not known" and never for zero.
- `seq` counts a writer's records from 1: a gap is records that were lost, as on a full disk.
- `t` and every `start_ns` are points in time, in nanoseconds of the boot's monotonic clock (CLOCK_MONOTONIC), which all
  processes of the boot share; every other `*_ns` is a duration, but `wall_ns`, nanoseconds since 1970. Between the
  records of one log `seq` has the order: a step's record is written after it is over, when its GPU's time is known.
- `*_bytes` are bytes. Integers have 64 bits with a sign.
- The first record is a `header`. Where another writer went on with the log (`stepscope resume`) there is another
  `header`, and `seq` begins again at 1.
- A log may end at any byte: the writer goes on, or was killed. What stands after the last line feed is no record yet.
  A torn record is followed by a line feed before the next, so it costs one line. A line that isn't a record of this
  page is skipped and counted.
- The writer holds an open-file-description lock on its log for life. Who asks for the lock with `F_OFD_GETLK` learns
  whether it lives, and never takes it.
- Folders have mode 0700, files 0600.

Texts come from models, tracebacks, file names and drivers. Secrets of a known form are left out as they are written,
and the characters that steer a terminal are written as JSON's escapes, so a log can be looked at with `cat`. Who
decodes one has those characters back: stepscope's reader makes them visible signs. [SECURITY.md](../SECURITY.md) says
what is trusted.
"""
_MANIFEST = """# session.json

Written when the session is made, and again, by rename, when it is resumed and when its conductor adds cases or runs.
All fields are written. A reader ignores fields that it doesn't know, and takes the default where one isn't there.
"""
_CONTROL = """# control

The conductor takes a file of this folder whose name ends with `.json`, does what it says and removes it.
"""
_WHERE = {
    base: "In every log",
    conducting: "In conductor.jsonl",
    running: "In runs/<run>/events.jsonl: the run",
    compiling: "In runs/<run>/events.jsonl: what torch.compile did",
}
_ALSO = {"note": "Written by both, the conductor too."}
_KINDS = {kind.__name__: str(kind.__struct_config__.tag) for kind in get_args(AnyEvent)}
_IN_MANIFEST: tuple[type[msgspec.Struct], ...] = (
    sessions.Manifest,
    Place,
    model.Request,
    model.Run,
    model.Case,
    model.Workload,
    model.Leg,
    model.Compilation,
)


def events_page() -> str:
    """The page as Markdown."""
    return "\n".join(
        [_INTRO, *_logs(), _MANIFEST, *map(_struct, _IN_MANIFEST), _CONTROL, _struct(sessions.ControlFile)]
    )


def _logs() -> Iterator[str]:
    kinds = get_args(AnyEvent)
    for module, title in _WHERE.items():
        yield f"# {title}\n"
        if module is base:
            yield f"Every record has:\n\n{_table(Event, _fields(Event))}"
        elif module is compiling:
            yield f"{_prose(module.__doc__ or '')}\n\nEvery record of these has:\n"
            yield _table(compiling.CompileEvent, _fields(compiling.CompileEvent, beyond=Event))
        for kind in kinds:
            if kind.__module__ == module.__name__:
                yield _event(kind)
        for short in _arrays(module):
            yield f"## {short.__name__}: an array\n\n{_about(short)}{_table(short, _fields(short))}"
    yield f"`PHASES` are {', '.join(compiling.PHASES)}: each holds the next.\n"


def _arrays(module: ModuleType) -> Iterator[type[msgspec.Struct]]:
    """The structs of ``module`` that are written as arrays of their fields."""
    for each in vars(module).values():
        if not isinstance(each, type) or not issubclass(each, msgspec.Struct) or each.__module__ != module.__name__:
            continue
        if each.__struct_config__.array_like:
            yield each


def _event(kind: type[Event]) -> str:
    tag = str(kind.__struct_config__.tag)
    common = compiling.CompileEvent if issubclass(kind, compiling.CompileEvent) else Event
    also = f"{_ALSO[tag]}\n\n" if tag in _ALSO else ""
    return f"## `{tag}`\n\n{_about(kind)}{also}{_table(kind, _fields(kind, beyond=common))}"


def _struct(struct: type[msgspec.Struct]) -> str:
    return f"## {struct.__name__}\n\n{_about(struct)}{_table(struct, _fields(struct))}"


def _about(struct: type) -> str:
    """A class's docstring; its bases' say something else."""
    text = vars(struct).get("__doc__") or ""
    return f"{_prose(text)}\n\n" if text else ""


def _prose(text: str) -> str:
    return _in_json(inspect.cleandoc(text))


def _in_json(text: str) -> str:
    """Words of the source as those of the page: kinds in place of their types, null in place of None."""
    text = re.sub(r"``(\w+)((?:\.\w+)?)``", lambda found: f"`{_KINDS.get(found[1], found[1])}{found[2]}`", text)
    return re.sub(r"\bNone\b", "null", text.replace("``", "`"))


def _fields(
    struct: type[msgspec.Struct], beyond: type[msgspec.Struct] | None = None
) -> Iterable[msgspec.structs.FieldInfo]:
    """The fields of ``struct`` that ``beyond`` doesn't have."""
    known = {field.name for field in msgspec.structs.fields(beyond)} if beyond is not None else set()
    return [field for field in msgspec.structs.fields(struct) if field.name not in known]


def _table(struct: type[msgspec.Struct], fields: Iterable[msgspec.structs.FieldInfo]) -> str:
    comments = _comments(struct)
    rows = [
        f"| `{field.encode_name}` | {_type(field.type)} | {_default(field)} | {comments.get(field.name, '')} |"
        for field in fields
    ]
    if not rows:
        return ""
    return "\n".join(["| field | type | default | what it is |", "|---|---|---|---|", *rows, ""])


def _type(given: object) -> str:
    return _named(msgspec.inspect.type_info(given))


def _named(info: msgspec.inspect.Type) -> str:
    """A type in words of JSON."""
    match info:
        case msgspec.inspect.IntType():
            return "integer"
        case msgspec.inspect.FloatType():
            return "number"
        case msgspec.inspect.StrType():
            return "text"
        case msgspec.inspect.BoolType():
            return "true or false"
        case msgspec.inspect.NoneType():
            return "null"
        case msgspec.inspect.AnyType():
            return "anything"
        case msgspec.inspect.ListType(item_type=item) | msgspec.inspect.VarTupleType(item_type=item):
            return f"list of {_named(item)}"
        case msgspec.inspect.DictType(key_type=key, value_type=value):
            return f"object: {_named(key)} to {_named(value)}"
        case msgspec.inspect.StructType(cls=cls):
            return cls.__name__
        case msgspec.inspect.UnionType(types=types):
            return " or ".join(sorted((_named(each) for each in types), key=lambda name: name == "null"))
    raise TypeError(f"no words for {info}")


def _default(field: msgspec.structs.FieldInfo) -> str:
    if field.required or field.default_factory not in (msgspec.NODEFAULT, list, dict):
        return "always there"
    value = field.default if field.default is not msgspec.NODEFAULT else field.default_factory()
    return "null" if value is None else f"`{msgspec.json.encode(value).decode()}`"


def _comments(struct: type[msgspec.Struct]) -> dict[str, str]:
    """What stands beside each field in the source, those of its bases too."""
    found: dict[str, str] = {}
    for cls in reversed(struct.__mro__):
        module = sys.modules.get(cls.__module__)
        if module is not None and issubclass(cls, msgspec.Struct) and cls is not msgspec.Struct:
            found |= _beside(module).get(cls.__name__, {})
    return found


def _beside(module: ModuleType) -> dict[str, dict[str, str]]:
    """The comment in the line of each annotated name, by class."""
    source = inspect.getsource(module)
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    by_line = {token.start[0]: token.string for token in tokens if token.type == tokenize.COMMENT}
    found: dict[str, dict[str, str]] = {}
    for cls in ast.parse(source).body:
        if isinstance(cls, ast.ClassDef):
            found[cls.name] = {
                line.target.id: _cell(by_line[line.end_lineno or line.lineno])
                for line in cls.body
                if isinstance(line, ast.AnnAssign)
                and isinstance(line.target, ast.Name)
                and (line.end_lineno or line.lineno) in by_line
            }
    return found


def _cell(comment: str) -> str:
    return _in_json(comment.removeprefix("#").strip()).replace("|", "\\|")
