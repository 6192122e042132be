"""Byte-level BPE, GGUF's ``gpt2`` kind: text is split by a pattern, its UTF-8 bytes are merged by rank.

The splits are those of the models' own ``tokenizer.json``, with which they were trained; conversions elsewhere
drop parts (transformers 5.23 leaves out smollm's digits). A wrong split gives wrong tokens without any error, so an
unknown name is refused.
"""

from collections.abc import Mapping
from typing import Any

from tabulae.errors import ModelError
from tabulae.text.vocabulary import Vocabulary

_LETTERS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+"
_REST = r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
_Part = dict[str, Any]


def _byte_level(use_regex: bool) -> _Part:
    """Bytes to printable characters; with ``use_regex`` after GPT-2's own split."""
    return {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": use_regex}


def _split(pattern: str) -> _Part:
    return {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}


def _digits(one_by_one: bool) -> _Part:
    return {"type": "Digits", "individual_digits": one_by_one}


_GPT2 = [_byte_level(use_regex=True)]
_DIGITS = [_digits(one_by_one=True), *_GPT2]
_LLAMA3 = [_split(rf"{_LETTERS}|\p{{N}}{{1,3}}|{_REST}"), _byte_level(use_regex=False)]
_QWEN2 = [_split(rf"{_LETTERS}|\p{{N}}|{_REST}"), _byte_level(use_regex=False)]
_FALCON = [
    {"type": "Punctuation", "behavior": "Contiguous"},
    *_GPT2,
    _digits(one_by_one=False),
    _split("[0-9][0-9][0-9]"),
]
_DEEPSEEK_CODER = [
    *map(_split, ("[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", "[一-龥ࠀ-一가-퟿]+")),
    _digits(one_by_one=True),
    _byte_level(use_regex=False),
]

SPLITS: dict[str, list[_Part]] = {
    "default": _GPT2,
    "gpt-2": _GPT2,
    "smollm": _DIGITS,
    "starcoder": _DIGITS,
    "refact": _DIGITS,
    "llama-bpe": _LLAMA3,
    "llama3": _LLAMA3,
    "llama-v3": _LLAMA3,
    "qwen2": _QWEN2,
    "deepseek-r1-qwen": _QWEN2,
    "falcon": _FALCON,
    "deepseek-coder": _DEEPSEEK_CODER,
}
"""``tokenizer.ggml.pre`` -> pre-tokenizers in order."""


def parts(fields: Mapping[str, Any], vocabulary: Vocabulary, unknown: int | None) -> dict[str, Any]:
    """Normaliser, pre-tokenizer, model and decoder of a ``tokenizer.json``.

    Raises :class:`ModelError` where the split is unknown or the merges are missing.
    """
    name = fields.get("tokenizer.ggml.pre", "default")  # files of before the field existed
    if not isinstance(name, str) or name not in SPLITS:
        raise ModelError(
            "tokenizer", "tokenizer.ggml.pre must be a known split", repr(name), f"accepted: {', '.join(SPLITS)}"
        )
    if vocabulary.merges is None:
        raise ModelError("tokenizer", "a byte-level vocabulary must come with tokenizer.ggml.merges", "none")
    split = SPLITS[name]
    return {
        "normalizer": {"type": "NFC"} if split is _QWEN2 else None,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": split},
        "decoder": _byte_level(use_regex=True),
        "model": {
            "type": "BPE",
            "vocab": {token: id for id, token in enumerate(vocabulary.tokens)},
            "merges": vocabulary.merges,
            "ignore_merges": split is _LLAMA3,  # Llama 3 takes a word that is a token whole, whatever its merges say
        },
    }
