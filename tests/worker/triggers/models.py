"""Small denoisers for what is hard or slow to bring about in a real pipeline."""

from __future__ import annotations

import torch
from diffusers import UNet2DConditionModel
from torch import nn

SCALE = 2.0  # read by a forward
WIDTH = 8


class Denoiser(nn.Module):
    """For what is hard to bring about in a UNet of diffusers: globals, attributes, aliases, optional inputs."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(WIDTH, WIDTH)
        self.strength = 1.0

    def forward(
        self,
        sample: torch.Tensor,
        timestep: torch.Tensor | float,
        encoder_hidden_states: torch.Tensor | None = None,
        options: dict[str, float] | None = None,
    ) -> torch.Tensor:
        made: torch.Tensor = self.layer(sample) * self.strength * SCALE + timestep
        if options is not None and "scale" in options:
            made = made * options["scale"]
        return made if encoder_hidden_states is None else made + encoder_hidden_states


class Halving(nn.Module):
    def forward(self, sample: torch.Tensor) -> torch.Tensor:
        return sample.reshape(2, -1) if sample.shape[0] % 2 == 0 else sample + 1


class Doubling(nn.Module):
    def forward(self, sample: torch.Tensor) -> torch.Tensor:
        return sample * 2


class Printing(nn.Module):
    def forward(self, sample: torch.Tensor) -> torch.Tensor:
        made = sample * 2
        print(end="")  # noqa: T201 - the graph break that is wanted
        return made + 1


class Kinds(nn.Module):
    """Different layers of torch.nn, each compiled by itself: all run through one function of dynamo's."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.third = nn.Linear(WIDTH, WIDTH), nn.SiLU(), nn.Linear(WIDTH, 3)

    def forward(self, sample: torch.Tensor) -> torch.Tensor:
        made: torch.Tensor = self.third(self.second(self.first(sample)))
        return made


def unet(attention: bool = False) -> UNet2DConditionModel:
    """As few blocks as there can be, since compiling takes the time."""
    torch.manual_seed(0)
    return UNet2DConditionModel(
        sample_size=8,
        layers_per_block=1,
        block_out_channels=(8,),
        down_block_types=("DownBlock2D",),
        up_block_types=("CrossAttnUpBlock2D" if attention else "UpBlock2D",),
        mid_block_type=None,
        cross_attention_dim=32,
        attention_head_dim=4,
        norm_num_groups=4,
    )


def attending() -> UNet2DConditionModel:
    return unet(attention=True)
