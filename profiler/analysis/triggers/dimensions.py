"""Dimensions of denoisers' arguments in pipeline words: dimension 2 of a UNet's ``sample`` is its height."""

from __future__ import annotations

import re

from profiler.analysis.wholes import whole

_PICTURE = ("batch", "channels", "height", "width")
_VIDEO = ("batch", "channels", "frames", "height", "width")
_TOKENS = ("batch", "tokens", "channels")
_PER_PICTURE = ("batch", "channels")

ARGUMENTS: dict[str, tuple[tuple[str, ...], ...]] = {
    "sample": (_PICTURE, _VIDEO, _PER_PICTURE),
    "controlnet_cond": (_PICTURE, _VIDEO),
    "input_tensor": (_PICTURE, _VIDEO),
    "input": (_PICTURE,),
    "hidden_states": (_TOKENS, _PICTURE, _VIDEO),
    "encoder_hidden_states": (_TOKENS,),
    "encoder_hidden_states_image": (_TOKENS,),
    "encoder_attention_mask": (("batch", "tokens"),),
    "encoder_hidden_states_mask": (("batch", "tokens"),),
    "timestep": (("batch",), ("batch", "tokens")),
    "timesteps": (("batch",),),
    "guidance": (("batch",),),
    "temb": (_PER_PICTURE, _TOKENS),
    "emb": (_PER_PICTURE,),
    "pooled_projections": (_PER_PICTURE,),
    "text_embeds": (_PER_PICTURE,),
    "time_ids": (_PER_PICTURE,),
    "class_labels": (("batch",),),
    "img_ids": (("tokens", "axes"), ("batch", "tokens", "axes")),
    "txt_ids": (("tokens", "axes"), ("batch", "tokens", "axes")),
    "image_rotary_emb": (("tokens", "channels"),),
    "rotary_emb": (("tokens", "channels"), ("batch", "tokens", "heads", "channels")),
    "down_block_additional_residuals": (_PICTURE,),
    "mid_block_additional_residual": (_PICTURE,),
    "res_hidden_states_tuple": (_PICTURE,),
    "x": (_TOKENS, ("channels", "frames", "height", "width")),
    "cap_feats": (("tokens", "channels"), _TOKENS),
}
"""By argument (or the key within one) its layouts, each of another rank; the first is meant where the rank is not
known."""
UNSURE = frozenset({"hidden_states", "input", "x", "temb", "cap_feats", "timestep", "img_ids", "txt_ids"})
"""Arguments whose layout differs from model to model: without the rank nothing is said of them but in a block."""
_BLOCK = re.compile(r"(?:Transformer|Attn|Attention)\w*Block\w*$|\w*TransformerBlock\w*$")
_SHAPE = re.compile(r"\[([\d, ]*)\]")
_KEY = re.compile(r"\['(\w+)'\]|\b(\w+)$")


def shape(described: str | None) -> tuple[int, ...] | None:
    """The shape in a description of a tensor ("float32[2, 4, 8, 8] stride [...]"); None where there is none."""
    found = _SHAPE.search(described or "")
    if found is None or (described or "").startswith("["):
        return None
    sizes = [whole(size) for size in found[1].split(",") if size.strip()]
    return None if None in sizes else tuple(size for size in sizes if size is not None)


def word(argument: str | None, source: str | None, dim: int | None, rank: int | None, module: str | None) -> str | None:
    """What dimension ``dim`` of an argument is: height, tokens, ...; "dim 2" where that isn't known, None without one.

    ``module`` is the class of the compiled module; ``rank`` the tensor's number of dimensions, None where not known.
    """
    if dim is None:
        return None
    for name in _names(argument, source):
        layouts = ARGUMENTS.get(name)
        if layouts is None:
            continue
        if rank is not None:
            fitting = next((layout for layout in layouts if len(layout) == rank), None)
        elif name in UNSURE and not (module and _BLOCK.search(module)):
            fitting = layouts[0][:1] if layouts[0][0] == "batch" and all(one[0] == "batch" for one in layouts) else None
        else:
            fitting = layouts[0]
        if fitting is not None and 0 <= dim < len(fitting):
            return fitting[dim]
        return f"dim {dim}"
    return f"dim {dim}"


def _names(argument: str | None, source: str | None) -> list[str]:
    """What an argument may be known by: the innermost key of a dictionary first, then its own name."""
    keys = [one or other for one, other in _KEY.findall(source or "")]
    return [*dict.fromkeys([*reversed(keys), *([argument] if argument else [])])]


_MEMBER = re.compile(r"\.?__dict__\['_modules'\]\['(\w+)'\]|\._(?:modules|parameters|buffers)\['([^']+)'\]")


def readable(source: str | None, argument: str | None = None) -> str:
    """A guard's source as people write it: ``self._modules['attn'].processor`` is ``attn.processor``, and the
    parameter's name stands for ``args[0]``.
    """
    if not source:
        return argument or ""
    plain = re.sub(r"\bL\[['\"](\w+)['\"]\]", r"\1", source)
    plain = _MEMBER.sub(lambda match: f".{match[1] or match[2]}", plain)
    plain = re.sub(r"\._(?:modules|parameters|buffers)$", "", plain)
    plain = re.sub(r"^(?:self|fn)\.(?=\w)", "", plain)
    plain = re.sub(r"^G\[['\"](\w+)['\"]\]", r"\1", plain)
    if argument:
        packed = re.match(r"(?:args\[\d+\]|kwargs\[['\"]\w+['\"]\])", plain)
        if packed:
            plain = argument + plain[packed.end() :]
    return re.sub(r"\['(\w+)'\]", r".\1", plain) if not argument else re.sub(r"\['(\w+)'\]", r"['\1']", plain)
