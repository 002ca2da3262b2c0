"""Text encoders: which are built, what stands in for the others, and what the run says of it."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from profiler import catalog
from profiler.catalog import Entry
from profiler.catalog.build import build
from profiler.catalog.tokenizer import tokenizer
from profiler.subject import Subject
from tests.catalog import hand

EACH = pytest.mark.parametrize("entry", catalog.ENTRIES, ids=lambda entry: entry.name)


def tiny(name: str, **options: Any) -> Subject:
    return build(
        catalog.find(name), **{"size": "tiny", "weights": "random", "dtype": "float32", "device": "cpu", **options}
    )


def made(subject: Subject, **options: Any) -> torch.Tensor:
    return hand.pictures(subject.call(hand.arguments(subject, **options)))


def built(subject: Subject) -> dict[str, list[str]]:
    """The text encoders and tokenizers that were built, by loop."""
    return {
        piece.loop: sorted(
            name
            for name, component in piece.pipe.components.items()
            if name.startswith(("text_encoder", "tokenizer")) and component is not None
        )
        for piece in subject.pieces
    }


@EACH
def test_all_of_them_run_on_the_prompts(entry: Entry) -> None:
    subject = tiny(entry.name, text_encoders="all")
    assert subject.notes == []
    assert not any(piece.embeds for piece in subject.pieces)
    pictures = made(subject, batch=2)
    assert bool(pictures.isfinite().all())
    assert float(pictures.std()) > 0.02


@EACH
def test_none_of_them_is_built(entry: Entry) -> None:
    subject = tiny(entry.name, text_encoders="none")
    assert all(piece.embeds for piece in subject.pieces)
    assert all(names == [] for names in built(subject).values())
    assert {code for code, _ in subject.notes} == {"text-encoders"}
    assert bool(made(subject).isfinite().all())


def test_light_ones_are_built_and_nothing_is_said() -> None:
    for name in ("sd15-txt2img", "sdxl-txt2img", "sd-x4-upscaler"):
        subject = tiny(name)
        assert subject.notes == []
        assert not subject.pieces[0].embeds


def test_embeddings_stand_in_for_a_heavy_one_and_the_light_one_beside_it_is_left_out() -> None:
    subject = tiny("flux1-dev")
    assert built(subject) == {"denoise": []}
    assert subject.notes == [
        (
            "text-encoders",
            (
                "prompt embeddings stand in for T5EncoderModel (40.0 k parameters): --text-encoders all builds it;"
                " CLIPTextModel, which nothing would run, is left out too"
            ),
        )
    ]


def test_stable_diffusion_3_runs_its_light_ones_without_the_heavy_one() -> None:
    subject = tiny("sd35-large")
    assert built(subject) == {"denoise": ["text_encoder", "text_encoder_2", "tokenizer", "tokenizer_2"]}
    assert not subject.pieces[0].embeds
    assert subject.notes == [
        (
            "text-encoders",
            (
                "without T5EncoderModel (79.8 k parameters): its part of the embeddings is zeros; --text-encoders all"
                " builds it"
            ),
        )
    ]


def test_both_pixel_stages_share_one_note_and_one_encoder() -> None:
    light = tiny("deepfloyd-if")
    assert built(light) == {"IF-I": [], "IF-II": [], "x4 upscaler": ["text_encoder", "tokenizer"]}
    assert [text for _, text in light.notes] == [
        "IF-I, IF-II: prompt embeddings stand in for T5EncoderModel (40.0 k parameters): --text-encoders all builds it"
    ]
    first, second, _ = tiny("deepfloyd-if", text_encoders="all").pieces
    assert first.pipe.text_encoder is second.pipe.text_encoder


def test_guidance_takes_negative_embeddings() -> None:
    subject = tiny("z-image-turbo")
    assert not torch.equal(made(subject), made(subject, guidance=4.0))


def test_the_prompt_changes_the_picture() -> None:
    for name in ("flux1-dev", "qwen-image", "sana-1600m"):
        subject = tiny(name, text_encoders="all")
        first, second = hand.arguments(subject), hand.arguments(subject)
        second["prompt"] = ["quite another one"]
        assert not torch.equal(hand.pictures(subject.call(first)), hand.pictures(subject.call(second))), name


def tokens(entry: str, size: str = "tiny", name: str = "tokenizer") -> Any:
    return tokenizer(catalog.find(entry).part.sizes[size].components[name])


@pytest.mark.parametrize("size", ["tiny", "full"])
def test_t5_ends_a_text_and_pads_it(size: str) -> None:
    t5 = tokens("pixart-sigma", size)
    ids = t5("über", padding="max_length", max_length=12, truncation=True).input_ids
    assert len(ids) == 12
    assert ids[5:7] == [t5.eos_token_id, t5.pad_token_id] == [1, 0]
    assert max(ids) < 512
    assert t5.decode(ids, skip_special_tokens=True) == "über"
    assert t5("x" * 100, max_length=10, truncation=True).input_ids[-1] == t5.eos_token_id


def test_gemma_begins_a_text_and_doesnt_end_it() -> None:
    gemma = tokens("sana-1600m")
    ids = gemma("ab", padding="max_length", max_length=5).input_ids
    assert ids[0] == gemma.convert_tokens_to_ids("<bos>")
    assert ids[3:] == [gemma.pad_token_id] * 2


def test_qwens_template_begins_with_the_tokens_that_its_pipeline_cuts_off() -> None:
    pipe = tiny("qwen-image").pipe
    qwen = tokens("qwen-image")
    ids = qwen(pipe.prompt_template_encode.format("ab")).input_ids
    assert qwen.decode(ids[: pipe.prompt_template_encode_start_idx]).endswith("<|im_end|>\n<|im_start|>user\n")
    assert qwen.decode(ids[pipe.prompt_template_encode_start_idx :]) == "ab<|im_end|>\n<|im_start|>assistant\n"


def test_qwen_writes_conversations() -> None:
    text = tokens("z-image-turbo").apply_chat_template(
        [{"role": "user", "content": "castles"}], tokenize=False, add_generation_prompt=True, enable_thinking=True
    )
    assert text == "<|im_start|>user\ncastles<|im_end|>\n<|im_start|>assistant\n"


def test_a_vocabulary_too_small_for_the_words_is_refused() -> None:
    component = catalog.find("qwen-image").part.sizes["tiny"].components["tokenizer"]
    component = type(component)(**{**_fields(component), "config": {**component.config, "vocab_size": 300}})
    with pytest.raises(ValueError, match="at least"):
        tokenizer(component)


def _fields(component: Any) -> dict[str, Any]:
    return {name: getattr(component, name) for name in component.__struct_fields__}
