"""docs/events.md has every kind and every field of what is on disk, and a log says which format it has."""

from __future__ import annotations

import json
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from profiler import events as ev
from profiler import sessions
from profiler.eventlog import EventLog
from profiler.report.eventspage import events_page
from profiler.request import Request

DOCS = Path(__file__).resolve().parents[2] / "docs"
EVENTS = sorted(get_args(ev.AnyEvent), key=lambda kind: str(kind.__struct_config__.tag))


@pytest.fixture(scope="module")
def page() -> str:
    return events_page()


def section(page: str, title: str) -> str:
    """What the page says below a heading of the second level."""
    _, found, rest = page.partition(f"\n## {title}\n")
    assert found, f"nothing is said of {title}"
    return rest.partition("\n## ")[0].partition("\n# ")[0]


def row(field: msgspec.structs.FieldInfo) -> str:
    return f"| `{field.encode_name}` | "


def test_the_page_is_in_step_with_the_types(page: str) -> None:
    assert (DOCS / "events.md").read_text(encoding="utf-8") == page, "run `make schemas`"


@pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: str(kind.__struct_config__.tag))
def test_the_page_has_every_field_of_every_kind(kind: type[ev.Event], page: str) -> None:
    said = section(page, f"`{kind.__struct_config__.tag}`")
    common = ev.CompileEvent if issubclass(kind, ev.CompileEvent) else ev.Event
    known = {field.name for field in msgspec.structs.fields(common)}
    for field in msgspec.structs.fields(kind):
        assert row(field) in (page if field.name in known else said), field.name


@pytest.mark.parametrize(
    "struct", [sessions.Manifest, Request, sessions.ControlFile], ids=lambda struct: struct.__name__
)
def test_the_page_has_every_field_of_the_other_files(struct: type[msgspec.Struct], page: str) -> None:
    said = section(page, struct.__name__)
    for field in msgspec.structs.fields(struct):
        assert row(field) in said


def test_what_stands_beside_a_field_in_the_source_is_said_of_it(page: str) -> None:
    said = section(page, "`step`")
    assert "| `host_bound` | true or false or null | null | the device had finished the denoiser when" in said


def test_every_header_on_disk_says_its_version(tmp_path: Path) -> None:
    # Fields that have their default are left out, and a later version's default is another one.
    log = EventLog(tmp_path / "events.jsonl")
    log.write(ev.Header(writer="worker"))
    log.close()
    header = json.loads((tmp_path / "events.jsonl").read_text())
    assert (header["schema"], header["minor"]) == (ev.SCHEMA_MAJOR, ev.SCHEMA_MINOR)
