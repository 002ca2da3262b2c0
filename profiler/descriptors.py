"""File descriptors in a process that runs other people's code too."""

from __future__ import annotations

import fcntl
import os
import resource

_HIGH = 64  # below the highest: room for all that a process keeps there


def out_of_the_way(descriptor: int) -> int:
    """The same open file under a high number, where this process may have one.

    Other people's code closes descriptors that it takes for its own, low ones as a rule. The next file that is opened
    gets the number, and records would be written into that.
    """
    highest = min(resource.getrlimit(resource.RLIMIT_NOFILE)[0], 1024)
    try:
        moved = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, max(highest - _HIGH, 0))
    except OSError:
        return descriptor
    os.close(descriptor)
    return moved
