"""Which module of the pipeline it is that is compiled."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import torch
from torch import nn

from profiler.events import CompileStarted
from profiler.subject import Denoiser, Piece, Subject, plain
from profiler.worker.compiles import CompileMonitor, modules_of
from profiler.worker.compiles.names import ModuleNames
from tests.worker.compiles.conftest import Events


def pipe_of(**parts: Any) -> Any:
    return SimpleNamespace(**parts, components=parts)


def test_what_a_user_compiled_beside_the_denoiser_has_its_name(monitor: CompileMonitor, events: Events) -> None:
    pipe = pipe_of(unet=nn.Linear(2, 2), vae=torch.compile(nn.Sequential(nn.Linear(3, 3)), backend="eager"), steps=4)
    monitor.name_modules(modules_of(plain(pipe, "unet")))
    pipe.vae(torch.zeros(1, 3))
    assert events.one(CompileStarted).fqn == "vae"


def test_the_parts_of_a_chain_are_told_by_their_loop() -> None:
    first, second = pipe_of(unet=nn.SiLU(), vae=nn.Linear(1, 1)), pipe_of(unet=nn.SiLU(), vae=nn.Linear(1, 1))
    pieces = [
        Piece(pipe, (Denoiser(f"{loop} unet", pipe, "unet"),), loop) for pipe, loop in ((first, "A"), (second, "B"))
    ]
    found = modules_of(Subject("chain", tuple(pieces), lambda arguments: None))
    assert list(found) == ["A unet", "B unet", "A vae", "B vae"]
    assert found["B vae"] is second.vae


def test_a_module_of_nobodys_is_looked_for_once() -> None:
    class Walked(nn.Linear):
        walks = 0

        def named_modules(self, *args: Any, **kwargs: Any) -> Any:
            self.walks += 1
            return super().named_modules(*args, **kwargs)

    root, stranger = Walked(1, 1), nn.SiLU()
    names = ModuleNames({"unet": root})
    assert [names.of(stranger) for _ in range(3)] == [None] * 3
    assert root.walks == 2
    names.name({"vae": stranger})
    assert names.of(stranger) == "vae"
