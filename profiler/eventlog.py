"""Append events to a log, and read a log that may still be growing, torn or damaged.

The writer puts each record on disk with one ``write`` on an O_APPEND descriptor: the kernel keeps what it accepted
whatever happens to the process, so no ``fsync`` is needed against kill -9. The reader accepts any prefix of a log at
any byte and never raises on what a file contains.
"""

from __future__ import annotations

import copy
import errno
import fcntl
import os
import stat
import struct
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, get_args

import msgspec

from profiler.boundary import clean, may_harm
from profiler.clocks import Clock, move
from profiler.descriptors import out_of_the_way
from profiler.encoding import line_of
from profiler.events import SCHEMA_MAJOR, AnyEvent, Event, Header, Int64, Note
from profiler.nofollow import folders_of, open_beneath
from profiler.numbering import Numbering

MAX_LINE_BYTES = 1 << 20
READ_BYTES = 1 << 18
_REMEMBERED = 64
"""Bytes by which a log is known again: a record's last ones, its number and time most often among them."""

_decoder = msgspec.json.Decoder(AnyEvent)


class _Envelope(msgspec.Struct):
    """What is left of a record that this version can't decode."""

    kind: str = ""
    seq: Int64 = 0
    t: Int64 = 0


_envelope_decoder = msgspec.json.Decoder(_Envelope)
KNOWN_KINDS = frozenset(kind.__struct_config__.tag for kind in get_args(AnyEvent))


# --- locks ------------------------------------------------------------------------------------------------------------

_FLOCK = "hhqqi4x"  # struct flock on 64-bit Linux: type, whence, start, length, pid
_GETLK, _SETLK = getattr(fcntl, "F_OFD_GETLK", 36), getattr(fcntl, "F_OFD_SETLK", 37)  # not every Python names them


def lock_for_life(descriptor: int) -> bool:
    """Take the whole-file OFD lock on ``descriptor``; False if another open file description has it.

    An open-file-description lock belongs to the open file, not to the process: the kernel drops it when the last copy
    of the descriptor is closed, however the process ends, and closing another descriptor of the same file keeps it.
    """
    request = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
    try:
        fcntl.fcntl(descriptor, _SETLK, request)
    except (BlockingIOError, PermissionError):
        return False
    return True


def is_locked(path: Path) -> bool:
    """Whether somebody holds the lock of ``path``. Only asks: never takes it, not for an instant."""
    try:
        descriptor = open_beneath(path, folders_of(path))
    except OSError:
        return False
    try:
        request = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
        return bool(struct.unpack(_FLOCK, fcntl.fcntl(descriptor, _GETLK, request))[0] != fcntl.F_UNLCK)
    except OSError:
        return False
    finally:
        os.close(descriptor)


# --- writing ----------------------------------------------------------------------------------------------------------


class EventLog:
    """The one writer of a log. Thread-safe; never raises after it was opened.

    A write that fails or comes out short (full disk, file size limit) is counted in ``lost``; the next record then
    starts with a newline, so that the torn fragment costs one record and not two. Readers see the gap in ``seq``, and
    a note once there is room again.
    """

    def __init__(self, path: Path, *, clock: Callable[[], int] = time.monotonic_ns) -> None:
        """Open ``path`` (mode 0600), made where it isn't there, and hold its lock for life.

        A log that has a writer's records already is gone on with: the next record should be a header, which says that
        the count of records begins anew. Raises OSError; FileExistsError if the log has a writer.
        """
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
        self._descriptor = out_of_the_way(open_beneath(path, folders_of(path), flags))
        try:
            if not stat.S_ISREG(os.fstat(self._descriptor).st_mode):
                raise OSError(errno.EINVAL, "not a regular file", str(path))
            if not lock_for_life(self._descriptor):
                raise FileExistsError(f"{path} is being written by another process")
        except OSError:
            os.close(self._descriptor)
            raise
        self.path = path
        self.lost = 0
        self.error: OSError | None = None  # the first failure to write
        self._clock = clock
        self._seq = 0
        self._untold = 0  # of ``lost``, those that no record tells of
        self._torn = _ends_within_a_line(path)
        self._mutex = threading.Lock()

    def write(self, event: Event) -> None:
        """Append ``event``; its ``seq`` is set, and its ``t`` too unless the caller has."""
        with self._mutex:
            if self._append(event):
                if self._untold:
                    self._tell_losses()
            else:
                self.lost += 1
                self._untold += 1

    def _append(self, event: Event) -> bool:
        """Whether the whole record was taken."""
        event.seq = self._seq + 1
        if not event.t:
            event.t = self._clock()
        line = b"\n" * self._torn + line_of(event, MAX_LINE_BYTES)
        # Counted no sooner: the handler of a signal that ends a run raises out of what is above.
        self._seq += 1
        try:
            written = os.write(self._descriptor, line)
        except OSError as error:
            written = 0
            self.error = self.error or error
        self._torn = written != len(line)
        return not self._torn

    def _tell_losses(self) -> None:
        """There is room again: say why records are missing before this."""
        why = self.error.strerror if self.error else "a write came out short"
        text = f"{self._untold} record{'s' * (self._untold != 1)} could not be written: {why}"
        if self._append(Note(level="warning", code="lost", text=text)):
            self._untold = 0
        else:
            self.lost += 1
            self._untold += 1

    def close(self) -> None:
        """Flush to the device and let go of the lock. Writing afterwards counts as lost."""
        with self._mutex:
            if self._descriptor < 0:
                return
            try:
                os.fsync(self._descriptor)
            except OSError as error:
                self.error = self.error or error
            os.close(self._descriptor)
            self._descriptor = -1


