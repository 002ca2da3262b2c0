"""Which blocks of a model repeat, so that compiling one of them serves all: what regional-compile compiles."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Any

_BLOCK = re.compile(r"Transformer\w*Block")
_ATTENTION = re.compile(r"Attn|Attention")


def declared_blocks(module: Any) -> tuple[str, ...]:
    """The classes in the model's ``_repeated_blocks`` of which it has any. Some models name classes they don't hold."""
    return present(module, getattr(module, "_repeated_blocks", None) or ())


def present(module: Any, classes: Iterable[str]) -> tuple[str, ...]:
    """Those of ``classes`` (names) of which ``module`` has a submodule."""
    inside = {type(child).__name__ for child in module.modules()}
    return tuple(name for name in classes if name in inside)


def repeated_blocks(module: Any) -> tuple[str, ...]:
    """The classes of submodules that repeat in ``module``, found by looking; () where there are none.

    Blocks are what fills a ``ModuleList`` with one class of module and occurs at least twice in the model. Transformer
    blocks come first; where there are none, blocks that hold (or are) attention; else any: resnets differ in their
    widths, and every width is compiled anew. Of blocks within blocks the outer ones.
    """
    candidates = _candidates(module)
    for suits in (_is_transformer_block, _holds_attention, _is_any):
        chosen = {name for name, example in candidates.items() if suits(example)}
        if chosen:
            return tuple(sorted(_outermost(module, chosen)))
    return ()


def count(module: Any, classes: Iterable[str]) -> Counter[str]:
    """How many submodules of each of ``classes`` there are."""
    wanted = set(classes)
    return Counter(type(child).__name__ for child in module.modules() if type(child).__name__ in wanted)


def _candidates(module: Any) -> dict[str, Any]:
    """One submodule of every class that repeats, by the class's name."""
    from torch.nn import ModuleList

    found: dict[str, Any] = {}
    for child in module.modules():
        if not isinstance(child, ModuleList) or len({type(entry) for entry in child}) != 1:
            continue
        if not type(child[0]).__module__.startswith("torch."):  # a list of convolutions, say, is none of blocks
            found.setdefault(type(child[0]).__name__, child[0])
    counts = count(module, found)
    return {name: example for name, example in found.items() if counts[name] > 1}


def _is_transformer_block(block: Any) -> bool:
    return bool(_BLOCK.search(type(block).__name__))


def _holds_attention(block: Any) -> bool:
    return any(_ATTENTION.search(type(child).__name__) for child in block.modules())


def _is_any(block: Any) -> bool:
    return any(True for _ in block.parameters())


def _outermost(module: Any, classes: set[str]) -> set[str]:
    """Those of ``classes`` that occur outside of the others."""
    found: set[str] = set()
    waiting = list(module.children())
    while waiting:
        child = waiting.pop()
        if type(child).__name__ in classes:
            found.add(type(child).__name__)
        else:
            waiting.extend(child.children())
    return found
