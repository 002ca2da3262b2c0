"""What every record has, and the first record of every log."""

from __future__ import annotations

from typing import Annotated

import msgspec

SCHEMA_MAJOR = 1
SCHEMA_MINOR = 3

# A damaged line may hold a number of any length; what is kept in columns has 64 bits.
Int64 = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]


class Event(msgspec.Struct, tag_field="kind", omit_defaults=True, gc=False):
    """What every record has. ``seq`` and ``t`` are filled in by the log that writes the record."""

    seq: Int64 = 0
    t: Int64 = 0


class Header(Event, tag="header"):
    """First record of every log: who writes it and how its clock maps to the wall clock."""

    # Made anew for each header, which msgspec never leaves out as a default: a reader's own version is another one.
    schema: Int64 = msgspec.field(default_factory=lambda: SCHEMA_MAJOR)
    minor: Int64 = msgspec.field(default_factory=lambda: SCHEMA_MINOR)
    writer: str = ""  # "worker" or "conductor"
    session: str = ""
    run: str | None = None
    stepscope: str = ""
    host: str = ""
    boot_id: str = ""
    pid: Int64 = 0
    pid_started: float | None = None  # seconds from the boot to its start: another process with its pid has another
    wall_ns: Int64 = 0  # time.time_ns() at ``t``