def _ends_within_a_line(path: Path) -> bool:
    """Whether the last record of a log is a fragment: its writer was killed, or the disk was full."""
    try:
        descriptor = open_beneath(path, folders_of(path))
    except OSError:
        # It can be written and not be read: a line feed too many does no harm.
        return True
    try:
        size = os.fstat(descriptor).st_size
        return bool(size) and os.pread(descriptor, 1, size - 1) != b"\n"
    finally:
        os.close(descriptor)


# --- reading ----------------------------------------------------------------------------------------------------------


class Chunk(NamedTuple):
    """What one ``LogReader.read`` found."""

    events: list[Event]
    more: bool  # the file has more that can be read at once
    restarted: bool  # the file was replaced or cut: forget what came from it before


class LogReader:
    """Reads a log from where it stopped last time. Never raises on file content or on a file that comes or goes.

    Counters: ``bad`` lines of a known kind (or no JSON at all), ``unknown`` kinds, ``lost`` records (gaps in ``seq``
    that bad lines don't account for). ``refused`` says why the file as a whole can't be read (a newer major version,
    not a regular file), else None. Texts of the events are harmless (``profiler.boundary``), whatever the file holds.

    With a ``clock``, the times of records that were written in another boot are moved to it.
    """

    def __init__(self, path: Path, clock: Clock | None = None) -> None:
        self.path = path
        self._folders = folders_of(path)
        self._clock = clock
        self.header: Header | None = None
        self._identity: tuple[int, int] | None = None
        self._reset()

    def _reset(self) -> None:
        self.bad = 0
        self.unknown = 0
        self._numbering = Numbering()
        self.refused: str | None = None
        self._denied = False  # refused for what the file system said, which may pass
        self.offset = 0  # of the first byte that isn't consumed
        self._tail = b""
        self._skipping = False  # inside a line that is longer than MAX_LINE_BYTES
        self._last = b""  # the bytes before the first that wasn't read yet: others there mean another log
        self._shift_ns = 0  # of the records after the last header
        self._t = 0  # of the last record, as it was written

    @property
    def lost(self) -> int:
        return self._numbering.lost

    def __copy__(self) -> LogReader:
        """One that stands where this one does and reads on by itself."""
        other = LogReader.__new__(LogReader)
        other.__dict__.update(self.__dict__)
        other._numbering = copy.copy(self._numbering)
        return other

    def read(self, budget: int = READ_BYTES) -> Chunk:
        """Read up to ``budget`` bytes on from the last call and return the events of the lines they complete."""
        try:
            # Neither a link nor a FIFO under this name can lead the reader away or hang it.
            descriptor = open_beneath(self.path, self._folders)
        except FileNotFoundError:
            return Chunk([], False, False)
        except OSError as error:
            return self._unreadable(f"cannot read {self.path.name}: {error.strerror}")
        try:
            return self._read(descriptor, budget)
        except OSError as error:
            return self._unreadable(f"cannot read {self.path.name}: {error.strerror}")
        finally:
            os.close(descriptor)

    def _unreadable(self, why: str) -> Chunk:
        if self.refused is None:
            self.refused = why
            self._denied = True
        return Chunk([], False, False)

    def _read(self, descriptor: int, budget: int) -> Chunk:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            return self._unreadable(f"{self.path.name} is not a regular file")
        if self._denied:  # it could not be read for a while
            self.refused = None
            self._denied = False
        identity = (found.st_dev, found.st_ino)
        position = self.offset + len(self._tail)
        restarted = self._identity is not None and (
            identity != self._identity
            or found.st_size < position
            or os.pread(descriptor, len(self._last), position - len(self._last)) != self._last
        )
        if restarted:
            self._reset()
            self.header = None
            position = 0
        self._identity = identity
        if self.refused:
            return Chunk([], False, restarted)
        if self._skipping:
            position = self._past_hole(descriptor, position, found.st_size)
        data = os.pread(descriptor, budget, position)
        self._last = (self._last + data[-_REMEMBERED:])[-_REMEMBERED:]
        events = self._consume(data)
        return Chunk(events, position + len(data) < found.st_size and bool(data), restarted)

    def _past_hole(self, descriptor: int, position: int, size: int) -> int:
        """Where to read on in a line that is too long: no line ends in a hole, of which a file may have terabytes."""
        try:
            after = min(os.lseek(descriptor, position, os.SEEK_DATA), size)
        except OSError as error:
            if error.errno != errno.ENXIO:  # a file system that doesn't tell
                return position
            after = size  # there is nothing more
        if after > position:
            self.offset = after
            self._last = os.pread(descriptor, min(after, _REMEMBERED), max(after - _REMEMBERED, 0))
        return after

    def _consume(self, data: bytes) -> list[Event]:
        if not data:
            return []
        buffer = self._tail + data
        end = buffer.rfind(b"\n") + 1
        whole, self._tail = buffer[:end], buffer[end:]
        self.offset += end
        if self._skipping and end:
            first = whole.index(b"\n") + 1
            whole = whole[first:]
            self._skipping = False
        if len(self._tail) > MAX_LINE_BYTES:
            self.offset += len(self._tail)
            self._tail = b""
            if not self._skipping:
                self.bad += 1
                self._numbering.bad()
            self._skipping = True
        return self._admit(self._decode(whole)) if whole else []

    def _decode(self, whole: bytes) -> list[Event | None]:
        """The records of whole lines, in their order. None stands for a line that can't be read."""
        # A text that may harm has to be cleaned, and which one it is only its own line tells.
        if len(whole) <= MAX_LINE_BYTES and not may_harm(whole):
            try:
                events: list[Event | None] = list(_decoder.decode_lines(whole))
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError):
                pass
            else:
                # The decoder takes two records on a line, and one on two lines: the lines' own decoding decides then,
                # so that it doesn't matter where reads begin and end.
                if len(events) == whole.count(b"\n"):
                    return events
        # Only b"\n" ends a record: str.splitlines would also split on U+2028 inside a string.
        return [self._decode_line(line) for line in whole.split(b"\n") if line.strip()]

    def _decode_line(self, line: bytes) -> Event | None:
        if len(line) > MAX_LINE_BYTES:
            self.bad += 1
            return None
        try:
            event: Event = _decoder.decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError):
            return self._decode_envelope(line)
        return clean(event) if may_harm(line) else event

    def _decode_envelope(self, line: bytes) -> Event | None:
        try:
            envelope = _envelope_decoder.decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError):
            self.bad += 1
            return None
        if envelope.kind in KNOWN_KINDS or not envelope.kind:
            self.bad += 1
        else:
            self.unknown += 1
        # It was read, only not understood: not a gap.
        return Event(seq=envelope.seq, t=envelope.t)

    def _admit(self, events: list[Event | None]) -> list[Event]:
        admitted: list[Event] = []
        shift_ns, numbering = self._shift_ns, self._numbering
        for event in events:
            if event is None:
                numbering.bad()
                continue
            if type(event) is Header:
                if not self._begin(event):
                    return admitted
                shift_ns = self._shift_ns
            if event.seq == numbering.expected and numbering.settled:
                numbering.expected += 1
            else:
                before = admitted[-1].t - shift_ns if admitted else self._t
                numbering.record(event.seq, event.t - before)
            if type(event) is Event:
                continue
            if shift_ns:
                move(event, shift_ns)
            admitted.append(event)
        if admitted:
            self._t = admitted[-1].t - shift_ns
        return admitted

    def _begin(self, header: Header) -> bool:
        """A writer begins. False if its records can't be read."""
        if header.schema > SCHEMA_MAJOR:
            self.refused = (
                f"{self.path.name} has format {header.schema}.{header.minor}, this stepscope reads up to"
                f" {SCHEMA_MAJOR}.x: upgrade stepscope to open it"
            )
            return False
        if self.header is None:
            self.header = header
        else:
            self._numbering.restart(header.seq)  # another writer went on with the log, and counts its own records
        self._shift_ns = self._clock.shift_ns(header) if self._clock is not None else 0
        return True
