"""What this machine has and lacks for profiling, found out without importing torch."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from profiler import devices, logins, sessions, toolchain, tracing
from profiler.conductor import nvml
from profiler.report.documents import Finding

PACKAGES = ("torch", "diffusers", "transformers", "accelerate", "safetensors", "textual", "plotext", "nvidia-ml-py")
NETWORK_FILE_SYSTEMS = frozenset({"nfs", "nfs4", "cifs", "smb3", "9p", "lustre", "gpfs", "ceph", "fuse.sshfs", "afs"})
LOW_DISK_BYTES = 2 << 30


def examine(root: Path, environ: Mapping[str, str] = os.environ) -> list[Finding]:
    """Every finding, in the order in which a user would ask."""
    return [
        _python(),
        *(_package(name) for name in PACKAGES),
        *_compile_events(),
        _cuda(environ),
        _nvml(),
        _compiler(environ),
        *_home(root),
        _terminal(environ),
        *_logout(),
    ]


def _python() -> Finding:
    return Finding(
        name="python", level="ok", text=f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    )


def _package(name: str) -> Finding:
    try:
        return Finding(name=name, level="ok", text=importlib.metadata.version(name))
    except importlib.metadata.PackageNotFoundError:
        needed = "viewing works without it, profiling does not" if name in PACKAGES[:5] else "reinstall stepscope"
        return Finding(name=name, level="missing", text=f"not installed: {needed}", remedy=f"pip install {name}")


def _compile_events() -> list[Finding]:
    name = "compile events"
    try:
        version = importlib.metadata.version("torch")
    except importlib.metadata.PackageNotFoundError:
        return [Finding(name=name, level="missing", text="no torch, no compile events", remedy="pip install torch")]
    found = tracing.gaps(version)
    if not found:
        return [Finding(name=name, level="ok", text="complete with this torch; every run tests the channel itself")]
    too_old = tracing.too_old(version)
    findings = [
        Finding(
            name=name,
            level="missing" if too_old else "note",
            text=gap.text,
            remedy=f"torch {gap.since} and later have it" if gap.since else None,
        )
        for gap in found
    ]
    if too_old:
        findings[0].remedy = "pip install 'torch>=2.8'"
    return findings


def _cuda(environ: Mapping[str, str]) -> Finding:
    why_not = devices.why_no_cuda(environ)
    if why_not is None:
        return Finding(name="CUDA", level="ok", text="a driver is loaded and torch is built for it")
    return Finding(name="CUDA", level="note", text=f"{why_not}: runs are made on the CPU")


def _nvml(load: Callable[[], Any] = nvml.load) -> Finding:
    """As the GPU sampler finds NVML, whatever is the matter with it or its binding."""
    name = "GPU samples"
    try:
        binding = load()
    except nvml.BindingUnusable as error:
        return Finding(name=name, level="missing", text=str(error), remedy="pip install --force-reinstall nvidia-ml-py")
    except nvml.NvmlUnavailable as error:
        return Finding(name=name, level="note", text=f"n/a: {str(error).removeprefix('NVML: ')}")
    try:
        return Finding(name=name, level="ok", text=f"driver {nvml.driver_version(binding)}")
    except nvml.NvmlUnavailable as error:
        return Finding(name=name, level="note", text=f"NVML answers with errors: {error}")
    finally:
        nvml.unload(binding)


def _compiler(environ: Mapping[str, str]) -> Finding:
    device = "cpu" if devices.why_no_cuda(environ) else "cuda"
    complaint = toolchain.missing(device, environ)
    name = "compiler"
    if complaint is None:
        return Finding(name=name, level="ok", text=f"inductor finds what it needs to compile for {device}")
    what, _, remedy = complaint.rstrip(")").partition(" (")
    text = f"{what}: compiled variants end as unsupported"
    return Finding(name=name, level="missing", text=text, remedy=remedy)


def _logout() -> list[Finding]:
    """Nothing where a logout leaves alone what runs in the background, as on most machines."""
    if not logins.killed_at_logout():
        return []
    return [Finding(name="logout", level="note", text=logins.TEXT, remedy=logins.REMEDY)]


def _home(root: Path) -> list[Finding]:
    exists = next(path for path in (root, *root.parents) if path.exists())
    findings = []
    if os.access(exists, os.W_OK | os.X_OK):
        findings.append(Finding(name="sessions", level="ok", text=str(root / "sessions")))
    else:
        findings.append(
            Finding(
                name="sessions",
                level="missing",
                text=f"{exists} can't be written to",
                remedy="set STEPSCOPE_HOME to a folder of yours",
            )
        )
    free = shutil.disk_usage(exists).free
    if free < LOW_DISK_BYTES:
        findings.append(
            Finding(
                name="disk", level="note", text=f"{free / 2**30:.1f} GiB free: logs are small, compile caches are not"
            )
        )
    kind = _file_system(exists)
    if kind in NETWORK_FILE_SYSTEMS:
        text = f"sessions are on a network file system ({kind}): a viewer on another host may lag by seconds"
        findings.append(Finding(name="file system", level="note", text=text))
    try:
        sessions.runtime_folder()
    except OSError as error:
        findings.append(
            Finding(
                name="device locks", level="missing", text=str(error), remedy="set XDG_RUNTIME_DIR to a folder of yours"
            )
        )
    return findings


def _file_system(path: Path) -> str:
    """The type of the file system that holds ``path``, "" where the system doesn't tell."""
    resolved = path.resolve()
    best, kind = -1, ""
    try:
        mounts = Path("/proc/self/mounts").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    for line in mounts:
        _, point, found, *_ = [*line.split(), "", "", ""]
        mount = Path(point.replace("\\040", " "))
        if point and (mount == resolved or mount in resolved.parents) and len(point) >= best:
            best, kind = len(point), found
    return kind


def _terminal(environ: Mapping[str, str]) -> Finding:
    term = environ.get("TERM", "")
    if term in ("", "dumb"):
        return Finding(
            name="terminal", level="note", text=f"TERM is {term or 'not set'}: plain lines in place of screens"
        )
    size = shutil.get_terminal_size()
    encoding = sys.stdout.encoding or "ascii"
    if "utf" not in encoding.lower():
        return Finding(name="terminal", level="note", text=f"{term}, encoding {encoding}: use --ascii")
    return Finding(name="terminal", level="ok", text=f"{term}, {size.columns}x{size.lines}")
