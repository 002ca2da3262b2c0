"""Files that a log names: thumbnails, whatever they hold."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from profiler.report.beside import file_beside, read_regular
from profiler.report.thumbnails import LONGEST_SIDE, read_thumbnail


def test_a_thumbnail_is_read_row_by_row(tmp_path: Path) -> None:
    path = tmp_path / "t.ppm"
    path.write_bytes(b"P6\n3 2\n255\n" + bytes(range(18)))
    found = read_thumbnail(path)
    assert found is not None
    assert (found.width, found.height) == (3, 2)
    assert found.pixel(0, 0) == (0, 1, 2)
    assert found.pixel(2, 1) == (15, 16, 17)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"P6",
        b"P6\n3 2\n255\n" + bytes(17),
        b"P6\n3 2\n255\n" + bytes(19),
        b"P6\n0 0\n255\n",
        b"P6\n3 2\n65535\n" + bytes(36),
        b"P3\n1 1\n255\n0 0 0",
        b"P6\n-1 -1\n255\n" + bytes(3),
        b"P6\n9999 9999\n255\n" + bytes(30),
        b"P6\n%d 1\n255\n" % (LONGEST_SIDE + 1) + bytes(3 * (LONGEST_SIDE + 1)),
        b"\x89PNG\r\n\x1a\n" + bytes(100),
        bytes(LONGEST_SIDE * LONGEST_SIDE * 3 + 65),
    ],
)
def test_what_is_no_thumbnail_is_none(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "t.ppm"
    path.write_bytes(content)
    assert read_thumbnail(path) is None


def test_only_files_are_read(tmp_path: Path) -> None:
    good = tmp_path / "good.ppm"
    good.write_bytes(b"P6\n1 1\n255\n" + bytes(3))
    (tmp_path / "link.ppm").symlink_to(good)
    os.mkfifo(tmp_path / "pipe.ppm")
    (tmp_path / "folder.ppm").mkdir()
    for name in ("link.ppm", "pipe.ppm", "folder.ppm", "gone.ppm"):
        assert read_thumbnail(tmp_path / name) is None
    assert read_regular(good, 14) is not None
    assert read_regular(good, 13) is None


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "/etc/passwd", "a/b", "a\0b", "x" * 300])
def test_a_name_means_a_file_beside_the_log_and_no_other(tmp_path: Path, name: str) -> None:
    assert file_beside(tmp_path, name) is None
    assert file_beside(tmp_path, "image-1.ppm") == tmp_path / "image-1.ppm"
