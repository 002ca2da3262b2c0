"""The page of the keys says what the table says, each key once where it is everybody's."""

from __future__ import annotations

from pathlib import Path

from tui import keys
from tui.keys.page import keys_page

DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_of_keys_is_in_step_with_their_table() -> None:
    assert (DOCS / "keys.md").read_text(encoding="utf-8") == keys_page(), "run `make schemas`"


def test_every_binding_is_on_it() -> None:
    page = keys_page()
    assert all(f"| {key.long} | `{key.id}` |" in page for key in keys.TABLE)
    assert page.count("`quit` |") == 1
