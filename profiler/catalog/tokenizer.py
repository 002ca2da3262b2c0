"""Real tokenizers made without a download: they know every byte, and a text becomes one token a byte."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from profiler.catalog.entry import Component

START, END = "<|startoftext|>", "<|endoftext|>"
WORD_END = "</w>"

_SPECIAL = {
    "T5TokenizerFast": ["<pad>", "</s>", "<unk>"],
    "GemmaTokenizerFast": ["<pad>", "<eos>", "<bos>", "<unk>"],
    "Qwen2Tokenizer": ["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
}
"""The special tokens of each kind, which get the lowest ids; the first pads."""

_ENDS = {"T5TokenizerFast": "$A </s>", "GemmaTokenizerFast": "<bos> $A"}
"""What each kind puts around a text."""

_CHAT = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
"""Qwen's way of writing a conversation, without its tools and thoughts."""


def tokenizer(component: Component) -> Any:
    """The tokenizer that ``component`` describes. Raises ValueError for a vocabulary that can't hold the bytes."""
    config = component.config
    if component.cls == "CLIPTokenizer":
        return clip_tokenizer(config["vocab_size"], config["model_max_length"], config.get("pad_token", END))
    return byte_tokenizer(component.cls, config["vocab_size"], config["model_max_length"], config.get("words", ""))


def clip_tokenizer(vocabulary: int, length: int, padding: str = END) -> Any:
    """A transformers.CLIPTokenizer of ``vocabulary`` ids that pads to ``length`` tokens with ``padding``.

    It has no merges. The last two ids are start and end of text, as in CLIP's own vocabulary. Raises ValueError for a
    vocabulary that can't hold the bytes.
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
        return CLIPTokenizer.from_pretrained(folder, model_max_length=length, pad_token=padding)


def byte_tokenizer(kind: str, vocabulary: int, length: int, words: str = "") -> Any:
    """A transformers.PreTrainedTokenizerFast with the special tokens of ``kind`` (a class of transformers' tokenizers).

    Each of ``words`` (a text) is one token: a pipeline that cuts off a fixed number of tokens of its own template then
    finds them. Raises ValueError for a vocabulary that can't hold the bytes and the words.
    """
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    special = _SPECIAL[kind]
    split = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokens = [*special, *sorted(pre_tokenizers.ByteLevel.alphabet())]
    merges = _merges([word for word, _ in split.pre_tokenize_str(words)])
    tokens = list(dict.fromkeys([*tokens, *(left + right for left, right in merges)]))
    if len(tokens) > vocabulary:
        raise ValueError(f"a vocabulary of bytes needs at least {len(tokens)} ids, not {vocabulary}")
    made = Tokenizer(models.BPE({token: number for number, token in enumerate(tokens)}, merges))
    made.pre_tokenizer = split
    made.decoder = decoders.ByteLevel()
    if kind in _ENDS:
        made.post_processor = processors.TemplateProcessing(
            single=_ENDS[kind], special_tokens=[(token, number) for number, token in enumerate(special)]
        )
    # The models are built for ``vocabulary`` ids; the tokenizer uses the lowest of them.
    names = {
        "pad_token": special[0],
        "eos_token": special[-1] if kind == "Qwen2Tokenizer" else special[1],
        "additional_special_tokens": special,
    }
    return PreTrainedTokenizerFast(
        tokenizer_object=made,
        model_max_length=length,
        chat_template=_CHAT if kind == "Qwen2Tokenizer" else None,
        padding_side="right",
        **names,
    )


def _merges(words: list[str]) -> list[tuple[str, str]]:
    """The merges that make one token of each word: its first two letters, then a letter at a time."""
    made: dict[tuple[str, str], None] = {}
    for word in words:
        for end in range(1, len(word)):
            made[(word[:end], word[end])] = None
    return list(made)
