"""Put hooks on a pipeline for the length of a call, where they are neither compiled nor noticed by the pipeline."""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import TracebackType
from typing import Any

Function = Callable[..., Any]
_MISSING = object()


class Hooks:
    """Replaces attributes of objects and puts the old ones back, last first, when the ``with`` block ends."""

    def __init__(self) -> None:
        self._replaced: list[tuple[dict[str, Any], str, Any]] = []

    def __enter__(self) -> Hooks:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.remove()

    def remove(self) -> None:
        while self._replaced:
            attributes, name, old = self._replaced.pop()
            if old is _MISSING:
                attributes.pop(name, None)
            else:
                attributes[name] = old

    def wrap(self, owner: Any, name: str, around: Callable[[Function], Function]) -> None:
        """Put ``around(function)`` in the place of the method ``name`` of the object ``owner``.

        The wrapper looks like the function it wraps (functools.wraps): pipelines inspect signatures to decide which
        arguments to pass, and drop the generator when they don't find its name.
        """
        function = getattr(owner, name)
        # Straight into __dict__: modules, compiled modules, configs and pipelines all have a __setattr__ of their own.
        attributes = vars(owner)
        self._replaced.append((attributes, name, attributes.get(name, _MISSING)))
        attributes[name] = functools.wraps(function)(around(function))

    def wrap_call(self, module: Any, around: Callable[[Function], Function]) -> None:
        """Wrap what calling the torch module ``module`` runs, outside of anything that torch.compile traces.

        - compiled in place (``module.compile()``): the compiled call itself, since ``forward`` is inside the graph;
        - an OptimizedModule: its own ``forward``, which enters the compiled code of the module inside;
        - anything else: ``forward``.
        """
        compiled_in_place = vars(module).get("_compiled_call_impl") is not None
        self.wrap(module, "_compiled_call_impl" if compiled_in_place else "forward", around)
