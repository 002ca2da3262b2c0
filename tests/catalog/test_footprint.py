"""The least memory of a pipeline: its weights by the counts of parameters."""

from __future__ import annotations

from profiler import catalog
from profiler.catalog.footprint import weight_bytes

SD15, FLUX, IF = (catalog.find(name) for name in ("sd15-txt2img", "flux1-dev", "deepfloyd-if"))
UNET, VAE, CLIP = 859_520_964, 83_653_863, 123_060_480


def test_every_value_of_every_component_is_counted_in_its_type() -> None:
    assert weight_bytes(SD15, "full", "float16") == 2 * (UNET + VAE + CLIP)
    assert weight_bytes(SD15, "full", "float32") == 4 * (UNET + VAE + CLIP)
    assert weight_bytes(SD15, "full", "float16", stored="float8_e4m3fn") == UNET + 2 * (VAE + CLIP)


def test_what_is_left_out_is_not_counted() -> None:
    assert weight_bytes(SD15, "full", "float16", text_encoders="none") == 2 * (UNET + VAE)
    assert weight_bytes(SD15, "full", "float16", own_vae=False) == 2 * (UNET + CLIP)
    light, every = (weight_bytes(FLUX, "full", "bfloat16", text_encoders=which) for which in ("light", "all"))
    assert every - light == 2 * 4_762_310_656


def test_parts_of_a_chain_share_their_text_encoder() -> None:
    light, every = (weight_bytes(IF, "full", "float16", text_encoders=which) for which in ("light", "all"))
    assert every - light == 2 * 4_762_310_656
    assert light == 2 * (371_605_830 + 460_997_382 + 473_398_020 + 55_325_927 + 340_387_840)


def test_all_entries_have_a_footprint_at_both_sizes() -> None:
    for entry in catalog.ENTRIES:
        full, tiny = (weight_bytes(entry, size, "float16") for size in ("full", "tiny"))
        assert full > 100 * tiny > 0
