"""The ways by which text could reach the terminal: read from the source, and each of them is one that is known.

Textual's widgets read bare strings as markup, in which a name runs actions, and its notices, tips and titles do too.
Nothing here uses them: panels paint their own rows (`tui.panels.lines`, `tui.charts.widget`), and what they are given
goes through one gate (`tui.painting`).
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = sorted((ROOT / "tui").rglob("*.py"))

WIDGETS = {
    "tui/screens/base.py": {"Static"},
    "tui/screens/palette.py": {"Input"},
    "tui/panels/triggers/title.py": {"Input"},
}
"""Textual's own widgets, and where: a word on a terminal that is too small, and two lines that one types in."""

PAINTERS = {"tui/panels/lines.py", "tui/charts/widget.py"}
"""What makes segments of text."""

STYLES = {"tui/theme.py", "tui/charts/widget.py"}
"""What makes styles of words."""

WRITERS = {"tui/wired.py", "tui/link.py"}
"""What writes to the terminal."""

SPEAKERS = {"tui/echo.py"}
"""What writes to standard output and standard error."""

MARKED = {"from_markup", "from_ansi", "from_rich_text", "render_markup", "render_str", "escape_markup", "emoji_replace"}
SAID = {"notify", "panic", "push_notification", "set_window_title"}
TEXTS = {"border_title", "border_subtitle", "tooltip", "title", "sub_title", "loading", "visual", "label"}
"""Attributes of Textual's widgets and screens that show text, as markup."""

READERS_OF_MARKUP = {"rich.markup", "textual.markup", "textual.content", "textual.visual", "textual.notifications"}
RICH_TEXT = {"tui/app.py"}
"""Where `rich.text.Text` is used: in the report of a mistake of ours."""

Fault = tuple[int, str]


def faults(source: str, path: str = "tui/somewhere.py") -> list[str]:
    """What in ``source`` could show text by another way than those that are known, with its line."""
    tree = ast.parse(source)
    found = [fault for node in ast.walk(tree) for fault in _of(node, path)]
    return [f"{path}:{line}: {what}" for line, what in sorted(found)]


def _of(node: ast.AST, path: str) -> Iterator[Fault]:
    if isinstance(node, ast.ImportFrom):
        yield from _imported(node, path)
    elif isinstance(node, ast.Import):
        yield from ((node.lineno, f"imports {one.name} whole") for one in node.names if _reads_text(one.name))
    elif isinstance(node, ast.Call):
        yield from _called(node, path)
    elif isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        for target in targets:
            if isinstance(target, ast.Attribute) and target.attr in TEXTS:
                yield node.lineno, f"sets {target.attr}"
    elif isinstance(node, ast.FunctionDef) and node.name == "render" and node.args.args[:1]:
        if node.args.args[0].arg == "self":
            yield node.lineno, "render: a str that it gives is markup; render_line gives a strip"
    elif isinstance(node, ast.JoinedStr):
        yield from _joined(node, path)


def _reads_text(module: str) -> bool:
    return module in READERS_OF_MARKUP or module == "rich" or module.split(".")[:2] == ["textual", "widgets"]


def _imported(node: ast.ImportFrom, path: str) -> Iterator[Fault]:
    module, names = node.module or "", {one.name for one in node.names}
    if module.split(".")[:2] == ["textual", "widgets"]:
        for name in sorted(names - WIDGETS.get(path, set())):
            yield node.lineno, f"uses the widget {name}"
    elif _reads_text(module) or (module in ("textual", "rich") and names & {"widgets", "markup", "content", "print"}):
        yield node.lineno, f"imports from {module}, which reads markup"
    elif module == "rich.text" and path not in RICH_TEXT:
        yield node.lineno, "uses rich.text"
    elif module == "rich.segment" and path not in PAINTERS | {"tui/painting.py"}:
        yield node.lineno, "makes segments"


