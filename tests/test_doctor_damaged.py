"""The doctor, and what asks NVML without a session: no driver, a damaged one, a damaged binding."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from profiler import doctor, room
from profiler.conductor import nvml
from tests.conductor.fake_nvml import ERRORS, FakeNvml

GIB = 1 << 30
DAMAGED = {
    "syntax": "def nvmlInit(:\n",
    "empty": "",
    "another": "class Error(Exception): pass\n",
    "raises": "raise RuntimeError('no\\nsymbols')\n",
    "os": "raise OSError(8, 'Exec format error')\n",
    "no-error": "def nvmlInit(): pass\n",
    "zero": "1/0\n",
    "bytes": "\0\0\0",
}


class Machine(FakeNvml):
    """One that counts its devices and is shut down again."""

    def nvmlShutdown(self) -> None:  # noqa: N802
        return self.answer("nvmlShutdown", lambda: None)

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802
        return self.answer("nvmlDeviceGetCount", lambda: 2)

    def nvmlDeviceGetHandleByIndex(self, index: int) -> str:  # noqa: N802
        return self.answer("nvmlDeviceGetHandleByIndex", lambda: self.uuids[index])


def loading(fake: Any) -> Callable[[], Any]:
    return lambda: nvml.load(lambda _: fake)


@pytest.mark.parametrize("kind", DAMAGED)
def test_a_damaged_binding_is_one_line(
    kind: str, own_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pynvml.py").write_text(DAMAGED[kind])
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "pynvml", raising=False)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    found = {finding.name: finding for finding in doctor.examine(own_home)}["GPU samples"]
    monkeypatch.delitem(sys.modules, "pynvml", raising=False)
    assert found.level == "missing"
    assert "pynvml" in found.text
    assert "\n" not in found.text
    assert found.remedy == "pip install --force-reinstall nvidia-ml-py"
    assert room.largest_gpu() is None


@pytest.mark.parametrize("code", ERRORS)
def test_every_code_of_every_call_is_a_line(code: int) -> None:
    says = {
        "nvmlInit": ("note", f"n/a: {ERRORS[code]}"),
        "nvmlSystemGetDriverVersion": ("note", f"NVML answers with errors: NVML: {ERRORS[code]}"),
        "nvmlShutdown": ("ok", "driver 580.95.05"),
    }
    for call, (level, text) in says.items():
        fake = Machine()
        fake.script[call] = code
        found = doctor._nvml(loading(fake))
        assert (found.level, found.text) == (level, text)
        assert ("nvmlShutdown" in fake.calls) == (call != "nvmlInit")
    for call in (
        "nvmlInit",
        "nvmlShutdown",
        "nvmlDeviceGetCount",
        "nvmlDeviceGetHandleByIndex",
        "nvmlDeviceGetMemoryInfo",
    ):
        fake = Machine()
        fake.script[call] = code
        assert room.largest_gpu(loading(fake)) == (150 * GIB if call == "nvmlShutdown" else None)


@pytest.mark.parametrize("told", [None, b"\xff580", "", 12.5, OSError("gone"), AttributeError("nvmlSystem")], ids=repr)
def test_a_driver_version_that_is_none(told: object) -> None:
    fake = Machine()
    fake.script["nvmlSystemGetDriverVersion"] = told
    found = doctor._nvml(loading(fake))
    assert found.level == ("ok" if isinstance(told, bytes) else "note")
    assert "\n" not in found.text


def test_a_binding_that_cannot_be_shut_down() -> None:
    ended = SimpleNamespace(NVMLError=Exception, nvmlInit=lambda: None, nvmlSystemGetDriverVersion=lambda: "1")
    assert doctor._nvml(loading(ended)).text == "driver 1"
    assert room.largest_gpu(loading(ended)) is None
