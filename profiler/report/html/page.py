"""The page, from its head to its foot."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from profiler.analysis.lots import Lot


def page(
    lots: Sequence[Lot],
    baseline: Lot | None = None,
    *,
    folders: Mapping[str, Path] | None = None,
    copied: Sequence[str] = (),
) -> Iterator[str]:
    """The whole page in pieces of text, UTF-8 to be.

    ``baseline`` None: each lot is compared with the no-compile case of its own workload. ``folders`` are the session
    folders by session id: saved pictures are taken in from there. ``copied``: ids of sessions that come from elsewhere.
    """
    raise NotImplementedError
    yield ""
