"""Whether runs can be compared at all: a session that was resumed may have runs of two machines, or of two torches."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from profiler.analysis.state import RunState, SessionState
from profiler.events import Environment

MEASURED = ("torch", "diffusers", "cuda")
BESIDE = ("triton", "transformers", "accelerate", "python")
"""Versions that seldom matter: told where sessions are compared, no reason to refuse it within one."""


def difference(runs: Iterable[RunState]) -> str | None:
    """What ``runs`` were made with that was not the same for all, in a few words; None where there is nothing.

    The first of ``differences``, which alone makes others of no account.
    """
    return next(iter(differences(runs)), None)


def differences(runs: Iterable[RunState]) -> list[str]:
    """A line for each thing that ``runs`` were made with and that was not the same for all: device, versions."""
    environments = [run.environment for run in runs if run.environment is not None]
    lines: list[str] = []
    for told in _MACHINE:
        found = list(dict.fromkeys(word for environment in environments if (word := told(environment))))
        if len(found) > 1:
            lines.append(f"runs were made with {' and '.join(found)}")
    return lines


def otherwise(session: SessionState, runs: Iterable[RunState]) -> list[str]:
    """With what ``runs`` were made that the first run of ``session`` was not: what is told of the whole session, by its
    first run, isn't theirs.
    """
    first = next((run.environment for run in session.runs.values() if run.environment is not None), None)
    if first is None:
        return []
    environments = [run.environment for run in runs if run.environment is not None]
    words = ((told(environment), told(first)) for told in _MACHINE for environment in environments)
    return list(dict.fromkeys(word for word, firsts in words if word and word != firsts))


def apart(ours: SessionState, own: Iterable[RunState], theirs: SessionState, other: Iterable[RunState]) -> list[str]:
    """A line for each thing that was not the same for two groups of runs, of two sessions or of one.

    Beyond ``differences`` that is the driver, the processor that launches for a GPU, the host, and what else torch and
    diffusers work with.
    """
    own, other = list(own), list(other)
    runs = [*own, *other]
    lines = differences(runs)
    drivers = [session.device.driver for session in (ours, theirs) if session.device is not None]
    hosts = [run.header.host for run in runs if run.header is not None]
    cpus = [run.environment.cpu for run in runs if run.environment is not None and run.environment.device != "cpu"]
    lines += _unlike("with driver", drivers) + _unlike("behind the processor", cpus) + _unlike("on the host", hosts)
    for package in BESIDE:
        lines += _unlike(
            f"with {package}", [run.environment.versions.get(package) for run in runs if run.environment is not None]
        )
    return lines


def _unlike(how: str, words: Iterable[str | None]) -> list[str]:
    found = list(dict.fromkeys(word for word in words if word))
    return [f"runs were made {how} {' and '.join(found)}"] if len(found) > 1 else []


def _device(environment: Environment) -> str:
    return environment.device_name or environment.cpu or environment.device


def _threads(environment: Environment) -> str:
    """Only on a CPU do they compute."""
    if not environment.threads or environment.device != "cpu":
        return ""
    return f"{environment.threads} thread{'s' * (environment.threads > 1)}"


def _version(package: str) -> Callable[[Environment], str]:
    def told(environment: Environment) -> str:
        version = environment.versions.get(package)
        return f"{package} {version}" if version else ""

    return told


_MACHINE = (_device, _threads, *(_version(package) for package in MEASURED))
"""What must be the same for runs to be compared, each as a word of an environment; "" where it isn't known."""
