"""Changes to the model, to torch as a whole and to how it is compiled, and what should be said of each."""

from __future__ import annotations

import torch
from accelerate.hooks import ModelHook, add_hook_to_module
from diffusers.models.attention_processor import AttnProcessor

from tests.worker.triggers.acts import (
    ONE,
    Change,
    T,
    adapter,
    another_backend,
    broken,
    call,
    other_scale,
    plain,
    rebuilt,
    regions,
    rows,
    settings,
    weaker,
    within,
)
from tests.worker.triggers.expected import ANY, Says, state, value
from tests.worker.triggers.models import Kinds, Printing, attending, unet

CHANGES = (
    # --- the model ---------------------------------------------------------------------------------------------------
    Change(
        "train()",
        (call(), lambda loop: loop.module.train(), call()),
        [
            Says(
                cause="module.training",
                expected="False",
                actual="True",
                says="dropout is in train mode",
                remedy=r"unet\.eval\(\)",
                owed=False,
            )
        ],
        unet,
    ),
    Change(
        "another attention processor",
        (call(), lambda loop: loop.module.set_attn_processor(AttnProcessor()), call()),
        [
            Says(
                cause="processor",
                expected="AttnProcessor2_0",
                actual="AttnProcessor",
                says=r"processor of .*attn1 is AttnProcessor now .*AttnProcessor2_0",
                remedy="before compiling.*set_attn_processor",
                owed=False,
            )
        ],
        attending,
    ),
    Change(
        "FreeU",
        (call(), lambda loop: loop.module.enable_freeu(0.9, 0.2, 1.2, 1.4), call()),
        [
            Says(
                cause="hasattr",
                actual=ANY,
                says=r"up_blocks\.0.* s1",
                remedy="before compiling",
                owed=False,
            )
        ],
        unet,
    ),
    Change(
        "a hook after compiling",
        (call(), lambda loop: add_hook_to_module(loop.module.conv_in, ModelHook()), call()),
        [
            Says(
                cause="module.forward",
                actual=ANY,
                says="forward of conv_in was replaced",
                remedy="before compiling",
                owed=False,
            )
        ],
        unet,
        {"fullgraph": False},
    ),
    Change(
        "an attribute",
        (plain(rows(), T), weaker, plain(rows(), T)),
        [value(None, "1.0", "0.5", "strength 1.0 → 0.5", remedy="strength", owed=False)],
    ),
    Change(
        "a global",
        (plain(rows(), T), other_scale, plain(rows(), T)),
        [
            Says(
                cause="global.value",
                expected="2.0",
                actual="5.0",
                says=r"^SCALE 2\.0 → 5\.0",
                remedy=r"\bSCALE\b",
                owed=False,
            )
        ],
    ),
    Change(
        "LoRA after compiling, then a second one",
        (
            lambda loop: loop.module.requires_grad_(False),
            call(),
            adapter("one"),
            call(),
            adapter("two"),
            call(),
        ),
        [
            Says(cause="lora", actual=ANY, expected=ANY, says="LoRA|adapter", remedy="enable_lora_hotswap", owed=False)
            for _ in range(2)
        ],
        attending,
    ),
    # --- torch as a whole --------------------------------------------------------------------------------------------
    Change(
        "autocast",
        (plain(rows(), T), within(lambda: torch.autocast("cpu", torch.bfloat16), plain(rows(), T))),
        [state("autocast", "autocast")],
    ),
    Change(
        "grad mode",
        (plain(rows(), T), within(torch.enable_grad, plain(rows(), T))),
        [state("grad mode|grad_mode", "no_grad|inference_mode")],
    ),
    Change(
        "threads",
        (plain(rows(), T), settings(torch.set_num_threads, 3), plain(rows(), T)),
        [state("threads", "set_num_threads")],
    ),
    Change(
        "matmul precision",
        (plain(rows(), T), settings(torch.set_float32_matmul_precision, "high"), plain(rows(), T)),
        [state("tf32|matmul", "set_float32_matmul_precision")],
    ),
    Change(
        "default dtype",
        (plain(rows(), T), settings(torch.set_default_dtype, torch.float64), plain(ONE, T)),
        [state("default (d?type|data type)", "set_default_dtype")],
    ),
    Change(
        "deterministic algorithms",
        (plain(rows(), T), settings(torch.use_deterministic_algorithms, True), plain(rows(), T)),
        [state("deterministic", "use_deterministic_algorithms")],
    ),
    Change(
        "default device",
        (plain(rows(), T), settings(torch.set_default_device, "cpu"), plain(rows(), T)),
        [
            Says(
                cause="torchfn.mode",
                actual=ANY,
                says="default device|function mode",
                remedy="set_default_device",
                owed=False,
            )
        ],
    ),
    # --- compiling itself --------------------------------------------------------------------------------------------
    Change(
        "a print in the forward",
        (plain(rows()),),
        [Says(cause="break", kind="break", actual=ANY, says="print", remedy=r"models\.py:\d+", owed=False)],
        Printing,
        {"fullgraph": False},
    ),
    Change(
        "a backend that raises",
        (another_backend(broken), plain(rows(), T)),
        [Says(cause="failure", kind="failure", blame=ANY, actual=ANY, says="boom", owed=False)],
        raises=Exception,
    ),
    Change(
        "another backend",
        (plain(rows(), T), another_backend("aot_eager"), plain(rows(), T)),
        [Says(cause="backend", actual=ANY, says="backend.*eager.*aot_eager", remedy="reset", owed=False)],
    ),
    Change("the model deleted and built anew", (plain(rows(), T), rebuilt, plain(rows(), T)), []),
    Change(
        "the recompile limit, then eager",
        tuple(plain(rows(count), T) for count in (2, 3, 4, 5, 2)),
        [
            Says(
                cause="tensor.size",
                argument="sample",
                dimension="batch",
                expected="2",
                actual="3",
                says="sample batch 2 → 3",
                remedy="dynamic=False",
            ),
            Says(
                cause="tensor.size",
                kind="limit",
                argument="sample",
                dimension="batch",
                expected=ANY,
                actual="4",
                says="limit.* 2",
                remedy="recompile_limit|--recompile-limit",
            ),
            Says(
                cause="eager",
                kind="eager",
                actual=ANY,
                says="eager",
                remedy="recompile_limit|--recompile-limit",
                owed=False,
            ),
        ],
        compilation={"fullgraph": False, "dynamic": False, "recompile_limit": 2},
    ),
    Change(
        "layers of torch.nn compiled one by one",
        (regions, plain(rows()), plain(rows())),
        [
            Says(
                cause="shared.code",
                blame="artefact",
                module="SiLU",
                fqn="unet.second",
                actual=ANY,
                says="SiLU",
                owed=False,
            ),
            Says(
                cause="shared.code",
                blame="artefact",
                module="Linear",
                fqn="unet.third",
                actual=ANY,
                says="Linear",
                owed=False,
            ),
        ],
        Kinds,
    ),
)
