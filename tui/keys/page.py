"""The page of the keys, ``docs/keys.md``: made from their table, so that it can't say anything else."""

from __future__ import annotations

from collections.abc import Sequence

from tui import keys

_INTRO = """# Keys

Every key of every screen. Letters, digits, arrows and function keys alone: no chord that tmux, screen or the terminal
takes. A capital letter is the letter with shift. `?` shows the same on the screen, that of the screen one is on first,
and `:` finds and does any of them by a word.

Each has an id, by which the config file gives it other keys (`stepscope/config.toml` in the user's config folder, or
the file that `$STEPSCOPE_CONFIG` names):

```toml
[keys]
stop = "f9"
up = "up, k, w"
```

A key that would mean two things on one screen is refused, with the line and what would work.
"""


def keys_page() -> str:
    """The page as Markdown: keys of every screen first, then each screen's own."""
    everywhere = [key for key in keys.TABLE if set(key.where) >= set(keys.SCREENS)]
    sections = [_section("On every screen", everywhere)]
    for where in (*keys.SCREENS, keys.PALETTE, keys.ASKING, keys.HELP):
        own = [key for key in keys.keys_of(where) if key not in everywhere]
        if where == keys.REPLAY:
            own = [key for key in own if keys.LIVE not in key.where]
        sections.append(_section(where, own, "And the keys of Live but skip and stop." if where == keys.REPLAY else ""))
    return "\n".join([_INTRO, *sections])


def _section(title: str, rows: Sequence[keys.Key], more: str = "") -> str:
    lines = [f"## {title}", "", "| keys | what they do | id |", "|---|---|---|"]
    lines += [f"| {_keys(key)} | {key.long} | `{key.id}` |" for key in rows]
    return "\n".join([*lines, *(["", more] if more else []), ""])


def _keys(key: keys.Key) -> str:
    return " ".join(f"`{keys.named(name)}`" for name in key.keys.split(","))
