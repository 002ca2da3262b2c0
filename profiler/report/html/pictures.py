"""The pictures that runs kept, put into the page as data."""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from profiler.analysis.lots import Lot
from profiler.analysis.state import SessionState
from profiler.report.beside import read_regular
from profiler.report.html.markup import Markup, el
from profiler.report.html.told import Compared
from profiler.report.outputs import Picture, pictures_of
from profiler.report.thumbnails import Thumbnail, read_thumbnail
from profiler.sessions import SessionFolder

MOST_PICTURES = 12
LARGEST = 600_000
"""Bytes of a PNG file that is put in as it is; of a larger one its thumbnail is."""
MOST_BYTES = 3_000_000
"""Of all of them: the page is to be sent to somebody."""
Folders = Mapping[SessionState, Path]
"""Where sessions are: by the session itself, since two copies of one have the same id."""
_PNG = b"\x89PNG\r\n\x1a\n"


def pictures(compared: Sequence[Compared], folders: Folders) -> Markup | None:
    """The first picture of each lot that has kept any, side by side; None where none has."""
    figures: list[Markup] = []
    left = MOST_BYTES
    for one in compared:
        if len(figures) == MOST_PICTURES:
            break
        found = _first(one.lot, folders, left)
        if found is None:
            continue
        picture, data = found
        left -= len(data)
        source = Markup(f"data:image/png;base64,{base64.b64encode(data).decode('ascii')}")
        image = el("img", alt=f"picture that {picture.run} made").replace("<img", f'<img src="{source}"', 1)
        caption = el("figcaption", one.who.label, el("small", f"{picture.run}, call {picture.call + 1}"))
        figures.append(el("figure", Markup(image), caption))
    return el("div", *figures, class_="pictures") if figures else None


def _first(lot: Lot, folders: Folders, room: int) -> tuple[Picture, bytes] | None:
    path = folders.get(lot.session)
    if path is None:
        return None
    folder = SessionFolder(path)
    for picture in pictures_of(lambda _: folder, lot):
        data = read_regular(picture.file, LARGEST) if picture.file is not None else None
        if data is None or not data.startswith(_PNG) or len(data) > room:
            small = read_thumbnail(picture.thumbnail) if picture.thumbnail is not None else None
            data = png(small) if small is not None else None
        if data is not None and len(data) <= room:
            return picture, data
    return None


def png(picture: Thumbnail) -> bytes:
    """A small picture as a PNG file of 8 bits a channel (PNG specification, third edition, sections 5 and 11)."""
    stride = picture.width * 3
    rows = b"".join(b"\0" + picture.rgb[at : at + stride] for at in range(0, len(picture.rgb), stride))
    header = struct.pack(">IIBBBBB", picture.width, picture.height, 8, 2, 0, 0, 0)
    return _PNG + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(rows, 9)) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
