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
    "https://user:pa@55@word@host.invalid/x": "https://...@host.invalid/x",
    "https://host.invalid/x?a=1&X-Amz-Signature=0123abcdef&b=2": "https://host.invalid/x?a=1&X-Amz-Signature=...&b=2",
    "https://host.invalid/x?token=0123abcdef": "https://host.invalid/x?token=...",
    "hf_oauth_eyJhbGciOiJFZERTQSJ9.eyJzdWI.c2ln-bmF0_dXJl": "hf_oauth_...",
    "ghu_0123456789abcdefghijABCDEFGHIJ012345": "ghu_...",
    "ASIAIOSFODNN7EXAMPLE1": "ASIA...",
    "Authorization: BEARER abcdefghijklmnop.qrstuv": "Authorization: BEARER ...",
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
    "hf_oauth_helper, hf_jwt_of_mine",
    "https://host.invalid/x?tokens=77&tokenizer=a",
    "a weight, a height, light",
    "someone@example.invalid",
    "xoxo",
)


@pytest.mark.parametrize(("text", "left"), SECRETS.items())
def test_a_secret_is_left_out_wherever_it_stands(text: str, left: str) -> None:
    assert redacted(text) == left
    assert redacted(f"before {text} after") == f"before {left} after"
    assert redacted(f"\x1b[1;31m{text}\x1b[0m") == f"\x1b[1;31m{left}\x1b[0m"
    coloured = msgspec.json.encode(f"\x07{text} \x1b[1m{text}").decode()
    assert redacted(coloured) == msgspec.json.encode(f"\x07{left} \x1b[1m{left}").decode()
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
