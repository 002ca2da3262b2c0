"""Tiny pipelines of other kinds than the catalogue's: iterated progress bars, several loops, copied schedulers."""

from __future__ import annotations

import copy
from typing import Any

import torch
from diffusers import (
    DDPMPipeline,
    DDPMScheduler,
    DiffusionPipeline,
    DPMSolverMultistepScheduler,
    ImagePipelineOutput,
    KandinskyV22CombinedPipeline,
    PriorTransformer,
    ScoreSdeVePipeline,
    ScoreSdeVeScheduler,
    UnCLIPScheduler,
    UNet2DConditionModel,
    UNet2DModel,
    VQModel,
)
from transformers import (
    CLIPImageProcessor,
    CLIPTextConfig,
    CLIPTextModelWithProjection,
    CLIPVisionConfig,
    CLIPVisionModelWithProjection,
)

from profiler.catalog.components import TINY_CLIP_TOKENIZER
from profiler.catalog.tokenizer import tokenizer


def unconditional() -> UNet2DModel:
    torch.manual_seed(0)
    return UNet2DModel(
        sample_size=8,
        block_out_channels=(8, 16),
        layers_per_block=1,
        norm_num_groups=4,
        down_block_types=("DownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "UpBlock2D"),
        add_attention=False,
    ).eval()


def ddpm() -> DDPMPipeline:
    """Takes neither prompts nor sizes; iterates its progress bar."""
    return DDPMPipeline(unconditional(), DDPMScheduler())


def score_sde() -> ScoreSdeVePipeline:
    """Never calls scheduler.step: its scheduler has a step_correct and a step_pred."""
    return ScoreSdeVePipeline(unconditional(), ScoreSdeVeScheduler())


class TwoStreamPipeline(DiffusionPipeline):
    """Like LTX-2's: a copy of the scheduler takes the second stream's steps."""

    def __init__(self, unet: Any, scheduler: Any) -> None:
        super().__init__()
        self.register_modules(unet=unet, scheduler=scheduler)

    @torch.no_grad()
    def __call__(self, batch_size: int = 1, generator: Any = None, num_inference_steps: int = 4) -> Any:
        shape = (batch_size, 3, 8, 8)
        picture, sound = (torch.randn(shape, generator=generator) for _ in range(2))
        self.scheduler.set_timesteps(num_inference_steps)
        other = copy.deepcopy(self.scheduler)
        with self.progress_bar(total=num_inference_steps) as bar:
            for time in self.scheduler.timesteps:
                noise = self.unet(picture, time).sample
                picture = self.scheduler.step(noise, time, picture, return_dict=False)[0]
                sound = other.step(noise * 0.5, time, sound, return_dict=False)[0]
                bar.update()
        return ImagePipelineOutput(images=torch.stack([picture, sound]))


class OneShotPipeline(TwoStreamPipeline):
    """Calls neither its scheduler nor opens a bar."""

    @torch.no_grad()
    def __call__(self, batch_size: int = 1) -> Any:
        return ImagePipelineOutput(images=self.unet(torch.ones(batch_size, 3, 8, 8), 0).sample)


def two_streams(cls: type[TwoStreamPipeline] = TwoStreamPipeline) -> TwoStreamPipeline:
    # Multistep: it keeps what the last steps gave, so a step by the wrong copy shows.
    return cls(unconditional(), DPMSolverMultistepScheduler())


def kandinsky() -> KandinskyV22CombinedPipeline:
    """Calls two pipelines inside, which share its components and iterate their bars."""
    torch.manual_seed(0)
    prior = PriorTransformer(num_attention_heads=2, attention_head_dim=12, embedding_dim=32, num_layers=1)
    prior.clip_std = torch.nn.Parameter(torch.ones(prior.clip_std.shape))
    text = CLIPTextConfig(
        hidden_size=32,
        projection_dim=32,
        intermediate_size=37,
        num_attention_heads=4,
        num_hidden_layers=1,
        vocab_size=600,
        bos_token_id=598,
        eos_token_id=599,
        pad_token_id=599,
    )
    vision = CLIPVisionConfig(
        hidden_size=32,
        image_size=32,
        projection_dim=32,
        intermediate_size=37,
        num_attention_heads=4,
        num_hidden_layers=1,
        patch_size=16,
    )
    return KandinskyV22CombinedPipeline(
        unet=UNet2DConditionModel(
            in_channels=4,
            out_channels=8,
            addition_embed_type="image",
            down_block_types=("ResnetDownsampleBlock2D", "SimpleCrossAttnDownBlock2D"),
            up_block_types=("SimpleCrossAttnUpBlock2D", "ResnetUpsampleBlock2D"),
            mid_block_type="UNetMidBlock2DSimpleCrossAttn",
            block_out_channels=(32, 64),
            layers_per_block=1,
            encoder_hid_dim=32,
            encoder_hid_dim_type="image_proj",
            cross_attention_dim=32,
            attention_head_dim=4,
            resnet_time_scale_shift="scale_shift",
        ).eval(),
        scheduler=DDPMScheduler(variance_type="learned_range"),
        movq=VQModel(
            block_out_channels=(32, 64),
            down_block_types=("DownEncoderBlock2D", "AttnDownEncoderBlock2D"),
            up_block_types=("AttnUpDecoderBlock2D", "UpDecoderBlock2D"),
            latent_channels=4,
            norm_num_groups=8,
            norm_type="spatial",
            num_vq_embeddings=12,
            vq_embed_dim=4,
        ).eval(),
        prior_prior=prior.eval(),
        prior_image_encoder=CLIPVisionModelWithProjection(vision).eval(),
        prior_text_encoder=CLIPTextModelWithProjection(text).eval(),
        prior_tokenizer=tokenizer(TINY_CLIP_TOKENIZER),
        prior_scheduler=UnCLIPScheduler(
            variance_type="fixed_small_log", prediction_type="sample", clip_sample=True, clip_sample_range=10.0
        ),
        prior_image_processor=CLIPImageProcessor(crop_size=32, size=32),
    )
