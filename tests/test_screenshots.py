"""The pictures of the docs: they change when their screens do."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support import screenshots


async def test_a_picture_knows_no_calendar_and_no_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(screenshots, "SETTLE_S", 0.05)
    await screenshots.sessions(tmp_path / "sessions.svg")
    text = (tmp_path / "sessions.svg").read_text(encoding="utf-8").replace("&#160;", " ")
    assert re.findall(r"\d+ \w+ ago", text) == ["4 min ago", "30 min ago", "2 h ago", "5 h ago", "29 h ago"]
    await screenshots.new(tmp_path / "new.svg")
    text = (tmp_path / "new.svg").read_text(encoding="utf-8").replace("&#160;", " ")
    assert re.findall(r"\d+ \w+ ago", text) == ["30 min ago"]
    assert "9 runs on cpu" in text
