"""The pictures that the compared lots made, side by side; where there are no colours, the files' paths."""

from __future__ import annotations

from itertools import zip_longest

from rich.cells import cell_len

from tui import safe
from tui.panels.lines import Panel
from tui.panels.rows import Part, Row, Rows, fitted, width_of
from tui.pictures.compare.images import Tile, half_blocks

_GAP = 2
_LEAST_WIDTH, _MOST_WIDTH = 16, 64
_LEAST_HEIGHT = 4
UNREADABLE = "its thumbnail can't be read"


class ImagesPanel(Panel[tuple[Tile, ...]]):
    """Tiles in as many columns as fit; ``colours``: the terminal can show a picture. Pages go by with scroll_tiles."""

    DEFAULT_CSS = "ImagesPanel { height: 1fr; min-height: 4; }"
    colours = True
    _first = 0

    def lay_out(self, width: int, height: int) -> Rows:
        tiles = self.value
        if not tiles:
            return (fitted([("no pictures", "quiet")], width, ascii=self.ascii),)
        if not (self.colours and not self.ascii and any(tile.thumbnail for tile in tiles)):
            return tuple(self._paths(tiles, width, height))
        return tuple(self._tiled(tiles, width, height))

    def _tiled(self, tiles: tuple[Tile, ...], width: int, height: int) -> list[Row]:
        across = max(1, min(len(tiles), (width + _GAP) // (_LEAST_WIDTH + _GAP)))
        down = max(1, min(-(-len(tiles) // across), height // (_LEAST_HEIGHT + 2)))
        across = min(across, -(-len(tiles) // down))
        room = min(_MOST_WIDTH, (width + _GAP) // across - _GAP)
        high = max(1, height // down - 2)
        shown = across * down
        rows: list[Row] = []
        for start in range(0, min(len(tiles), shown), across):
            band = tiles[start : start + across]
            rows.append(self._beside([self._head(tile, room) for tile in band], room))
            blocks = [
                list(half_blocks(tile.thumbnail, room, high))
                if tile.thumbnail
                else [[(tile.why or UNREADABLE, "quiet")]]
                for tile in band
            ]
            lines = zip_longest(*blocks, fillvalue=())
            rows += [self._beside([list(cells) for cells in line], room) for line in lines]
            rows.append(self._beside([[(self._file(tile, room), "quiet")] for tile in band], room))
        if shown < len(tiles):
            rows = rows[: height - 1]
            rows.append(((f"… {len(tiles) - shown} more: / filters", "quiet"),))
        return rows

    def _file(self, tile: Tile, room: int) -> str:
        """The end of the first file's path: that tells it from the others."""
        if not tile.files:
            return ""
        return _tail(tile.files[0], room)

    def _head(self, tile: Tile, room: int) -> list[Part]:
        return [(f"{tile.symbol} ", tile.style), (safe.fit(tile.label, room - 2), "bold")]

    def _beside(self, blocks: list[list[Part]], room: int) -> Row:
        row: list[Part] = []
        for number, block in enumerate(blocks):
            parts = fitted(block, room)
            gap = room - width_of(parts) + _GAP if number < len(blocks) - 1 else 0
            row += [*parts, (" " * gap, "")]
        return tuple(row)

    def _paths(self, tiles: tuple[Tile, ...], width: int, height: int) -> list[Row]:
        """Without pictures: which files to look at, each on a line of its own."""
        rows: list[Row] = []
        for tile in tiles:
            symbol = tile.symbol_ascii if self.ascii else tile.symbol
            rows.append(fitted([(f"{symbol} ", tile.style), (tile.label, "bold")], width, ascii=self.ascii))
            rows += [((f"  {_tail(path, width - 2, ascii=self.ascii)}", ""),) for path in tile.files]
            if tile.more:
                rows.append(((f"  and {tile.more} more", "quiet"),))
            if tile.why:
                rows.append(fitted([(f"  {tile.why}", "quiet")], width, ascii=self.ascii))
        if len(rows) > height:
            left = len(rows) - height + 1
            rows = rows[: height - 1]
            rows.append(((f"{'~' if self.ascii else '…'} {left} lines more: / filters", "quiet"),))
        return rows


def _tail(path: str, room: int, *, ascii: bool = False) -> str:
    """The end of a path, which tells it from others, in at most ``room`` cells."""
    if cell_len(path) <= room:
        return path
    while path and cell_len(path) >= room:
        path = path[1:]
    return f"{'~' if ascii else '…'}{path}"
