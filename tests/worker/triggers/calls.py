"""Other arguments and other tensors than it was compiled for, and what should be said of each change."""

from __future__ import annotations

import torch

from tests.worker.triggers.acts import ONE, USUAL, Change, T, call, plain, rows, within
from tests.worker.triggers.expected import ANY, Says, value
from tests.worker.triggers.models import WIDTH, Doubling, Halving, unet

CALLS = (
    # --- the arguments of a call -------------------------------------------------------------------------------------
    Change(
        "timestep as an int",
        (call(), call(timestep=3)),
        [
            Says(
                cause="tensor.type",
                argument="timestep",
                actual="int 3",
                says=r"timestep.* int.* tensor",
                remedy=r"timestep .*tensor",
            )
        ],
        unet,
    ),
    Change(
        "timestep as other ints",
        (plain(rows(), 3), plain(rows(), 4), plain(rows(), 5)),
        [value("timestep", "3", "4", r"timestep 3 → 4", remedy="tensor|dynamic")],
    ),
    Change(
        "timestep int to float",
        (plain(rows(), 3), plain(rows(), 3.0)),
        [
            Says(
                cause="value",
                argument="timestep",
                expected="3",
                actual="3.0",
                says=r"timestep.* float.* int",
                remedy="timestep",
            )
        ],
    ),
    Change(
        "timestep of another rank",
        (plain(rows(), T), plain(rows(), T.expand(WIDTH))),
        [
            Says(
                cause="tensor.rank",
                argument="timestep",
                expected="0",
                actual="1",
                says=r"timestep has 1 dimension now \(it had 0\)",
                remedy="same number of dimensions",
            )
        ],
    ),
    Change(
        "return_dict dropped",
        (call(), call(return_dict=...)),
        [
            Says(
                cause="len",
                argument="return_dict",
                expected="5",
                actual=f"4: {USUAL}",
                says="return_dict is (no longer given|gone|missing)",
                remedy="same|every call|return_dict",
            )
        ],
        unet,
    ),
    Change(
        "return_dict changed",
        (call(), call(return_dict=True)),
        [value("return_dict", "False", "True", "return_dict False → True", remedy="return_dict")],
        unet,
    ),
    Change(
        "an attention mask appears",
        (call(), call(encoder_attention_mask=torch.ones(2, 7))),
        [
            Says(
                cause="len",
                argument="encoder_attention_mask",
                expected="5",
                actual=f"6: {USUAL}, return_dict, encoder_attention_mask",
                says="encoder_attention_mask is (given|new)",
                remedy="same|every call",
            )
        ],
        unet,
    ),
    Change(
        "an optional input appears",
        (plain(rows(), T), plain(rows(), T, ONE)),
        [
            Says(
                cause="none",
                argument="encoder_hidden_states",
                expected=ANY,
                actual="float32[2, 3, 8, 8]",
                says="encoder_hidden_states is given",
                remedy="every call",
            )
        ],
    ),
    Change(
        "cross_attention_kwargs and its scale",
        (
            call(),
            call(cross_attention_kwargs={"scale": 0.5}),
            call(cross_attention_kwargs={"scale": 0.7}),
            call(cross_attention_kwargs={"scale": 0.9}),
        ),
        [
            Says(
                cause="none",
                argument="cross_attention_kwargs",
                expected=ANY,
                actual="dict of 1: scale",
                says="cross_attention_kwargs is given",
                remedy="every call",
            ),
            value("cross_attention_kwargs", "0.5", "0.7", "scale.* 0.5 → 0.7"),
        ],
        unet,
    ),
    Change(
        "a key appears in the middle",
        (plain(rows(), T, options={"a": 1.0}), plain(rows(), T, options={"a": 1.0, "scale": 3.0})),
        [
            Says(
                cause="dict.contains",
                argument="options",
                actual="3.0",
                says="options has scale now",
                remedy="same keys",
            )
        ],
    ),
    # --- what the tensors are ----------------------------------------------------------------------------------------
    Change(
        "latents that are not contiguous",
        (plain(rows(), T), plain(torch.ones(2, 3, WIDTH, 2 * WIDTH)[..., ::2], T)),
        [
            Says(
                cause="tensor.stride",
                argument="sample",
                expected="192",
                actual="384",
                dimension="batch",
                says="sample.* (stride|layout|memory)",
                remedy=r"contiguous\(\)",
            )
        ],
    ),
    Change(
        "latents that require grad",
        (plain(rows(), T), plain(rows().requires_grad_(), T)),
        [
            Says(
                cause="tensor.grad",
                argument="sample",
                expected="False",
                actual="True",
                says="sample wants gradients",
                remedy="no_grad|requires_grad_",
            )
        ],
    ),
    Change(
        "inference_mode after no_grad",
        (plain(rows(), T), within(torch.inference_mode, lambda loop: loop(rows(), torch.tensor(3)))),
        [
            Says(
                cause="tensor.dispatch",
                argument="sample",
                actual="CPU, BackendSelect",
                says="sample.* inference",
                remedy="inference_mode",
            )
        ],
    ),
    Change(
        "the model in float64",
        (plain(rows(), T), lambda loop: loop.module.double(), plain(rows().double(), T)),
        [
            Says(
                cause="tensor.dtype",
                argument="sample",
                expected="float32",
                actual="float64",
                says="sample is float64 now .*float32",
                remedy="float32|float64",
            )
        ],
    ),
    Change(
        "the same tensor twice",
        (plain(rows(), T, rows()), plain(ONE, T, ONE)),
        [
            Says(
                cause="alias.new",
                argument="sample, encoder_hidden_states",
                expected=ANY,
                actual="float32[2, 3, 8, 8], the same object",
                says="sample and encoder_hidden_states.* same tensor",
                remedy="clone",
            )
        ],
    ),
    Change(
        "no longer the same tensor twice",
        (plain(ONE, T, ONE), plain(rows(), T, rows())),
        [
            Says(
                cause="alias.lost",
                argument="sample, encoder_hidden_states",
                expected="encoder_hidden_states",
                actual="float32[2, 3, 8, 8], two objects",
                says="sample and encoder_hidden_states",
                remedy="clone",
            )
        ],
    ),
    # --- sizes that are dynamic --------------------------------------------------------------------------------------
    Change(
        "a batch of 1 where it is dynamic",
        (plain(rows(6), T), plain(rows(1), T)),
        [
            Says(
                cause="sym.zero_one",
                argument="sample",
                dimension="batch",
                expected=ANY,
                actual="1",
                says="sample batch.* 1",
                remedy="warm-up call with a batch.* of 1",
            )
        ],
        compilation={"dynamic": True},
    ),
    Change(
        "more than the dynamic code is valid for",
        (call(2), call(16)),
        [
            Says(
                cause="sym.shape",
                argument="sample",
                dimension="batch",
                expected=ANY,
                actual="16",
                says="sample batch.* 16",
            )
        ],
        unet,
        {"dynamic": True},
    ),
    Change(
        "an odd batch where the graph needs an even one",
        (plain(rows(6)), plain(rows(10)), plain(rows(5))),
        [
            Says(
                cause="sym.shape",
                argument="sample",
                dimension="batch",
                expected=ANY,
                actual="5",
                says="sample batch.* 5",
                remedy="multiple|condition",
            )
        ],
        Halving,
        {"dynamic": True},
    ),
    Change(
        "sides that were equal",
        (plain(torch.ones(2, 4, 6, 6)), plain(torch.ones(2, 4, 6, 9))),
        [
            Says(
                cause="dup.size",
                argument="sample",
                dimension="width",
                expected=ANY,
                actual="9",
                says="sample.* (height|width)",
                remedy="use_duck_shape",
            )
        ],
        Doubling,
        {"dynamic": True},
    ),
)
