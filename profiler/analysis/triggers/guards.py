"""torch's text of a failed guard as values: what class of change it is, of what, from what to what.

torch writes these texts for people and changes their wording between versions. Every rule is anchored at both ends, so
a text that no rule knows stays ``other`` and is shown as it is. Texts of torch 2.6 to 2.15; up to 2.6 sources read
``L['x']`` where later versions have ``x``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache

from profiler.analysis.wholes import whole


@dataclass(frozen=True, slots=True)
class Guard:
    """A failed guard. ``expected`` is what the compiled entry was made for, ``actual`` what came; both as torch
    prints them, None where the text doesn't say.
    """

    cause: str  # a class of ``causes.CAUSES``
    plain_cause: str  # the same without regard to whose attribute it is about: ``lora`` may be a ``len``
    text: str  # its first line, without the entry's id and the comments
    entry: str | None = None  # the compile id of the entry whose guard it is
    source: str | None = None  # args[0], kwargs['scale'], self._modules['attn'].processor
    dim: int | None = None
    expected: str | None = None
    actual: str | None = None
    negated: bool = False  # the guard is that something isn't so
    of_stride: bool = False  # it is about a stride of ``source``, not about a size
    parameter: bool = False  # torch says that it failed on a parameter
    file: str | None = None  # the code that made the guard, as torch shortens it
    line: int | None = None
    function: str | None = None
    code: str | None = None
    stack: tuple[str, ...] = field(default=())  # "file:line in function", the outermost first


_READ = 8192  # characters of a text: a log may hold anything, and a worker tells 2048 at most
_SRC = r"(?P<source>.+?)"
_NAME = r"(?P<source>(?:[A-Za-z_]\w*)(?:\.\w+(?:\(\))?|\[(?:'[^']*'|\"[^\"]*\"|[^\[\]]*)\])*)"
_NUMBER = r"(?P<dim>\d+)"
_TYPE = r"(?:, type=<(?:class|enum) '(?P<expected>[^']+)'>?)?"
_PARAMETER = r"(?:\.? Guard failed on a parameter.*)?"

RULES: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (cause, re.compile(pattern, re.DOTALL))
    for cause, pattern in (
        # What the guard on a tensor argument says.
        (
            "tensor.size",
            (
                rf"tensor '{_SRC}' size mismatch at index {_NUMBER}\. expected (?P<expected>-?\d+),"
                rf" actual (?P<actual>-?\d+){_PARAMETER}"
            ),
        ),
        (
            "tensor.stride",
            (
                rf"tensor '{_SRC}' stride mismatch at index {_NUMBER}\. expected (?P<expected>-?\d+),"
                rf" actual (?P<actual>-?\d+){_PARAMETER}"
            ),
        ),
        (
            "tensor.rank",
            rf"tensor '{_SRC}' rank mismatch\. expected (?P<expected>\d+), actual (?P<actual>\d+){_PARAMETER}",
        ),
        (
            "tensor.dtype",
            rf"tensor '{_SRC}' dtype mismatch\. expected (?P<expected>\w+), actual (?P<actual>\w+){_PARAMETER}",
        ),
        (
            "tensor.device",
            (
                rf"tensor '{_SRC}' (?:Tensor )?device (?:index )?mismatch\b(?:\. Expected device index to be"
                rf" (?P<expected>-?\w+), actual (?P<actual>-?\w+)|\. expected (?P<was>\S+), actual (?P<now>\S+))?.*"
            ),
        ),
        (
            "tensor.grad",
            rf"tensor '{_SRC}' requires_grad mismatch\. expected requires_grad=(?P<expected>[01]){_PARAMETER}",
        ),
        (
            "tensor.dispatch",
            (
                rf"tensor '{_SRC}' dispatch key set mismatch\. expected DispatchKeySet\((?P<expected>.*?)\),"
                rf" actual DispatchKeySet\((?P<actual>.*?)\){_PARAMETER}"
            ),
        ),
        (
            "tensor.type",
            rf"expected type of '{_SRC}' to be a tensor type, '? but found <class '(?P<actual>[^']+)'>.*",
        ),
        # State outside the arguments.
        ("global.state", r"GLOBAL_STATE changed: (?P<actual>.*)"),
        ("torchfn.mode", r"___check_torch_function_mode_stack\(\)"),
        ("alias.new", r"Duplicate tensors? found(?:: \[(?P<source>.*)\]|\b.*)"),
        ("backend", r"BACKEND_MATCH failure.*"),
        ("unexpected", r"Unexpected recompilation.*"),
        ("deleted", r"Cache line invalidated because (?P<source>.+?) got deallocated.*"),
        # Identities and types of objects.
        ("obj.code_id", rf"___check_obj_id\({_SRC}\.__code__, \d+\){_TYPE}"),
        ("obj.id", rf"___check_obj_id\({_SRC}, \d+\){_TYPE}"),
        ("obj.type", rf"TYPE_MISMATCH\({_SRC}\)"),
        ("obj.type", rf"___check_(?:type_id|fake_script_type)\({_SRC}, \d+\){_TYPE}"),
        # Members of containers and attributes.
        ("module.forward", rf"(?P<negated>not )?___dict_contains\('(?P<expected>forward)', {_SRC}\.__dict__\)"),
        ("dict.contains", rf"(?P<negated>not )?___dict_contains\((?P<expected>.+?), {_SRC}\)"),
        ("dict.contains", rf"(?P<negated>not )?set\.__contains__\({_SRC}, (?P<expected>.+)\)"),
        ("dict.missing", rf"KeyError on {_SRC}"),
        ("dict.keys", rf"list\((?:dict\.)?(?:keys\()?{_SRC}(?:\.keys\(\))?\)+(?:\[\d+\])? == (?P<expected>.+)"),
        ("len", rf"(?P<negated>not )?len\({_SRC}\)(?: (?:==|!=) (?P<expected>\d+))?"),
        ("len", rf"___tuple_iterator_len\({_SRC}\) == (?P<expected>\d+)"),
        ("len", rf"(?P<negated>not ){_NAME}"),
        ("hasattr", rf"(?P<negated>not )?hasattr\({_SRC}, '(?P<expected>[^']+)'\)"),
        ("module.training", rf"{_NAME}\.training == (?P<expected>True|False)"),
        # Values.
        ("iter.range", rf"{_NAME}\.(?:start|stop|step) == (?P<expected>-?\d+)"),
        ("iter.range", rf"___normalize_(?:range|count)_iter\({_SRC}\) == (?P<expected>.+)"),
        ("none", rf"{_NAME} is (?P<negated>not )?None"),
        ("global.value", r"(?P<source>G\[.+?\]\S*) == (?P<expected>.+)"),
        ("alias.lost", rf"{_NAME} is (?P<expected>(?!not\b|None\b)[A-Za-z_][\w.\[\]'\"]*)"),
        ("tensor.dispatch", rf"{_NAME}\.raw_repr\(\) == (?:DispatchKeySet\()?(?P<expected>.+?)\)?\.raw_repr\(\)"),
        ("value", rf"{_NAME} == (?P<expected>(?!=).+)"),
        ("value", rf"(?:int|float|str|bool|complex)\({_SRC}\) == (?P<expected>.+)"),
        ("value", rf"\(type\({_SRC}\) is (?:float|complex) and __\w+_isnan\(.+\)\)"),
        # The guard itself could not be evaluated.
        ("guard.exception", r"'[\w.]+' object has no attribute '\w+'|(?:[A-Z]\w*)?(?:Error|Exception)\b.*"),
        ("guard.exception", r"'[\w.]+' object is not \w+"),
    )
)
"""Classes by the whole text of a guard, comments left out. The first that fits counts."""

_SYMBOLIC = re.compile(
    r"(?=.*(?:[=<>]|\bEq\(|\bNe\(|\bMod\())(?:.*?[\s(*/+-])??"
    r"(?P<source>[A-Za-z_][\w.\[\]'\"]*)\.(?P<measure>size|stride|storage_offset)\(\)(?:\[(?P<dim>\d+)\])?.*",
    re.DOTALL,
)
_HEAD = re.compile(r"(?:\[?(?P<entry>!?\d+/\d[\d/]*)\]?: )?(?P<body>.*)", re.DOTALL)
_STACK = re.compile(r"\nUser stack trace:\n?(?P<stack>.*)", re.DOTALL)
_FRAME = re.compile(r'File "([^"]+)", line (\d+), in (\S+)')
_PLACE = re.compile(r"# (?P<file>[^\s#]+):(?P<line>\d+) in (?P<function>\S+)")
# Looked for where blanks begin alone: from each of them on it would take a text of blanks seconds.
_COMMENT = re.compile(r"(?<!\s)\s+# ")
_HINT = re.compile(r"(?<!\s)\s*\(HINT:.*\Z", re.DOTALL)
_LOCALS = re.compile(r"\bL\[(?:'(\w+)'|\"(\w+)\")\]")
_PROCESSOR = re.compile(r"\bprocessor\Z")
_LORA = re.compile(r"\blora_|\bpeft\b|\.scaling\b|\bbase_layer\b|\b_?active_adapters?\b|\bmerged_adapters\b")


def entry_of(text: str) -> str | None:
    """The compile id of the entry that a reason is about."""
    head = _HEAD.match(text)
    return head["entry"] if head else None


@lru_cache(maxsize=8192)
def read(text: str) -> Guard:
    """The failed guard that ``text`` is about: one reason of a recompile, with or without the entry's id before it."""
    text = text[:_READ]
    head = _HEAD.match(text)
    body = head["body"] if head else text
    stack: tuple[str, ...] = ()
    found = _STACK.search(body) if "\nUser stack" in body else None
    if found:
        stack = tuple(f"{file}:{line} in {function}" for file, line, function in _FRAME.findall(found["stack"]))
        body = body[: found.start()]
    code, place = _placed(body) if " in " in body else ("", None)
    plain = _LOCALS.sub(lambda match: match[1] or match[2], body) if "L[" in body else body
    pieces = _COMMENT.split(plain, maxsplit=1)
    core = (_HINT.sub("", pieces[0]) if "(HINT" in pieces[0] else pieces[0]).strip()
    comment = pieces[1] if len(pieces) > 1 else ""
    plain_cause, values = _classified(core, comment)
    expected = values.get("expected") or values.get("was")
    return Guard(
        cause=_by_owner(plain_cause, values),
        plain_cause=plain_cause,
        text=(core or body).partition("\n")[0].strip(),
        entry=head["entry"] if head else None,
        source=values.get("source"),
        dim=whole(values.get("dim")),
        expected=expected.strip() if expected else None,
        actual=(values.get("actual") or values.get("now") or "").strip() or None,
        negated=bool(values.get("negated")),
        of_stride=values.get("measure") == "stride",
        parameter="Guard failed on a parameter" in body,
        file=place["file"] if place else None,
        line=whole(place["line"]) if place else None,
        function=place["function"] if place else None,
        code=" ".join(code.split()) or None if place else None,
        stack=stack,
    )


