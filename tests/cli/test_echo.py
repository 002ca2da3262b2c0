"""The one way to standard output: what is said there, and that there is no other."""

from __future__ import annotations

import ast
import json
import os
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest

from profiler.report.documents import ListDocument
from profiler.report.text import unsteering
from tests.tui.hostile import HOSTILE
from tui.commands.common import document_text, print_document
from tui.echo import echo, echo_page
from tui.plain import plain_say
from tui.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
WAYS = {
    "tui/echo.py": {"click.echo"},
    "tui/commands/export.py": {"sys.stdout", "sys.stdout.buffer"},  # the file that was named "-", in pieces
    # These write nothing: they close, redirect or ask.
    "tui/cli.py": {"sys.stdout", "sys.stderr"},
    "tui/commands/common.py": {"sys.stdout", "sys.stderr"},
    "tui/terminals.py": {"sys.__stderr__"},
    "tui/ending.py": {"sys.__stderr__"},  # and what leaves full screen, which is a constant
    "profiler/doctor.py": {"sys.stdout"},
    # Their streams are files of the session, which nobody prints.
    "profiler/conductor/main.py": {"sys.stderr"},
    "profiler/worker/main.py": {"sys.stdout", "sys.stderr"},
}
"""What may touch the standard streams, and by which names."""


def unseen(text: str) -> set[str]:
    """What of ``text`` a terminal may obey, and what hides in it."""
    return {char for char in text if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")}


@pytest.mark.parametrize("aside", [False, True])
def test_a_line_is_one_line_that_nothing_steers(aside: bool, capsys: pytest.CaptureFixture[str]) -> None:
    for text in HOSTILE:
        echo(f"session {text} is over", aside=aside)
    said = capsys.readouterr()[aside]
    assert len(said.splitlines()) == len(HOSTILE)
    assert unseen(said) == {"\n"}


def test_a_page_keeps_its_lines_and_its_length(capsys: pytest.CaptureFixture[str]) -> None:
    page = "\n".join(["x" * 10_000, *HOSTILE])
    echo_page(page)
    out = capsys.readouterr().out
    assert out.startswith("x" * 10_000 + "\n")
    assert unseen(out) <= {"\n", "\r", "\t"}


@pytest.mark.parametrize("text", [*HOSTILE, "tags \U000e0041\U000e0042", "soft\xad \u180e \ufff9 \U0001d173 \ue000"])
def test_what_a_document_says_comes_back_from_it(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    given = text.replace("\ud800", "\ufffd")  # no strict reader of JSON takes half a character
    print_document(ListDocument(home=text, sessions=[]))
    out = capsys.readouterr().out
    assert json.loads(out)["home"] == given
    assert unseen(out) == {"\n"}
    assert unseen(document_text(ListDocument(home=text, sessions=[]))) == {"\n"}


def test_a_folder_whose_name_is_no_text_can_be_named(capsys: pytest.CaptureFixture[str]) -> None:
    name = os.fsdecode(b"/tmp/caf\xe9")
    print_document(ListDocument(home=name, sessions=[]))
    assert json.loads(capsys.readouterr().out)["home"] == "/tmp/caf\ufffd"
    echo(f"removed {name}")
    assert capsys.readouterr().out == "removed /tmp/caf‹DCE9›\n"


def test_plain_text_is_not_touched() -> None:
    text = 'plain "text"\twith\r\nlines é 漢 😀'
    assert unsteering(text) is text
    assert unsteering("\x1b\u202e\U000e0041") == r"\u001b\u202e\udb40\udc41"


def test_ascii_lines_have_no_sign_of_ours_that_isnt_ascii() -> None:
    said: list[str] = []
    plain_say(Settings(ascii=True), said.append)("a → b\nc\x1b")
    assert said == ["a -> b|c^"]


def modules() -> Iterator[tuple[str, ast.Module]]:
    for folder in ("tui", "profiler"):
        for file in sorted((ROOT / folder).rglob("*.py")):
            text = file.read_text(encoding="utf-8")
            if re.search(r"\b(print|click|sys)\b", text):
                yield file.relative_to(ROOT).as_posix(), ast.parse(text)


_WRITES = re.compile(
    r"click\.(echo|secho|echo_via_pager|style|prompt|confirm|get_\w+_stream)|sys\.(__)?std(out|err)(__)?(\.buffer)?"
)


def ways_out(tree: ast.Module) -> Iterator[str]:
    """What in a module writes, or could write, to a standard stream."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id == "print":
            yield "print"
        elif isinstance(node, ast.Attribute) and re.search("echo|style|prompt|confirm|get_|std|buffer", node.attr):
            name = ast.unparse(node)
            if _WRITES.fullmatch(name):
                yield name
        elif isinstance(node, ast.ImportFrom) and node.module == "click":
            yield "from click"
        elif isinstance(node, ast.ImportFrom) and node.module == "sys":
            yield "from sys"


def test_nothing_else_writes_to_the_terminal() -> None:
    found = {name: set(ways_out(tree)) for name, tree in modules()}
    assert {name: ways for name, ways in found.items() if ways - WAYS.get(name, set())} == {}


@pytest.mark.parametrize(
    "code",
    [
        "print('x')",
        "import click\nclick.echo('x')",
        "import click\nsay = click.secho",
        "from click import echo",
        "import sys\nsys.stdout.write('x')",
        "import sys\nsys.stderr.buffer.write(b'x')",
        "from sys import stdout",
    ],
)
def test_the_search_sees_other_ways(code: str) -> None:
    assert list(ways_out(ast.parse(code)))


def test_the_search_sees_no_way_where_there_is_none() -> None:
    assert not list(ways_out(ast.parse("import click\nclick.option('-x')\nsay('x')\nsys.stdin.isatty()")))
