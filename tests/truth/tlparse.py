"""torch's trace as ``tlparse`` reads it: its output folder as an account.

tlparse numbers the files that it writes in the order of the trace, over all compile ids, so that a compile id that came
twice (``torch._dynamo.reset`` starts them again) can be told apart by the numbers.
"""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.truth.account import LIMIT, Account, Again, Break, Ended, Lookup, Restart

_ID = re.compile(r"\[(\d+/\d+)(?:_\d+)?\]")  # the attempt behind the underscore
_NUMBERED = re.compile(r"(.*)_(\d+)\.\w+")
_ROW = re.compile(r"<tr>\s*<td>\s*<a href='([^']+)'>.*?</a>\s*</td>\s*<td>(.*?)</td>\s*<td>(.*?)</td>", re.DOTALL)
_TAG = re.compile(r"<[^>]*>")
_LIMIT_TEXT = re.compile(r"(?:recompile|cache).?limit", re.IGNORECASE)
_CACHE = re.compile(r"(fx_graph|aotautograd)_cache_(hit|miss|bypass)")
_BREAK_AT = re.compile(r"Graph break in user code at (.+):(\d+)")
_BREAK_ID = re.compile(r"/(gb\d+)\.html")


class File(NamedTuple):
    number: int
    id: str
    name: str
    url: str
    path: Path


class Row(NamedTuple):
    """A line of the table of failures and restarts."""

    kind: str
    text: str


def read(log: Path, out: Path) -> Account:
    """The account that tlparse gives of the trace file ``log``; it writes to ``out``, which must not be there."""
    command = [_program(), str(log), "-o", str(out), "--no-browser", "--plain-text"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    if done.returncode:
        raise RuntimeError(f"tlparse {log}: {done.stderr.strip() or done.stdout.strip()}")
    return account(out)


def account(out: Path) -> Account:
    """The account in a folder that tlparse has written."""
    found = Account()
    rows = _failures_and_restarts(out)
    walls = {identifier: iter(us) for identifier, us in _walls(out).items()}
    seen: set[Break] = set()
    for file in _files(out):
        found.ids.add(file.id)
        cache = _CACHE.fullmatch(file.name)
        if file.name == "compilation_metrics":
            told = rows.get(file.url, [])
            found.ended.append(_ended(file, told, next(walls[file.id], None)))
            found.restarts += [Restart(file.id, row.text) for row in told if row.kind == "RestartAnalysis"]
            seen.clear()
        elif file.name == "recompile_reasons":
            reasons = _reasons(file.path.read_text())
            found.again.append(Again(file.id, tuple(reasons), len(reasons)))
        elif file.name == "dynamo_graph_break_reason":
            broken = _break(file.id, file.path.read_text())
            # The frame is traced again from its start after each break and meets the ones before again.
            if broken not in seen:
                found.breaks.append(broken)
                seen.add(broken)
        elif cache is not None:
            layer = "aot" if cache[1] == "aotautograd" else "fx"
            found.lookups.append(Lookup(file.id, layer, cache[2]))
    return found


def _program() -> str:
    beside = Path(sys.executable).with_name("tlparse")
    program = str(beside) if beside.exists() else shutil.which("tlparse")
    if program is None:
        raise RuntimeError("there is no tlparse: pip install -e '.[test]'")
    return program


def _files(out: Path) -> list[File]:
    """What tlparse wrote of each compile, in the order of the trace."""
    return sorted(_listed(out))


def _listed(out: Path) -> Iterator[File]:
    for key, entry in json.loads((out / "compile_directory.json").read_text()).items():
        identifier = _ID.fullmatch(key)
        if identifier is None:
            continue  # [-/-]: what belongs to no compile
        for artifact in entry["artifacts"]:
            url = artifact["url"]
            name = _NUMBERED.fullmatch(url.rpartition("/")[2])
            if name is not None:
                yield File(artifact["number"], identifier[1], name[1], url, out / url)


def _failures_and_restarts(out: Path) -> dict[str, list[Row]]:
    """By the compile's metrics file."""
    found: dict[str, list[Row]] = {}
    for url, kind, text in _ROW.findall((out / "failures_and_restarts.html").read_text()):
        found.setdefault(url, []).append(Row(_plain(kind), _plain(text)))
    return found


def _walls(out: Path) -> dict[str, list[int]]:
    """The durations of the compiles of each id in microseconds, from the time axis that tlparse writes for Perfetto."""
    found: dict[str, list[int]] = {}
    begun: dict[str, float] = {}
    for event in json.loads((out / "chromium_events.json").read_text()):
        identifier = event.get("args", {}).get("compile_id")
        if event["name"] != "dynamo" or identifier is None:
            continue
        if event["ph"] == "B":
            begun[identifier] = event["ts"]
        elif event["ph"] == "E":
            found.setdefault(identifier, []).append(round(event["ts"] - begun.pop(identifier)))
    return found


def _ended(file: File, rows: list[Row], wall_us: int | None) -> Ended:
    failure = next((row for row in rows if row.kind != "RestartAnalysis"), None)
    kind = failure.kind if failure else None
    if failure and (_LIMIT_TEXT.search(failure.kind) or _LIMIT_TEXT.search(failure.text)):
        kind = LIMIT
    page = file.path.read_text()
    seconds = re.search(r"Entire Frame .*?</abbr>: ([\d.e-]+)", page)
    return Ended(
        id=file.id,
        failure=kind,
        operators=_count(page, "Graph Ops"),
        guards=_count(page, "Guard Count"),
        frame_us=round(float(seconds[1]) * 1e6) if seconds else None,
        wall_us=wall_us,
    )


def _count(page: str, what: str) -> int | None:
    found = re.search(rf"<p>{what}: (\d+)</p>", page)
    return int(found[1]) if found else None


def _reasons(text: str) -> list[str]:
    """One reason is written as it is, several as a JSON list."""
    try:
        found = json.loads(text)
    except ValueError:
        return [text]
    return found if isinstance(found, list) else [text]


def _break(identifier: str, text: str) -> Break:
    at, number = _BREAK_AT.search(text), _BREAK_ID.search(text)
    return Break(
        id=identifier,
        file=at[1] if at else "",
        line=int(at[2]) if at else 0,
        break_id=number[1] if number else None,
        reason=text,
    )


def _plain(cell: str) -> str:
    return html.unescape(_TAG.sub("", cell)).strip()
