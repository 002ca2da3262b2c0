"""Whether the kernel's out-of-memory killer struck: its counters, readable without privileges."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


class OomKills:
    """The number of processes the out-of-memory killer has killed around here, from the closest counter there is."""

    def __init__(self, files: Sequence[Path] | None = None) -> None:
        candidates = counter_files() if files is None else files
        self._file = next((file for file in candidates if _count(file) is not None), None)

    def count(self) -> int | None:
        """The counter now, None where there is none."""
        return None if self._file is None else _count(self._file)

    def rose(self, before: int | None) -> bool:
        """Whether it has grown since ``count`` returned ``before``."""
        now = self.count()
        return before is not None and now is not None and now > before


def counter_files(proc: Path = Path("/proc")) -> list[Path]:
    """Where the counter can be, the closest first: this process's cgroup (version 2, then 1), then the whole host."""
    groups = _groups(proc / "self" / "cgroup")
    files: list[Path] = []
    for kind, controllers, root, mount in _mounts(proc / "self" / "mountinfo"):
        path = groups.get("" if kind == "cgroup2" else "memory")
        if path is None or (kind == "cgroup" and "memory" not in controllers):
            continue
        # Inside a container a part of the hierarchy is mounted: its root is a prefix of the group's path.
        inside = path.removeprefix(root.rstrip("/")).lstrip("/")
        name = "memory.events" if kind == "cgroup2" else "memory.oom_control"
        files += [Path(mount) / inside / name, Path(mount) / name]
    return [*files, proc / "vmstat"]


def _count(file: Path) -> int | None:
    try:
        text = file.read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    for line in text.splitlines():
        name, _, value = line.partition(" ")
        if name == "oom_kill" and value.strip().isdecimal():
            return int(value)
    return None


def _groups(file: Path) -> dict[str, str]:
    """Controller ("" for version 2) -> the path of this process's group."""
    found: dict[str, str] = {}
    for line in _lines(file):
        parts = line.split(":", 2)
        if len(parts) == 3:
            found |= dict.fromkeys(parts[1].split(","), parts[2])
    return found


def _mounts(file: Path) -> list[tuple[str, list[str], str, str]]:
    """Kind, controllers, root and mount point of every mounted cgroup hierarchy, version 2 first."""
    found: list[tuple[str, list[str], str, str]] = []
    for line in _lines(file):
        left, _, right = line.partition(" - ")
        before, after = left.split(), right.split()
        if len(before) >= 5 and len(after) >= 3 and after[0] in ("cgroup", "cgroup2"):
            found.append((after[0], after[2].split(","), before[3], before[4]))
    return sorted(found, key=lambda mount: mount[0] != "cgroup2")


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
