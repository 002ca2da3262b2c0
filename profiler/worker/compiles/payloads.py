"""What the structured trace's payloads say, as plain values: every text bounded and encodable, whatever torch put in.

Payloads are other people's text: nothing here trusts their type, size or shape. The functions are pure.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

TEXT_LIMIT = 2048  # characters of one text in an event
GUARD_LIMIT = 400  # of the guard that should have held, without the user's stack: its end has the actual value
REASONS_KEPT = 8  # guard failures kept of one recompile; dynamo's default recompile limit is 8 as well

_NAME = re.compile(r'\s*\{\s*"name":\s*"((?:[^"\\]|\\.)*)"')
_MARK = re.compile(r'"ph":\s*"(\w)"')
_COMPILE_ID = re.compile(r'(?<!\\)"compile_id":\s*"(!?\d[\d/]*)"')
_NUMBER = re.compile(r"\s*([\d.eE+]+)")
_STRING = re.compile(r'\s*("(?:[^"\\]|\\.)*")')
_EDGE = 8192  # characters
_SAVED = {"time_saved_ns": 1, "time_saved_ms": 1_000_000}  # in nanoseconds
_BREAK_AT = re.compile(r"Graph break in user code at (.+):(\d+)")
_BREAK_FRAME = re.compile(r'File "([^"]+)", line (\d+)')
_BREAK_ID = re.compile(r"\b(gb\d{4,})\b")
_BREAK_WHY = re.compile(
    r"Graph Break Reason: (.*?)(?:\n *Hint:|\n *Developer debug context|\n *User code traceback|\Z)", re.DOTALL
)
_SKIPPED = re.compile(
    r"\bskip(?:ping)? (?:tracing )?the (?:frame|function)\b.{0,400}?\bfall(?:ing)? back to eager",
    re.IGNORECASE | re.DOTALL,
)
_FAILURES = re.compile(r"guard failure\(s\):\n(.*)", re.DOTALL)
_CACHE = re.compile(r"(fx_graph|fx_graph_bundled|aotautograd)_cache_(hit|miss|bypass)")


def text(value: object, limit: int = TEXT_LIMIT) -> str:
    """``value`` as text of at most ``limit`` characters that UTF-8 can encode; a cut text ends with an ellipsis."""
    if value is None:
        return ""
    if isinstance(value, bytes | bytearray):
        value = bytes(value[: limit + 1]).decode("utf-8", "replace")
    whole = value if isinstance(value, str) else repr(value)
    if len(whole) > limit:
        whole = whole[: limit - 1] + "…"
    # A lone surrogate (from a file name, say) is a legal str that no JSON encoder takes.
    return whole.encode("utf-8", "backslashreplace").decode("utf-8")


def compile_id(metadata: dict[str, Any]) -> str | None:
    """The compile id of a trace record as torch and tlparse print it ("0/1", "!3/0/1"); None outside a compile."""
    autograd = metadata.get("compiled_autograd_id")
    frame = metadata.get("frame_id")
    if frame is None:
        return None if autograd is None else f"!{autograd}"
    plain = f"{frame}/{metadata.get('frame_compile_id')}"
    return plain if autograd is None else f"!{autograd}/{plain}"


def recompile_reasons(payload: object) -> list[str]:
    """All guard failures of a ``recompile_reasons`` artifact.

    torch writes several reasons as a JSON list, but a single one as bare text, although the record says JSON.
    """
    whole = payload if isinstance(payload, str) else text(payload)
    if whole.lstrip().startswith("["):
        try:
            found = json.loads(whole)
        except (ValueError, RecursionError):
            return [whole]
        return [entry if isinstance(entry, str) else text(entry) for entry in found]
    return [whole] if whole else []


def bounded(reasons: list[str], matched: int, limit: int = TEXT_LIMIT, gist: int = 160) -> tuple[list[str], int]:
    """The first reasons, cut, and where in them the one stands that matters.

    That one has up to ``limit`` characters, or its whole guard if that is longer; the others have ``gist``, enough for
    the guard without the user's stack; of 0 they are left out. Where it isn't among the first it takes the last place.
    """
    if 0 <= matched < len(reasons):
        limit = max(limit, min(len(reasons[matched].partition("\nUser stack trace")[0]) + 1, GUARD_LIMIT))
    kept = list(range(len(reasons[:REASONS_KEPT]))) if gist else [matched] * bool(reasons)
    if matched >= len(kept) > 0:
        kept[-1] = matched
    texts = [text(reasons[place], limit if place == matched else min(limit, gist)) for place in kept]
    return texts, kept.index(matched) if matched in kept else 0


def reasons_of_error(message: object) -> list[str]:
    """The failed guards in the message of a RecompileError, which torch raises in place of telling them."""
    found = _FAILURES.search(message) if isinstance(message, str) else None
    lines = found[1].splitlines() if found else []
    return [line.strip().removeprefix("- ") for line in lines if line.strip().startswith("- ")]


@dataclass(frozen=True, slots=True)
class ChromiumHead:
    """The part of a chromium event that can be read without parsing its arguments, which may be megabytes."""

    name: str
    mark: str  # B(egin), E(nd), i(nstant)


def chromium_head(payload: object) -> ChromiumHead | None:
    """The name and mark of a chromium event, or None where the payload is none."""
    if not isinstance(payload, str):
        return None
    name = _NAME.match(payload)
    mark = _last(_MARK, payload[-200:]) or _last(_MARK, payload)
    if name is not None and mark is not None:
        return ChromiumHead(name[1], mark[1])
    try:
        event = json.loads(payload)
    except ValueError:
        return None
    if not isinstance(event, dict) or "name" not in event:
        return None
    return ChromiumHead(str(event["name"]), str(event.get("ph", "")))


def chromium_compile_id(payload: str) -> str | None:
    """The compile id among a chromium event's arguments: events at run time have no other."""
    found = _last(_COMPILE_ID, payload)
    return found[1] if found else None


