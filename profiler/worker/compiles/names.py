"""Qualified names of the modules of a pipeline: which ``BasicTransformerBlock`` is being compiled."""

from __future__ import annotations

import weakref
from collections.abc import Mapping

from torch import nn

from profiler.subject import Subject

_WRAPPER = "_orig_mod"  # torch.compile's OptimizedModule keeps the original under this name


def modules_of(subject: Subject) -> dict[str, nn.Module]:
    """The modules of a subject's pipelines by name. Denoisers have their labels; the rest may be compiled by a user."""
    found: dict[str, nn.Module] = {}
    for piece in subject.pieces:
        # Not ``pipe.components``, which raises where a pipeline's attributes aren't what its signature says.
        components = getattr(piece.pipe, "__dict__", {})
        prefix = f"{piece.loop} " if len(subject.pieces) > 1 else ""
        found |= {f"{prefix}{name}": part for name, part in components.items() if isinstance(part, nn.Module)}
    denoisers = {denoiser.label: denoiser.module for denoiser in subject.denoisers}
    known = {id(module) for module in denoisers.values()}
    return {**denoisers, **{name: module for name, module in found.items() if id(module) not in known}}


class ModuleNames:
    """Finds a module's name within the pipeline: "unet.down_blocks.0.attentions.0".

    Holds no module alive. Names are looked up by identity; a module that isn't known makes the components be walked
    again, since regional compilation, adapters and hooks replace modules after the pipeline was built.
    """

    def __init__(self, components: Mapping[str, nn.Module]) -> None:
        self._components: dict[str, weakref.ref[nn.Module]] = {}
        self._known: dict[int, tuple[weakref.ref[nn.Module], str]] = {}
        self._strangers: dict[int, weakref.ref[nn.Module]] = {}  # walking to find that out takes a while
        self.name(components)

    def name(self, components: Mapping[str, nn.Module]) -> None:
        """Add ``components``; one with a known name replaces it."""
        for name, module in components.items():
            self._components[name] = weakref.ref(module)
        self._strangers.clear()
        self._walk()

    def roots(self) -> list[nn.Module]:
        """The components that are still there."""
        return [module for reference in self._components.values() if (module := reference()) is not None]

    def of(self, module: nn.Module) -> str | None:
        """The module's name, or None where it belongs to no component."""
        found = self._lookup(module)
        if found is None and self._components and not self._is_stranger(module):
            self._walk()
            found = self._lookup(module)
            if found is None:
                self._strangers[id(module)] = weakref.ref(module)
        return found

    def _is_stranger(self, module: nn.Module) -> bool:
        reference = self._strangers.get(id(module))
        return reference is not None and reference() is module

    def _lookup(self, module: nn.Module) -> str | None:
        entry = self._known.get(id(module))
        # An id is used again once its object is gone.
        return entry[1] if entry is not None and entry[0]() is module else None

    def _walk(self) -> None:
        known: dict[int, tuple[weakref.ref[nn.Module], str]] = {}
        for component, reference in self._components.items():
            root = reference()
            if root is None:
                continue
            for name, module in root.named_modules():
                parts = [component, *(part for part in name.split(".") if part and part != _WRAPPER)]
                known.setdefault(id(module), (weakref.ref(module), ".".join(parts)))
        self._known = known
