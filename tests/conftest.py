"""Every test runs in a home of its own, without the network, and draws the same examples every time."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "deterministic",
    derandomize=True,
    deadline=None,
    database=None,
    max_examples=100,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
settings.load_profile("deterministic")

# Before anything imports torch or the hub's client, which read these once.
os.environ.update(
    HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1", HF_HUB_DISABLE_TELEMETRY="1", DIFFUSERS_VERBOSITY="error"
)


_TERMINAL = ("NO_COLOR", "COLORTERM", "COLORFGBG", "STY", "TMUX")
"""What else tells of the terminal: the colours of a test must not depend on where it runs."""


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nothing a test does reaches the user's home, sessions, caches or device locks; returns $STEPSCOPE_HOME."""
    base = tmp_path_factory.mktemp("home")
    runtime = base / "runtime"
    runtime.mkdir(mode=0o700)
    home = base / "stepscope"
    for name, folder in {"HOME": base, "STEPSCOPE_HOME": home, "XDG_RUNTIME_DIR": runtime}.items():
        monkeypatch.setenv(name, str(folder))
    for name in ("XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "STEPSCOPE_CONFIG", "TEXTUAL_THEME", *_TERMINAL):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    return home
