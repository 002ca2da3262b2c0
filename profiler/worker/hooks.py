"""Put hooks on a pipeline for the length of a call, where they are neither compiled nor noticed by the pipeline."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable
from types import TracebackType
from typing import Any

Function = Callable[..., Any]
_MISSING = object()


def _like(function: Function, wrapper: Function) -> Function:
    """``wrapper`` with the name and the signature of ``function``, but without its other attributes: objects that can
    be called keep their state there.
    """
    return functools.wraps(function, updated=())(wrapper)


class _Copied:
    """A wrapper that is copied with the object whose attribute it is: around a copy of what it wraps."""

    def __init__(self, function: Function, around: Callable[[Function], Function]) -> None:
        self._function = function
        self._around = around
        self._call = around(function)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._call(*args, **kwargs)

    def __deepcopy__(self, memo: dict[int, Any]) -> Function:
        function = copy.deepcopy(self._function, memo)
        return _like(function, _Copied(function, self._around))


class Hooks:
    """Replaces attributes of objects and classes and puts the old ones back, last first, when the ``with`` block ends.

    What is wrapped already is not wrapped again: pipelines share components, and schedulers share classes.
    """

    def __init__(self) -> None:
        self._undo: list[Callable[[], None]] = []
        self._wrapped: list[tuple[Any, str]] = []  # holds the objects, so that no other one gets their identity

    def __enter__(self) -> Hooks:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.remove()

    def remove(self) -> None:
        while self._undo:
            self._undo.pop()()
        self._wrapped.clear()

    def wrap(self, owner: Any, name: str, around: Callable[[Function], Function]) -> None:
        """Put ``around(function)`` in the place of the method ``name`` of the object ``owner``.

        The wrapper looks like the function it wraps (functools.wraps): pipelines inspect signatures to decide which
        arguments to pass, and drop the generator when they don't find its name.
        """
        if self._known(owner, name):
            return
        function = getattr(owner, name)
        # Straight into __dict__: modules, compiled modules, configs and pipelines all have a __setattr__ of their own.
        attributes = vars(owner)
        self._undo.append(functools.partial(_restore, attributes, name, attributes.get(name, _MISSING)))
        attributes[name] = _like(function, around(function))

    def wrap_method(self, owner: Any, name: str, around: Callable[[Function], Function]) -> None:
        """Wrap the method ``name`` in the class of ``owner``, so that copies of the object made in between have it too.

        A wrapper in the object itself would be copied with it and still call the method of the original. What somebody
        has put into the object itself hides the class's method and is wrapped on top: ``around`` must bear that one
        call passes through several of its wrappers, as it does when a method calls its like in a base class.
        """
        kind = type(owner)
        if not self._known(kind, name):
            inherited = getattr(kind, name)
            self._undo.append(functools.partial(_restore_in_class, kind, name, vars(kind).get(name, _MISSING)))
            setattr(kind, name, _like(inherited, around(inherited)))
        if name in vars(owner):
            self.wrap(owner, name, lambda function: _Copied(function, around))

    def wrap_call(self, module: Any, around: Callable[[Function], Function]) -> None:
        """Wrap what calling the torch module ``module`` runs, outside of anything that torch.compile traces.

        - compiled in place (``module.compile()``): the compiled call itself, since ``forward`` is inside the graph;
        - an OptimizedModule: its own ``forward``, which enters the compiled code of the module inside;
        - anything else: ``forward``.
        """
        compiled_in_place = vars(module).get("_compiled_call_impl") is not None
        self.wrap(module, "_compiled_call_impl" if compiled_in_place else "forward", around)

    def _known(self, owner: Any, name: str) -> bool:
        if any(other is owner and key == name for other, key in self._wrapped):
            return True
        self._wrapped.append((owner, name))
        return False


def _restore(attributes: dict[str, Any], name: str, old: Any) -> None:
    if old is _MISSING:
        attributes.pop(name, None)
    else:
        attributes[name] = old


def _restore_in_class(kind: type, name: str, old: Any) -> None:
    if old is _MISSING:
        delattr(kind, name)
    else:
        setattr(kind, name, old)
