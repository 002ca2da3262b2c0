"""Strings that a program must show and never obey."""

HOSTILE = (
    "[/nope]",
    "[@click=app.quit]x[/]",
    "[red]not red[/red]",
    "\x1b]0;owned\x07",
    "\x1b]8;;http://example.invalid\x1b\\link\x1b]8;;\x1b\\",
    "\x1b]52;c;AAAA\x07",
    "\x1b[2J\x1b[?1049l\x1b[31m",
    "\x9b31m\x90q\x9c",
    "\u202egnirts\u202c \u2066x\u2069",
    "two\nlines\r\nand\x0bmore\x85\u2028\u2029",
    "null\x00byte",
    "wide 世界 emoji 👩\u200d💻 end",
    "marks e" + "\u0301" * 200,
    "lone \ud800 surrogate",
    "{x} %s {0!r} $HOME",
    "long " + "x" * 5000,
)
