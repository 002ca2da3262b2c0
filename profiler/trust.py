"""What a user lets a session load beyond safetensors: pickled weights, and code that comes with a pipeline.

It is given on a command line, and handed from process to process as arguments. It is no part of a request: nothing that
lies on a disk, no session, file or configuration, can say it for the user.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

ALLOW_PICKLE = "--allow-pickle"
TRUST_REMOTE_CODE = "--trust-remote-code"


class Trust(NamedTuple):
    """``pickle``: pickled weights, where there are no safetensors. ``remote_code``: code that comes with a pipeline."""

    pickle: bool = False
    remote_code: bool = False

    @property
    def arguments(self) -> list[str]:
        """As the conductor and the workers are told."""
        return [*([ALLOW_PICKLE] if self.pickle else []), *([TRUST_REMOTE_CODE] if self.remote_code else [])]

    @property
    def use_safetensors(self) -> bool | None:
        """``from_pretrained``'s argument of the name: safetensors alone, or None, where there are any."""
        return None if self.pickle else True


NOTHING = Trust()


def trust_of(arguments: Iterable[str]) -> Trust:
    """What ``arguments`` of a process allow; the others among them mean something else."""
    given = set(arguments)
    return Trust(ALLOW_PICKLE in given, TRUST_REMOTE_CODE in given)
