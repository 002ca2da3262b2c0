"""Every call, option and variable that a trigger's remedy names exists in torch, diffusers and accelerate."""

from __future__ import annotations

import importlib
import inspect
import os
import re
from typing import Any

import accelerate.utils
import diffusers
import torch._inductor

from tests.analysis.triggers.remedies import every_remedy

REMEDIES = every_remedy()
TEXT = "\n".join(REMEDIES)
_DOTTED = re.compile(r"\b(?:torch|accelerate|diffusers)(?:\.\w+)+")


def test_every_dotted_name_of_a_remedy_exists() -> None:
    names = sorted({name for text in REMEDIES for name in _DOTTED.findall(text)})
    assert len(names) > 12
    for name in names:
        assert exists(name), name


def exists(dotted: str) -> bool:
    """Whether a dotted name is a module, an attribute of one, or of what it holds."""
    parts = dotted.split(".")
    for end in range(len(parts), 0, -1):
        try:
            value: Any = importlib.import_module(".".join(parts[:end]))
        except ImportError:
            continue
        for part in parts[end:]:
            if not hasattr(value, part):
                return False
            value = getattr(value, part)
        return True
    return False


def test_every_method_of_a_pipeline_or_a_model_exists() -> None:
    models = (diffusers.UNet2DConditionModel, diffusers.FluxTransformer2DModel)
    methods = set(re.findall(r"pipe\.(?:unet|\w+)\.(\w+)\(", TEXT))
    assert {"compile_repeated_blocks", "set_attn_processor", "eval", "requires_grad_", "to"} <= methods
    for name in methods:
        assert all(hasattr(model, name) for model in models), name
    for name in set(re.findall(r"pipe\.(\w+)\(", TEXT)):
        assert hasattr(diffusers.StableDiffusionPipeline, name), name
    for name in set(re.findall(r"(?:tensor|latents)\.(\w+)\(", TEXT)):
        assert name == "tensor" or hasattr(torch.Tensor, name), name


def test_every_argument_and_variable_of_a_remedy_exists() -> None:
    own = set(inspect.signature(torch.compile).parameters)
    asked_for = {name for arguments in re.findall(r"torch\.compile\(([^()]*)\)", TEXT) for name in keywords(arguments)}
    assert {"dynamic", "isolate_recompiles", "fullgraph"} <= asked_for
    assert asked_for <= own
    for function in ("compile_repeated_blocks", "compile_regions"):
        given = {name for one in re.findall(rf"{function}\(([^()]*)\)", TEXT) for name in keywords(one)}
        assert given <= own  # both hand them on to torch.compile
    assert "compile_kwargs" in inspect.signature(accelerate.utils.compile_regions).parameters
    hotswap = inspect.signature(diffusers.UNet2DConditionModel.enable_lora_hotswap).parameters
    assert "target_rank" in hotswap
    assert "hotswap" in inspect.signature(diffusers.StableDiffusionPipeline.load_lora_weights).parameters
    assert "guidance_scale" in inspect.signature(diffusers.StableDiffusionPipeline.__call__).parameters
    for name in set(re.findall(r"\bTORCH\w+", TEXT)):
        assert named_in_torch(name), name


def keywords(arguments: str) -> list[str]:
    return re.findall(r"(\w+)=", arguments)


def named_in_torch(variable: str) -> bool:
    """Whether torch's sources read an environment variable of that name."""
    folder = os.path.dirname(torch._inductor.__file__)
    files = (os.path.join(folder, name) for name in os.listdir(folder) if name.endswith(".py"))
    runtime = (os.path.join(folder, "runtime", name) for name in os.listdir(os.path.join(folder, "runtime")))
    for path in (*files, *(one for one in runtime if one.endswith(".py"))):
        with open(path, encoding="utf-8") as file:
            if variable in file.read():
                return True
    return False