def _called(node: ast.Call, path: str) -> Iterator[Fault]:
    name = _name(node.func)
    last = name.rpartition(".")[2]
    if last in MARKED:
        yield node.lineno, f"{last} reads markup"
    if last in SAID and (node.args or node.keywords):  # a condition's notify has nothing to say
        yield node.lineno, f"{last} is Textual's way to say something"
    if last == "Segment" and path not in PAINTERS:
        yield node.lineno, "makes a segment"
    if name in ("Style", "Style.parse", "Style.from_meta", "Style.on", "Style.from_color") and path not in STYLES:
        yield node.lineno, f"{name} makes a style"
    if name == "print" or name.endswith(("console.print", "console.out", "click.secho")):
        yield node.lineno, f"{name} writes"
    if name == "click.echo" and path not in SPEAKERS:
        yield node.lineno, "click.echo writes; tui.echo does it"
    if name.endswith(("stdout.write", "stderr.write", "driver.write", "_file.write")) and path not in WRITERS:
        yield node.lineno, f"{name} writes"
    for given in node.keywords:
        literal = isinstance(given.value, ast.Constant)
        if given.arg in ("markup", "highlight", "emoji") and not (literal and given.value.value is False):  # type: ignore[attr-defined]
            yield node.lineno, f"{given.arg}= is not False"
        if given.arg in ("placeholder", "tooltip", "border_title") and not literal:
            yield node.lineno, f"{given.arg}= is not a text of ours"


def _joined(node: ast.JoinedStr, path: str) -> Iterator[Fault]:
    """Words of styles with something in them that may be a log's."""
    before = ""
    for part in node.values:
        if isinstance(part, ast.Constant):
            before = str(part.value)
        elif before.endswith(("series:", "link ")) and path != "tui/charts/palette.py":
            yield node.lineno, f"{before}{{...}}: series_word makes words of names"


def _name(node: ast.expr) -> str:
    """As it is written, without what is called or looked up in between: "self.app.notify"."""
    if isinstance(node, ast.Attribute):
        return f"{_name(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else "?"


def test_no_text_reaches_the_terminal_by_another_way_than_those_that_are_known() -> None:
    assert len(MODULES) > 100
    found = [fault for path in MODULES for fault in faults(path.read_text("utf-8"), path.relative_to(ROOT).as_posix())]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("path", sorted({*WIDGETS, *PAINTERS, *STYLES, *SPEAKERS, *RICH_TEXT}))
def test_what_is_allowed_somewhere_is_used_there(path: str) -> None:
    assert faults((ROOT / path).read_text("utf-8"), "tui/elsewhere.py")


@pytest.mark.parametrize(
    "source",
    [
        "from textual.widgets import Label",
        "from textual.widgets import Static",
        "from textual.widgets._tree import Tree",
        "import textual.widgets",
        "from textual import widgets",
        "from rich.markup import render",
        "from rich import print",
        "from textual.content import Content",
        "from rich.text import Text",
        "Text.from_markup(name)",
        "Static(name)\nStatic(name, markup=True)",
        "Static(name, markup=wanted)",
        "self.notify(name)",
        "self.app.notify(name, severity='error')",
        "self.border_title = name",
        "self.screen.title: str = name",
        "self.tooltip = name",
        "Input(placeholder=name)",
        "Segment(name)",
        "Style.parse(name)",
        "Style(link=name)",
        "print(name)",
        "click.echo(name)",
        "sys.stdout.write(name)",
        "self.app._driver.write(name)",
        "console.print(name)",
        "def render(self):\n    return name",
        "style = f'series:{variant}'",
        "style = f'bold series:{variant}'",
    ],
)
def test_a_way_that_is_not_known_is_found(source: str) -> None:
    assert faults(source)


@pytest.mark.parametrize(
    "source",
    [
        "Input(placeholder='a word')",
        "style = series_word(variant)",
        "style = f'series:further-{number}'",
        "def render_line(self, y):\n    return strip",
        "parts = [(safe.line(name), 'bold')]",
    ],
)
def test_what_is_ours_is_none(source: str) -> None:
    assert not faults(source)
