"""Byte-level BPE, GGUF's ``gpt2`` kind: text is split by a pattern, its UTF-8 bytes are merged by rank.

The splits are those of the models' own ``tokenizer.json``, with which they were trained; conversions elsewhere
drop parts (transformers 5.23 leaves out smollm's digits). Names whose ``tokenizer.json`` is not at hand are read where
llama.cpp (``src/llama-vocab.cpp`` as in llama-cpp-python 0.3.36) and transformers 5.24
(``integrations/gguf/gguf_tokenizer_mapping.py``) take the same split. A wrong split gives wrong tokens without any
error, so every other name is refused.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

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


class Split(NamedTuple):
    """What a name in ``tokenizer.ggml.pre`` stands for."""

    parts: list[_Part]
    """Pre-tokenizers in order."""
    composes: bool = False
    """Characters are composed first (NFC)."""
    whole: bool = False
    """A word that is a token is taken whole, whatever its merges say."""
    bos: bool = False
    """A text begins with BOS where the file does not say."""


def _bytes_of(pattern: str) -> list[_Part]:
    return [_split(pattern), _byte_level(use_regex=False)]


_CAPITALS, _SMALL = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"


def _by_case(after: str, digits: str) -> str:
    """Words end where capitals follow small letters; ``after``: what may follow a word."""
    before = r"[^\r\n\p{L}\p{N}]?"
    words = rf"{before}{_CAPITALS}*{_SMALL}+{after}|{before}{_CAPITALS}+{_SMALL}*{after}"
    return rf"{words}|{digits}| ?[^\s\p{{L}}\p{{N}}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"


_GPT2 = Split([_byte_level(use_regex=True)])
_DIGITS = Split([_digits(one_by_one=True), *_GPT2.parts])
_CL100K = Split(_bytes_of(rf"{_LETTERS}|\p{{N}}{{1,3}}|{_REST}"))
_LLAMA3 = _CL100K._replace(whole=True, bos=True)
_QWEN2 = Split(_bytes_of(rf"{_LETTERS}|\p{{N}}|{_REST}"), composes=True)
_TEKKEN = Split(_bytes_of(_by_case("", r"\p{N}")), whole=True, bos=True)
_O200K = Split(_bytes_of(_by_case("(?i:'s|'t|'re|'ve|'m|'ll|'d)?", r"\p{N}{1,3}")))
_FALCON = Split(
    [
        {"type": "Punctuation", "behavior": "Contiguous"},
        *_GPT2.parts,
        _digits(one_by_one=False),
        _split("[0-9][0-9][0-9]"),
    ]
)
_DEEPSEEK_CODER = Split(
    [
        *map(_split, ("[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", "[一-龥ࠀ-一가-퟿]+")),
        _digits(one_by_one=True),
        _byte_level(use_regex=False),
    ]
)
_NAMES = (
    (_GPT2, "gpt-2 phi-2 mpt olmo jais trillion granite-docling exaone4 a.x-4.0 mellum gigachat modern-bert"),
    (_DIGITS, "smollm starcoder refact"),
    (_CL100K, "dbrx smaug-bpe"),
    (_LLAMA3, "llama-bpe llama3 llama-v3 falcon3 falcon-h1 pixtral midm-2.0 lfm2 jina-v5-nano"),
    (_QWEN2, "qwen2 deepseek-r1-qwen"),
    (_QWEN2._replace(composes=False), "megrez kormo f2llmv2"),
    (_TEKKEN, "tekken"),
    (_O200K, "gpt-4o llama4 kanana2 talkie minimax-m2"),
    (_FALCON, "falcon"),
    (_DEEPSEEK_CODER, "deepseek-coder"),
)
SPLITS: dict[str, Split] = {name: split for split, names in _NAMES for name in names.split()}
"""``tokenizer.ggml.pre`` -> how text is split."""
_OWN = {"gpt2": "gpt-2", "falcon": "falcon"}
"""Architectures whose models all have one split."""


def split_of(fields: Mapping[str, Any]) -> Split:
    """The split that the file names; where it names none (before the key existed), that of its architecture.

    Raises :class:`ModelError` where it is unknown: models of one architecture have many splits.
    """
    name, kind = fields.get("tokenizer.ggml.pre", "default"), fields.get("general.architecture", "gpt2")
    if name == "default":
        if kind not in _OWN:
            got = f"{name if 'tokenizer.ggml.pre' in fields else 'none'} in a file of {kind}"
            hint = "convert the model again with a converter that names it"
            raise ModelError("tokenizer", "tokenizer.ggml.pre must name how text is split", got, hint)
        name = _OWN[kind]
    if not isinstance(name, str) or name not in SPLITS:
        accepted = f"accepted: {', '.join(SPLITS)}"
        raise ModelError("tokenizer", "tokenizer.ggml.pre must be a known split", repr(name), accepted)
    return SPLITS[name]


def parts(fields: Mapping[str, Any], vocabulary: Vocabulary, unknown: int | None) -> dict[str, Any]:
    """Normaliser, pre-tokenizer, model and decoder of a ``tokenizer.json``.

    Raises :class:`ModelError` where the split is unknown or the merges are missing.
    """
    split = split_of(fields)
    if vocabulary.merges is None:
        raise ModelError("tokenizer", "a byte-level vocabulary must come with tokenizer.ggml.merges", "none")
    return {
        "normalizer": {"type": "NFC"} if split.composes else None,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": split.parts},
        "decoder": _byte_level(use_regex=True),
        "model": {
            "type": "BPE",
            "vocab": {token: id for id, token in enumerate(vocabulary.tokens)},
            "merges": vocabulary.merges,
            "ignore_merges": split.whole,
        },
    }
