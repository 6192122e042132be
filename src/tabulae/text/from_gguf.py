"""A GGUF file's tokenizer fields turned into a ``tokenizers`` document.

GGUF holds the vocabulary, its token types and scores or merges, and names how text is split; the rest (normaliser,
pre-tokenizer, decoder) follows from ``tokenizer.ggml.model``: ``byte_level`` for ``gpt2``, ``sentence_pieces`` for
``llama``.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from tabulae.errors import ModelError
from tabulae.text import byte_level, gguf_keys, sentence_pieces
from tabulae.text.data import TokenizerData
from tabulae.text.vocabulary import CONTROL, UNKNOWN, USER_DEFINED, Vocabulary

_KINDS = {"gpt2": byte_level.parts, "llama": sentence_pieces.parts}
_NAMED = {"bos_token": "bos", "eos_token": "eos", "unk_token": "unknown", "pad_token": "padding"}
_ENDS = {
    "<|endoftext|>",
    "<|im_end|>",
    "<|end_of_text|>",
    "<|eot_id|>",
    "<|eom_id|>",
    "<|end|>",
    "<end_of_turn>",
    "<eos>",
}
"""Control tokens that end a turn or a text in the published chat models: files often name only one of theirs."""


def tokenizer_data(fields: Mapping[str, Any]) -> TokenizerData | None:
    """The tokenizer of a GGUF file, or None where it has none.

    Raises :class:`ModelError` where the fields contradict each other or name an unknown kind.

    >>> tokenizer_data({"general.architecture": "llama"}) is None
    True
    """
    kind = fields.get("tokenizer.ggml.model")
    if kind is None:
        return None
    if not isinstance(kind, str) or kind not in _KINDS:
        accepted = f"accepted: {', '.join(_KINDS)}"
        raise ModelError("tokenizer", "tokenizer.ggml.model must be a known kind", repr(kind), accepted)
    gguf_keys.check(fields)
    vocabulary = Vocabulary.from_fields(fields)
    named = {name: _id(fields, key, vocabulary) for name, key in _NAMED.items()}
    document = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": _added_tokens(vocabulary, {id for id in named.values() if id is not None}),
        "post_processor": None,
        **_KINDS[kind](fields, vocabulary, named["unk_token"]),
    }
    template = fields.get("tokenizer.chat_template")
    return TokenizerData(
        json=msgspec.json.encode(document).decode(),
        bos=named["bos_token"],
        eos=_ends(fields, vocabulary),
        add_bos=_adds_bos(fields, kind, named["bos_token"]),
        chat_template=template if isinstance(template, str) else None,
        special={name: vocabulary.tokens[id] for name, id in named.items() if id is not None},
    )


def _id(fields: Mapping[str, Any], key: str, vocabulary: Vocabulary) -> int | None:
    """The id in ``tokenizer.ggml.KEY_token_id``; -1, signed or not, means none.

    Padding may lie outside of the vocabulary (a fine-tuned model's often does): no text has it.
    """
    value, size = fields.get(f"tokenizer.ggml.{key}_token_id"), len(vocabulary.tokens)
    if value is None or value in (-1, 2**32 - 1):
        return None
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < size:
        return value
    if key == "padding":
        return None
    must = f"tokenizer.ggml.{key}_token_id must be a token of the {size:,} in the vocabulary"
    raise ModelError("tokenizer", must, repr(value)[:40])


def _adds_bos(fields: Mapping[str, Any], kind: str, bos: int | None) -> bool:
    """As the flag says; files of before it existed: as llama.cpp does for their kind and split."""
    default = kind == "llama" or byte_level.split_of(fields).bos
    adds = gguf_keys.flag(fields, "add_bos_token", default)
    if adds and bos is None and "tokenizer.ggml.add_bos_token" in fields:
        raise ModelError("tokenizer", "with add_bos_token the file must name its bos_token_id", "none")
    return adds and bos is not None


def _ends(fields: Mapping[str, Any], vocabulary: Vocabulary) -> tuple[int, ...]:
    named = [_id(fields, key, vocabulary) for key in ("eos", "eot", "eom")]
    known = [id for id, kind in enumerate(vocabulary.types) if kind == CONTROL and vocabulary.tokens[id] in _ENDS]
    return tuple(dict.fromkeys(id for id in [*named, *known] if id is not None))


def _added_tokens(vocabulary: Vocabulary, named: set[int]) -> list[dict[str, Any]]:
    """Tokens found whole in the text before anything else: control, unknown and user-defined ones."""
    added = []
    for id, (content, kind) in enumerate(zip(vocabulary.tokens, vocabulary.types, strict=True)):
        special = kind in (CONTROL, UNKNOWN) or id in named
        if content and (special or kind == USER_DEFINED):
            flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
            added.append({"id": id, "content": content, **flags, "special": special})
    return added
