"""The pictures that lots have kept, small, and the files that they are in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from profiler.analysis.lots import Lot
from profiler.report.outputs import pictures_of
from profiler.report.thumbnails import Thumbnail, read_thumbnail
from profiler.sessions import SessionFolder
from tui import safe
from tui.pictures.looks import Look

MOST_FILES = 4
"""Paths that are told of a lot; of more it is said how many there are."""


@dataclass(frozen=True, slots=True)
class Tile:
    """The pictures of a lot: its first one small, and where the files are. ``why``: there are none."""

    label: str
    symbol: str
    symbol_ascii: str
    style: str
    thumbnail: Thumbnail | None
    files: tuple[str, ...]
    more: int = 0
    why: str = ""


def tiles_of(lot: Lot, folder: SessionFolder, look: Look, label: str) -> Tile:
    """The tile of ``lot``, whose session is in ``folder``."""
    found = pictures_of(lambda _: folder, lot)
    files = [str(picture.file or picture.thumbnail) for picture in found]
    thumbnail = next((small for picture in found if (small := _small(picture.thumbnail)) is not None), None)
    why = ""
    if not found:
        asked = lot.session.request.save_images
        why = "no picture kept yet" if asked and not lot.session.over else "no picture kept: --save-images keeps them"
    return Tile(
        label=label,
        symbol=look.style.marker,
        symbol_ascii=look.style.ascii_marker,
        style=look.word,
        thumbnail=thumbnail,
        files=tuple(safe.line(file, 1000) for file in files[:MOST_FILES]),
        more=max(0, len(files) - MOST_FILES),
        why=why,
    )


def _small(path: Path | None) -> Thumbnail | None:
    """The thumbnail in ``path``, read again only when the file has changed."""
    if path is None:
        return None
    try:
        about = path.lstat()
    except (OSError, ValueError):
        return None
    return _read(path, about.st_ino, about.st_mtime_ns)


@lru_cache(maxsize=64)
def _read(path: Path, _inode: int, _changed_ns: int) -> Thumbnail | None:
    return read_thumbnail(path)


def half_blocks(small: Thumbnail, width: int, height: int) -> Iterator[list[tuple[str, str]]]:
    """``small`` in at most ``width`` x ``height`` cells of two pixels each, its proportions kept.

    Each cell is the upper half block, its colour the upper pixel's and its background the lower one's.
    """
    scale = min(width / small.width, 2 * height / small.height)
    columns = max(1, min(width, round(small.width * scale)))
    rows = max(1, min(height, round(small.height * scale / 2)))
    for row in range(rows):
        cells: list[tuple[str, str]] = []
        for column in range(columns):
            upper, lower = (_mean(small, column, columns, 2 * row + half, 2 * rows) for half in (0, 1))
            cells.append(("▀", f"{upper} on {lower}"))
        yield cells


def _mean(small: Thumbnail, column: int, columns: int, row: int, rows: int) -> str:
    """The mean colour of the pixels under one half of a cell, in steps of 8: neighbours alike cost less to send."""
    left, right = (
        column * small.width // columns,
        max((column + 1) * small.width // columns, column * small.width // columns + 1),
    )
    top, bottom = row * small.height // rows, max((row + 1) * small.height // rows, row * small.height // rows + 1)
    pixels = [
        small.pixel(x, y) for y in range(top, min(bottom, small.height)) for x in range(left, min(right, small.width))
    ]
    red, green, blue = (sum(channel) // len(pixels) // 8 * 8 for channel in zip(*pixels, strict=True))
    return f"#{red:02x}{green:02x}{blue:02x}"
