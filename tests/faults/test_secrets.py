"""Nothing that opens a door gets into a log."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from profiler import events as ev
from profiler.encoding import NUMBERS
from profiler.eventlog import EventLog, LogReader
from profiler.secrets import redacted
from tests.support.anything import KINDS, filled, texts

SECRETS = {
    "hf_abcdefghijklmnopqrstuvwxyzABCDEFGH": "hf_...",
    "https://user:pa55word@host.invalid/x": "https://...@host.invalid/x",
    "https://onlyatoken@host.invalid/x": "https://...@host.invalid/x",
    "ghp_0123456789abcdefghijABCDEFGHIJ012345": "ghp_...",
    "github_pat_0123456789abcdefghij_ABCDEFGHIJ": "github_pat_...",
    "glpat-0123456789abcdefghij": "glpat-...",
    "sk-proj-0123456789abcdefghij": "sk-...",
    "AKIAIOSFODNN7EXAMPLE1": "AKIA...",
    "api_org_0123456789abcdefghij": "api_org_...",
    "xoxb-0123456789-abcdefghij": "xoxb-...",
    "Authorization: Bearer abcdefghijklmnop.qrstuv": "Authorization: Bearer ...",
}
PLAIN = (
    "hf_hub is here, hf_device_map too",
    "task-with-a-long-name-of-its-own risk-free",
    "https://huggingface.co/docs/diffusers/main",
    "a weight, a height, light",
    "someone@example.invalid",
    "xoxo",
)


@pytest.mark.parametrize(("text", "left"), SECRETS.items())
def test_a_secret_is_left_out_wherever_it_stands(text: str, left: str) -> None:
    assert redacted(text) == left
    assert redacted(f"before {text} after") == f"before {left} after"
    assert redacted(msgspec.json.encode(f"line\n{text}").decode()) == msgspec.json.encode(f"line\n{left}").decode()


@pytest.mark.parametrize("text", PLAIN)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redacted(text) is text or redacted(text) == text


def test_no_field_of_any_record_takes_a_secret_into_the_log(tmp_path: Path) -> None:
    log = tmp_path / "events.jsonl"
    writer = EventLog(log)
    for secret in SECRETS:
        for kind in KINDS:
            writer.write(filled(kind, f"a {secret} b"))
    writer.close()
    written = log.read_bytes()
    for secret in SECRETS:
        assert secret.encode() not in written
    assert (writer.lost, written.count(b"\n")) == (0, len(SECRETS) * len(KINDS))
    reader = LogReader(log)
    reader.read(1 << 30)
    assert reader.bad == 0


def test_only_records_without_text_are_passed_over() -> None:
    assert {kind for kind in KINDS if not list(texts(filled(kind, "x")))} == NUMBERS


def test_a_log_can_be_printed(tmp_path: Path) -> None:
    """What a terminal obeys is in the file as numbers, and the reader has it as it was meant."""
    log = tmp_path / "events.jsonl"
    writer = EventLog(log)
    writer.write(ev.Note(text="\x1b[31m \x9b32m \x7f \u202e \u2028 naïve 世界"))
    writer.close()
    line = log.read_text(encoding="utf-8")
    assert line.rstrip("\n").isprintable()
    assert "naïve 世界" in line
    assert msgspec.json.decode(line)["text"] == "\x1b[31m \x9b32m \x7f \u202e \u2028 naïve 世界"
