"""SentencePiece-style BPE, GGUF's ``llama`` kind: characters are merged by score, what is left falls back to bytes.

SentencePiece merges the neighbours whose union has the best score (Kudo and Richardson 2018, arXiv:1808.06226); a
list of merges sorted by that score does the same, as every converter to ``tokenizer.json`` does. The space is
written ``▁``. Where the model wants one in front of a text (Llama; Gemma does not), it is added unless the text
begins with one, and one leading space is taken off the decoded text: this is what ``transformers`` does for Llama.
(The original SentencePiece adds it always, which differs only for texts that begin with a space.)
"""

from collections.abc import Mapping
from typing import Any

from tabulae.errors import ModelError
from tabulae.text import gguf_keys
from tabulae.text.vocabulary import NORMAL, Vocabulary

_SPACE = "▁"


def parts(fields: Mapping[str, Any], vocabulary: Vocabulary, unknown: int | None) -> dict[str, Any]:
    """Normaliser, pre-tokenizer, model and decoder of a ``tokenizer.json``."""
    prefix = gguf_keys.flag(fields, "add_space_prefix", True)
    scheme = "first" if prefix else "never"
    decoders: list[dict[str, Any]] = [
        {"type": "Replace", "pattern": {"String": _SPACE}, "content": " "},
        {"type": "ByteFallback"},
        {"type": "Fuse"},
    ]
    if prefix:
        decoders.append({"type": "Strip", "content": " ", "start": 1, "stop": 0})
    return {
        "normalizer": None,
        "pre_tokenizer": {"type": "Metaspace", "replacement": _SPACE, "prepend_scheme": scheme, "split": False},
        "decoder": {"type": "Sequence", "decoders": decoders},
        "model": {
            "type": "BPE",
            "vocab": {token: id for id, token in enumerate(vocabulary.tokens)},
            "merges": vocabulary.merges or merges_by_score(vocabulary),
            "unk_token": None if unknown is None else vocabulary.tokens[unknown],
            "fuse_unk": True,
            "byte_fallback": True,
        },
    }


def merges_by_score(vocabulary: Vocabulary) -> list[tuple[str, str]]:
    """Every way to join two tokens into a third, best score first; equal: the lower id, then the longer left part.

    Only normal tokens take part: control tokens never come from text, user-defined ones are found whole before.

    >>> merges_by_score(Vocabulary(["a", "b", "ab", "aab"], [1] * 4, [-9.0, -9.0, -1.0, -2.0], None))
    [('a', 'b'), ('a', 'ab')]
    """
    if vocabulary.scores is None:
        raise ModelError("tokenizer", "a SentencePiece vocabulary must come with tokenizer.ggml.scores", "none")
    normal = {token for token, kind in zip(vocabulary.tokens, vocabulary.types, strict=True) if kind == NORMAL}
    ranked = [
        (-score, id, len(token) - cut, token)
        for id, (token, score) in enumerate(zip(vocabulary.tokens, vocabulary.scores, strict=True))
        if token in normal
        for cut in range(1, len(token))
        if token[:cut] in normal and token[cut:] in normal
    ]
    return [(token[:-right], token[-right:]) for _, _, right, token in sorted(ranked)]
