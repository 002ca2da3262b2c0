"""Which of a frame's compiled entries should have matched.

torch keeps its entries by code object, and code is shared: by the blocks of a model, by every model whose forward has
the same decorator, by all leaf modules that were compiled one by one. A call that fits no entry fails a guard of each,
most of them other modules' entries that never had a chance.
"""

from __future__ import annotations

import weakref
from dataclasses import dataclass

from torch import nn

from profiler.worker.compiles import arguments, guards
from profiler.worker.compiles.arguments import Outline
from profiler.worker.compiles.frames import Target


@dataclass(frozen=True, slots=True)
class Owner:
    """What an entry was compiled for. The module isn't kept alive by it."""

    module: weakref.ref[nn.Module] | None
    kind: type | None
    outline: Outline  # of the call


class Owners:
    """The owners of all entries since dynamo's last reset, by compile id."""

    def __init__(self) -> None:
        self._owners: dict[str, Owner] = {}

    def remember(self, identifier: str, target: Target) -> None:
        module = target.module
        reference = None if module is None else weakref.ref(module)
        kind = None if module is None else type(module)
        self._owners[identifier] = Owner(reference, kind, arguments.outline(target))

    def forget(self) -> None:
        self._owners.clear()

    def outline(self, reason: str) -> Outline | None:
        """The call that the entry of ``reason`` was compiled for."""
        owner = self._owners.get(guards.entry(reason) or "")
        return None if owner is None else owner.outline

    def matched(self, reasons: list[str], module: nn.Module | None) -> int:
        """The index of the reason of the entry that should have matched.

        torch tells the most recently used entry first (it moves one to the front when it fits). That is the one, of
        those that were compiled for the very same module; where there is none, for a module of the same class.
        """
        if module is None:
            return 0
        owners = [self._owners.get(guards.entry(reason) or "") for reason in reasons]
        for place, owner in enumerate(owners):
            if owner is not None and owner.module is not None and owner.module() is module:
                return place
        for place, owner in enumerate(owners):
            if owner is not None and owner.kind is type(module):
                return place
        return 0
