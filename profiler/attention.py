"""The kinds of attention that can be asked for, by name: for those who must not import torch."""

from __future__ import annotations

PLAIN = ("sdpa", "vanilla")
"""``sdpa``: torch's scaled_dot_product_attention; ``vanilla``: softmax(QK)V step by step, as before torch 2."""

BACKENDS = (
    "flash",
    "flash_hub",
    "flash_varlen",
    "flash_varlen_hub",
    "flash_4_hub",
    "_flash_3",
    "_flash_varlen_3",
    "_flash_3_hub",
    "_flash_3_varlen_hub",
    "aiter_fa2_hub",
    "flex",
    "native",
    "_native_cudnn",
    "_native_efficient",
    "_native_flash",
    "_native_math",
    "_native_npu",
    "_native_xla",
    "sage",
    "sage_hub",
    "sage_blackwell_hub",
    "sage_varlen",
    "_sage_qk_int8_pv_fp8_cuda",
    "_sage_qk_int8_pv_fp8_cuda_sm90",
    "_sage_qk_int8_pv_fp16_cuda",
    "_sage_qk_int8_pv_fp16_triton",
    "xformers",
)
"""The backends of diffusers' attention dispatcher (AttentionBackendName), diffusers 0.42. Older releases lack some."""

WITHOUT_DISPATCHER = ("xformers",)
"""Those of them that models can use that don't go through the dispatcher, like UNets."""

NAMES = (*PLAIN, *BACKENDS)
