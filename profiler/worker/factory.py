"""The user's own code: ``FILE.py:FUNCTION`` returns the pipeline that is measured."""

from __future__ import annotations

import importlib.util
import inspect
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch

from profiler.catalog.build import Report
from profiler.catalog.errors import BuildError, first_line, told
from profiler.request import Workload
from profiler.subject import Piece, Subject
from profiler.worker.foreign import made_up, silence, subject
from profiler.worker.signature import dtype_of, not_taken, takes

MODULE = "_stepscope_factory"
WANTED = "a pipeline, (pipeline, arguments) or (pipeline, [arguments, ...]), where arguments is a dict"


def load(workload: Workload, device: str, report: Report) -> Subject:
    """What the function of ``workload.origin``, FILE.py:FUNCTION with an absolute path, returns, on ``device``.

    The function is called with those of ``device`` (a torch.device), ``dtype`` (a torch.dtype), ``size`` and ``seed``
    that it has parameters of the name for, inside this process: the file's folder comes first in ``sys.path``. A list
    of call arguments becomes the subject's turns. Raises BuildError, which names the function, and Unsupported for a
    pipeline without denoisers; torch.OutOfMemoryError and MemoryError pass through. The traceback of what the function
    raised goes to stderr.
    """
    origin = str(workload.origin)
    file, _, name = origin.rpartition(":")
    short = f"{Path(file).name}:{name}"
    report(short, 0, 1)
    pipe, given, turns = _returned(_run(file, name, short, workload, device), short)
    _check_arguments(pipe, [given, *turns], short)
    _place(pipe, device, short)
    report("", 1, 1)
    silence(pipe)
    # A picture that some of the turns lack is made up for those.
    always = set.intersection(*(set(turn) for turn in turns)) if turns else set()
    found = subject(workload.pipeline, pipe, made_up(pipe, {*given, *workload.call, *always}))
    notes = found.notes + _notes(pipe, workload, short)
    piece = Piece(pipe, found.denoisers, given=given)
    return Subject(found.name, (piece,), _call(pipe, [given, *turns]), notes, turns)


# --- running it -------------------------------------------------------------------------------------------------------


def _run(file: str, name: str, short: str, workload: Workload, device: str) -> Any:
    # Files that read their command line find an empty one, not the worker's.
    sys.argv = [file]
    try:
        module = _module(file)
    except (torch.OutOfMemoryError, MemoryError):
        raise
    except (Exception, SystemExit) as error:
        raise _failed(short, "importing the file failed", error) from error
    try:
        function = getattr(module, name)
    except AttributeError:
        raise BuildError(f"{short}: the file has no function {name!r}") from None
    if not callable(function):
        raise BuildError(f"{short}: {name!r} is a {type(function).__name__}, not a function")
    offered = {
        "device": torch.device(device),
        "dtype": dtype_of(workload),
        "size": workload.size,
        "seed": workload.seed,
    }
    try:
        known = inspect.signature(function).parameters
        function_arguments = {key: value for key, value in offered.items() if key in known}
        inspect.signature(function).bind(**function_arguments)
    except (TypeError, ValueError) as error:
        raise BuildError(
            f"{short}: the function can't be called: {error} (it is given those of {', '.join(offered)} that it takes)"
        ) from error
    try:
        return function(**function_arguments)
    except (torch.OutOfMemoryError, MemoryError):
        raise
    except (Exception, SystemExit) as error:
        raise _failed(short, "the function failed", error) from error


