"""Whether a logout ends what runs in the background, on machines of every kind."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from profiler import logins

IN_A_LOGIN = "0::/user.slice/user-1000.slice/session-3.scope\n"
NOT_IN_ONE = {
    "container": "0::/\n",
    "service": "0::/system.slice/cron.service\n",
    "systemd-run": "0::/user.slice/user-1000.slice/user@1000.service/app.slice/run-r1.scope\n",
    "no systemd": "9:name=systemd:/\n8:pids:/\n",
    "named alike": "0::/user.slice/session-notes/app\n",
    "nothing": "",
}


def machine(root: Path, group: str = IN_A_LOGIN, files: Mapping[str, str] | None = None) -> Path:
    for name, text in {"proc/self/cgroup": group, **(files or {})}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def login(**settings: str) -> str:
    return "[Login]\n" + "".join(f"{name}={value}\n" for name, value in settings.items())


MAIN, DROP_IN, HIGHER = (
    "etc/systemd/logind.conf",
    "usr/lib/systemd/logind.conf.d/50-a.conf",
    "etc/systemd/logind.conf.d/",
)
YES, NO = login(KillUserProcesses="yes"), login(KillUserProcesses="no")


@pytest.mark.parametrize(
    ("files", "killed"),
    [
        ({}, False),
        ({MAIN: YES}, True),
        ({MAIN: NO}, False),
        ({MAIN: "[Login]\n#KillUserProcesses=no\n#KillExcludeUsers=root\n"}, False),
        ({MAIN: "[Login]\n#KillUserProcesses=yes\n"}, True),  # the default as this distribution has built it
        ({MAIN: "[Login]\n#KillUserProcesses=yes\nKillUserProcesses=no\n"}, False),
        ({MAIN: NO, DROP_IN: YES}, True),
        ({DROP_IN: YES}, True),
        ({DROP_IN: YES, HIGHER + "60-b.conf": NO}, False),
        ({DROP_IN: YES, HIGHER + "50-a.conf": ""}, False),  # hides the one of its name
        ({"usr/lib/systemd/logind.conf": YES, MAIN: NO}, False),
        ({MAIN: login(KillUserProcesses="yes", KillExcludeUsers="root ann")}, False),
        ({MAIN: login(KillUserProcesses="yes", KillOnlyUsers="bob")}, False),
        ({MAIN: login(KillUserProcesses="yes", KillOnlyUsers="bob ann")}, True),
        ({MAIN: "KillUserProcesses=yes\n"}, False),  # in no section
        ({MAIN: "\x00\xff[Login\n=\n"}, False),
        ({MAIN: "[Login]\nKillUserProcesses=perhaps\n"}, False),
    ],
)
def test_the_files_of_logind_say_it(tmp_path: Path, files: dict[str, str], killed: bool) -> None:
    root = machine(tmp_path, files=files)
    assert logins.killed_at_logout(root=root, user="ann", ask=lambda: None) is killed


def test_what_logind_says_counts_more(tmp_path: Path) -> None:
    root = machine(tmp_path, files={MAIN: NO})
    assert logins.killed_at_logout(root=root, user="ann", ask=lambda: True)
    assert not logins.killed_at_logout(root=root, user="root", ask=lambda: True)
    assert not logins.killed_at_logout(root=machine(tmp_path, files={MAIN: YES}), user="ann", ask=lambda: False)


@pytest.mark.parametrize("group", NOT_IN_ONE.values(), ids=NOT_IN_ONE)
def test_outside_a_login_nobody_is_asked(tmp_path: Path, group: str) -> None:
    def ask() -> bool:
        raise AssertionError

    assert not logins.killed_at_logout(root=machine(tmp_path, group, {MAIN: YES}), user="ann", ask=ask)
    assert not logins.killed_at_logout(root=tmp_path / "nothing", user="ann", ask=ask)


def test_the_first_version_of_cgroups(tmp_path: Path) -> None:
    group = "12:memory:/user.slice\n1:name=systemd:/user.slice/user-1000.slice/session-c1.scope\n"
    assert logins.killed_at_logout(root=machine(tmp_path, group, {MAIN: YES}), user="ann", ask=lambda: None)


def test_the_bus_is_asked_with_a_time_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = machine(tmp_path, files={MAIN: NO})
    program = tmp_path / "bin" / "busctl"
    program.parent.mkdir()
    monkeypatch.setenv("PATH", str(program.parent), prepend=":")
    for script, killed in [("echo b true", True), ("echo b false", False), ("exit 1", False), ("sleep 60", False)]:
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o700)
        monkeypatch.setattr(logins, "_BUS_SECONDS", 0.2 if "sleep" in script else 5.0)
        assert logins.killed_at_logout(root=root, user="ann") is killed


def test_one_line_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logins, "killed_at_logout", lambda: True)
    said = logins.warning()
    assert said is not None
    assert "KillUserProcesses=yes" in said
    assert "systemd-run --user --scope" in said
    monkeypatch.setattr(logins, "killed_at_logout", lambda: False)
    assert logins.warning() is None