def _placed(body: str) -> tuple[str, re.Match[str] | None]:
    """The code that made the guard and where it is: a comment of its own behind the code's."""
    begin = _COMMENT.search(body)
    place = _PLACE.search(body, begin.end()) if begin else None
    return (body[begin.end() : place.start()], place) if begin and place else ("", None)


def _classified(core: str, comment: str) -> tuple[str, dict[str, str | None]]:
    symbolic = _SYMBOLIC.fullmatch(core) if "()" in core else None
    if symbolic is not None:
        values = dict(symbolic.groupdict())
        if "duck sizing" in comment:
            return "dup.size", {**values, "expected": core.rpartition("== ")[2] or None}
        if "0/1 specialization" in comment:
            return "sym.zero_one", {**values, "expected": core}
        if ".raw_repr()" not in core:
            return "sym.shape", {**values, "expected": core}
    for cause, pattern in RULES:
        match = pattern.fullmatch(core)
        if match is not None:
            return cause, dict(match.groupdict())
    return "other", {}


def _by_owner(cause: str, values: dict[str, str | None]) -> str:
    """``lora`` for a guard on what peft puts into a model, whatever it checks of it; ``processor`` for an attention
    processor's identity or type.
    """
    if cause in ("global.state", "backend", "unexpected", "guard.exception", "alias.new"):
        return cause
    if cause in ("obj.type", "obj.id", "obj.code_id") and _PROCESSOR.search(values.get("source") or ""):
        return "processor"
    where = f"{values.get('source') or ''} {values.get('expected') or ''} {values.get('actual') or ''}"
    return "lora" if _LORA.search(where) else cause