def arguments(payload: str) -> dict[str, Any]:
    """The arguments of a chromium event."""
    event = json.loads(payload)
    found = event.get("args") if isinstance(event, dict) else None
    return found if isinstance(found, dict) else {}


def whole_number(value: object) -> int | None:
    """``value`` as an int where it is one or reads as one."""
    try:
        return int(value)  # type: ignore[call-overload, no-any-return]
    except (TypeError, ValueError, OverflowError):
        return None


@dataclass(frozen=True, slots=True)
class Break:
    file: str
    line: int
    break_id: str | None
    reason: str
    skipped_frame: bool


def graph_break(payload: object, limit: int = TEXT_LIMIT) -> Break:
    """What a ``dynamo_graph_break_reason`` artifact says; the traceback at its end is left out."""
    whole = payload if isinstance(payload, str) else text(payload)
    head = whole[:16_384]
    at = _BREAK_AT.search(head) or _last(_BREAK_FRAME, head)
    why = _BREAK_WHY.search(head)
    identifier = _BREAK_ID.search(whole)
    return Break(
        file=text(at[1]) if at else "",
        line=int(at[2]) if at else 0,
        break_id=identifier[1] if identifier else None,
        reason=text((why[1] if why else head).strip(), limit),
        skipped_frame=_SKIPPED.search(head) is not None,
    )


@dataclass(frozen=True, slots=True)
class Lookup:
    layer: str
    state: str
    saved_ns: int | None
    why: str | None


def cache_lookup(artifact: str, payload: object) -> Lookup | None:
    """The lookup that an artifact of this name reports, or None where it reports none.

    The payload lists every input of the cache key, so the few fields of interest are searched and not parsed.
    """
    name = _CACHE.fullmatch(artifact)
    if name is None:
        return None
    whole = payload if isinstance(payload, str) else ""
    saved = next(
        (round(float(found[1]) * ns) for field, ns in _SAVED.items() if (found := _field(whole, field, _NUMBER))), None
    )
    bypass = _field(whole, "cache_bypass_reason", _STRING)
    return Lookup(
        layer="aot" if name[1] == "aotautograd" else "fx",
        state=name[2],
        saved_ns=saved,
        why=text(json.loads(bypass[1]), 512) if bypass else None,
    )


def _field(whole: str, name: str, value: re.Pattern[str]) -> re.Match[str] | None:
    """The value of a field of a cache lookup, which stands before or after the list of the key's components.

    That list may have megabytes and isn't read. The same name within one of the text's strings doesn't count: there its
    quotes are escaped.
    """
    key = f'"{name}":'
    for part in (whole[:_EDGE], whole[-_EDGE:]):
        at = part.find(key)
        if at >= 0:
            return value.match(part, at + len(key))
    return None


def last_line(payload: object) -> str:
    """The last line that says something: of a traceback, the exception."""
    lines = (payload if isinstance(payload, str) else text(payload)).rstrip().splitlines()
    return text(lines[-1].strip(), 512) if lines else ""


def _last(pattern: re.Pattern[str], whole: str) -> re.Match[str] | None:
    found = None
    for match in pattern.finditer(whole):
        found = match
    return found
