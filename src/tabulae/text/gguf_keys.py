"""Which ``tokenizer.*`` keys of a GGUF file are read, which change nothing, and which are refused.

What a key does is what llama.cpp does with it (``src/llama-vocab.cpp`` as in llama-cpp-python 0.3.36). A key that is
in none of these lists may change the ids of every text, so a file that has one is refused.
"""

from collections.abc import Mapping
from typing import Any

from tabulae.errors import ModelError

READ = {
    "tokenizer.chat_template",
    *(
        f"tokenizer.ggml.{name}"
        for name in (
            "model", "pre", "tokens", "token_type", "scores", "merges", "add_bos_token", "add_space_prefix",
            "bos_token_id", "eos_token_id", "eot_token_id", "eom_token_id", "unknown_token_id", "padding_token_id",
        )
    ),
}  # fmt: skip
HARMLESS = {
    "tokenizer.ggml.token_type_count": "kinds of segments, for encoders",
    "tokenizer.ggml.seperator_token_id": "written between texts by encoders alone",
    "tokenizer.ggml.cls_token_id": "written before texts by encoders alone",
    "tokenizer.ggml.mask_token_id": "for training encoders",
    "tokenizer.ggml.fim_pre_token_id": "names a token for prompts that fill in a gap; its type says how it is found",
    "tokenizer.ggml.fim_suf_token_id": "as fim_pre",
    "tokenizer.ggml.fim_mid_token_id": "as fim_pre",
    "tokenizer.ggml.fim_pad_token_id": "as fim_pre",
    "tokenizer.ggml.fim_rep_token_id": "as fim_pre",
    "tokenizer.ggml.fim_sep_token_id": "as fim_pre",
    "tokenizer.ggml.prefix_token_id": "older name of fim_pre",
    "tokenizer.ggml.suffix_token_id": "older name of fim_suf",
    "tokenizer.ggml.middle_token_id": "older name of fim_mid",
    "tokenizer.huggingface.json": "a copy of the original tokenizer.json, which llama.cpp does not read",
    "tokenizer.chat_templates": "names of further templates; the default one is read",
}
HARMLESS_PREFIX = "tokenizer.chat_template."  # further templates by name
OFF = {
    "tokenizer.ggml.add_eos_token": "it would end every prompt with the end of a text",
    "tokenizer.ggml.add_sep_token": "it is for encoders",
    "tokenizer.ggml.remove_extra_whitespaces": "it is for the kind t5",
    "tokenizer.ggml.precompiled_charsmap": "it is for the kind t5",
    "tokenizer.ggml.normalizer.lowercase": "it is for the kind bert",
    "tokenizer.ggml.normalizer.strip_accents": "it is for the kind bert",
    "tokenizer.ggml.suppress_tokens": "it changes what is sampled",
}
"""Keys that must be false or empty, and why."""


def check(fields: Mapping[str, Any]) -> None:
    """Refuse a file whose ids would be others.

    :raises ModelError: a key that is not known, or one that is not off

    >>> check({"tokenizer.ggml.add_eos_token": True})
    Traceback (most recent call last):
    tabulae.errors.ModelError: [tokenizer] tokenizer.ggml.add_eos_token must be off, but got True; it would end every prompt with the end of a text
    """  # noqa: E501
    for key in fields:
        if key in OFF and fields[key]:
            raise ModelError("tokenizer", f"{key} must be off", repr(fields[key])[:40], OFF[key])
        known = key in READ or key in HARMLESS or key in OFF or key.startswith(HARMLESS_PREFIX)
        if key.startswith("tokenizer.") and not known:
            raise ModelError("tokenizer", "every tokenizer key of the file must be known", key)


def flag(fields: Mapping[str, Any], name: str, default: bool) -> bool:
    """The flag ``tokenizer.ggml.NAME``.

    :raises ModelError: it is there and no bool
    """
    value = fields.get(f"tokenizer.ggml.{name}")
    if value is not None and not isinstance(value, bool):
        raise ModelError("tokenizer", f"tokenizer.ggml.{name} must be true or false", repr(value)[:40])
    return default if value is None else value