def _module(file: str) -> Any:
    path = Path(file)
    if not path.is_file():
        raise BuildError(f"there is no file {file}")
    folder = str(path.parent)
    if folder in sys.path:
        sys.path.remove(folder)
    sys.path.insert(0, folder)
    spec = importlib.util.spec_from_file_location(MODULE, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[MODULE] = module  # as for every import: dataclasses and pickle look their module up
    spec.loader.exec_module(module)
    return module


def _failed(short: str, what: str, error: BaseException) -> BuildError:
    if isinstance(error, BuildError):
        return error
    traceback.print_exception(error)
    return BuildError(f"{short}: {what}: {told(error)}")


# --- what it returned -------------------------------------------------------------------------------------------------


def _returned(result: Any, short: str) -> tuple[Any, dict[str, Any], tuple[dict[str, Any], ...]]:
    """The pipeline, the arguments of every call, and those of the calls in turn."""
    from diffusers import DiffusionPipeline

    pipe, arguments = result if isinstance(result, tuple) and len(result) == 2 else (result, {})
    if not isinstance(pipe, DiffusionPipeline):
        raise BuildError(f"{short} returned {_described(result)}: it must return {WANTED}")
    try:
        _ = pipe.components
    except ValueError as error:
        raise BuildError(
            f"{short} returned a {type(pipe).__name__} with other components than its class takes: diffusers wants them"
            " to be the same"
        ) from error
    if _is_arguments(arguments):
        return pipe, dict(arguments), ()
    if isinstance(arguments, list | tuple) and arguments and all(_is_arguments(one) for one in arguments):
        return pipe, {}, tuple(dict(one) for one in arguments)
    raise BuildError(f"{short} returned a pipeline and {_described(arguments)}: it must return {WANTED}")


def _is_arguments(value: Any) -> bool:
    return isinstance(value, Mapping) and all(isinstance(name, str) for name in value)


def _described(value: Any) -> str:
    if value is None:
        return "None"
    if isinstance(value, list | tuple):
        kinds = ", ".join(type(one).__name__ for one in value[:4])
        return f"a {type(value).__name__} of {len(value)} ({kinds})" if value else f"an empty {type(value).__name__}"
    return f"a {type(value).__name__}"


def _check_arguments(pipe: Any, several: list[dict[str, Any]], short: str) -> None:
    for arguments in several:
        for name in arguments:
            if not takes(pipe, name):
                raise BuildError(f"{short} gave the argument {name!r}: {not_taken(name, [pipe])}")


def _place(pipe: Any, device: str, short: str) -> None:
    """Bring the pipeline to the device, unless its own hooks (offloading, a device map) do that."""
    hooked = getattr(pipe, "_all_hooks", None) or getattr(pipe, "hf_device_map", None)
    group = any(getattr(one, "_diffusers_hook", None) for one in pipe.components.values())
    if hooked or group or pipe.device.type == torch.device(device).type:
        return
    try:
        pipe.to(device)
    except (ValueError, NotImplementedError) as error:
        raise BuildError(f"{short}: the pipeline can't be put on {device}: {first_line(error)}") from error


def _notes(pipe: Any, workload: Workload, short: str) -> list[tuple[str, str]]:
    notes = []
    if pipe.dtype is not dtype_of(workload):
        own = str(pipe.dtype).removeprefix("torch.")
        notes.append(("factory-dtype", f"the pipeline computes in {own}, as {short} made it, not in {workload.dtype}"))
    if already_compiled(pipe):
        text = f"{short} compiled something itself: no-compile leaves it so, the other variants compile denoisers anew"
        notes.append(("factory-compiled", text))
    return notes


def already_compiled(pipe: Any) -> bool:
    """Whether a module of ``pipe`` was compiled before stepscope touched it."""
    optimized = torch._dynamo.eval_frame.OptimizedModule
    modules = (
        module for one in pipe.components.values() if isinstance(one, torch.nn.Module) for module in one.modules()
    )
    return any(isinstance(module, optimized) or module._compiled_call_impl is not None for module in modules)


# --- calling it -------------------------------------------------------------------------------------------------------


def _call(pipe: Any, several: list[dict[str, Any]]) -> Callable[[Mapping[str, Any]], Any]:
    """A call with every generator that the function gave set back: all calls draw the same noise."""
    states = [(generator, generator.get_state()) for arguments in several for generator in _generators(arguments)]

    def call(arguments: Mapping[str, Any]) -> Any:
        for generator, state in states:
            generator.set_state(state)
        return pipe(**arguments)

    return call


def _generators(arguments: Mapping[str, Any]) -> Iterator[torch.Generator]:
    for value in arguments.values():
        for one in value if isinstance(value, list | tuple) else (value,):
            if isinstance(one, torch.Generator):
                yield one
