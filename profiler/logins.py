"""Whether a logout would kill what goes on in the background, on machines where systemd-logind keeps the logins.

With ``KillUserProcesses=yes`` logind kills every process of a login's scope when the user has logged out, whatever
session and group it is in: ``setsid``, ``nohup`` and tmux are of no use. See logind.conf(5). Linux's default is the
distribution's choice; most say no.
"""

from __future__ import annotations

import configparser
import os
import pwd
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

_SCOPE = re.compile(r"/session-[^/]+\.scope(/|$)")
_FOLDERS = ("usr/lib/systemd", "usr/local/lib/systemd", "run/systemd", "etc/systemd")
"""Where logind.conf and its drop-ins are; what comes later counts."""
_COMMENTED = re.compile(r"^#\s*(KillUserProcesses|KillExcludeUsers|KillOnlyUsers)\s*=")
_BUSCTL = [
    "busctl",
    "get-property",
    "org.freedesktop.login1",
    "/org/freedesktop/login1",
    "org.freedesktop.login1.Manager",
    "KillUserProcesses",
]
_TRUE, _FALSE = ("yes", "true", "on", "1"), ("no", "false", "off", "0")
_BUS_SECONDS = 2.0

TEXT = (
    "a logout would end what runs in the background: logind kills all that a login has started (KillUserProcesses=yes)"
)
REMEDY = "start stepscope with 'systemd-run --user --scope' after 'loginctl enable-linger'"


def warning() -> str | None:
    """One line if a logout would kill this process and what it starts; None: it would not, or nobody can tell."""
    return f"{TEXT}: {REMEDY}" if killed_at_logout() else None


def killed_at_logout(
    *, root: Path = Path("/"), user: str | None = None, ask: Callable[[], bool | None] | None = None
) -> bool:
    """Whether this process, and what it starts, dies when the user logs out.

    ``ask`` (default: the D-Bus) says what logind itself goes by; None: it can't be asked, its files count. Only a
    process that is in a login's scope asks at all, so that none of this costs anything in a container or a service.
    """
    group = _group(root)
    if group is None or not _SCOPE.search(group):
        return False
    name = _user() if user is None else user
    settings = _settings(root)
    asked = (ask or _ask)()
    kills = asked if asked is not None else _truth(settings.get("killuserprocesses"))
    only = settings.get("killonlyusers", "").split()
    # As logind decides: those who are never killed, then who alone is, if anybody is named.
    spared = name in settings.get("killexcludeusers", "root").split() or (bool(only) and name not in only)
    return bool(kills) and not spared


def _group(root: Path) -> str | None:
    """The own cgroup in systemd's hierarchy: version 2, or the named one of version 1."""
    try:
        lines = (root / "proc/self/cgroup").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    parts = [line.split(":", 2) for line in lines]
    return next((part[2] for part in parts if len(part) == 3 and part[1] in ("", "name=systemd")), None)


def _settings(root: Path) -> dict[str, str]:
    """[Login] of logind.conf and its drop-ins, names in lower case. A commented line is the default as it was built."""
    found: dict[str, str] = {}
    mains = [root / folder / "logind.conf" for folder in _FOLDERS]
    # The main file of the highest place counts alone; a drop-in hides those of its name in lower places, and they are
    # read in the order of their names.
    files = [path for path in mains if path.is_file()][-1:]
    drop_ins = {path.name: path for folder in _FOLDERS for path in (root / folder / "logind.conf.d").glob("*.conf")}
    files += [drop_ins[name] for name in sorted(drop_ins)]
    for path in files:
        found |= _read(path)
    return found


def _read(path: Path) -> dict[str, str]:
    parser = configparser.ConfigParser(strict=False, interpolation=None, delimiters=("=",), comment_prefixes=("#", ";"))
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        parser.read_string("\n".join(lines))
    except (OSError, configparser.Error):
        return {}
    built = dict(line.lstrip("# \t").split("=", 1) for line in lines if _COMMENTED.match(line))
    set_ = dict(parser["Login"]) if parser.has_section("Login") else {}
    return {key.strip().lower(): value.strip() for key, value in built.items()} | set_


def _truth(word: str | None) -> bool | None:
    word = (word or "").lower()
    return True if word in _TRUE else False if word in _FALSE else None


def _ask() -> bool | None:
    """What logind says on the D-Bus."""
    try:
        said = subprocess.run(_BUSCTL, capture_output=True, text=True, timeout=_BUS_SECONDS, check=False)
    except (OSError, subprocess.SubprocessError):
        return None
    return {"b true": True, "b false": False}.get(said.stdout.strip())


def _user() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())
