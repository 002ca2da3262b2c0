"""A real CLIPTokenizer made without a download."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

START, END = "<|startoftext|>", "<|endoftext|>"
WORD_END = "</w>"


def clip_tokenizer(vocabulary: int, length: int) -> Any:
    """A transformers.CLIPTokenizer of ``vocabulary`` ids that pads to ``length`` tokens.

    It knows every byte and no merges: a text becomes one token a byte. The last two ids are start and end of text, as
    in CLIP's own vocabulary. Raises ValueError for a vocabulary that can't hold the bytes.
    """
    from tokenizers import pre_tokenizers
    from transformers import CLIPTokenizer

    symbols = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokens = symbols + [symbol + WORD_END for symbol in symbols]
    unused = vocabulary - len(tokens) - 2
    if unused < 0:
        raise ValueError(f"a CLIP vocabulary needs at least {len(tokens) + 2} ids, not {vocabulary}")
    tokens += [f"<unused{number}>" for number in range(unused)]
    tokens += [START, END]
    ids = {token: number for number, token in enumerate(tokens)}
    # Read back from files: constructors differ between the major versions of transformers, the files don't.
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "vocab.json").write_text(json.dumps(ids), encoding="utf-8")
        Path(folder, "merges.txt").write_text("#version: 0.2\n", encoding="utf-8")
        return CLIPTokenizer.from_pretrained(folder, model_max_length=length)
