"""Tokens that stand beside ``tokenizer.json``: in the settings, ``added_tokens.json``, ``special_tokens_map.json``.

They are added to the library's tokenizer in the order and with the flags of transformers 5.24
(``TokenizersBackend.__init__``, ``PreTrainedTokenizerBase._from_pretrained``), so that they get its ids. Normaliser,
split and decoder stay those of ``tokenizer.json``, with which the model was trained, also where a class of
transformers puts its own in their place (its ``GPT2Tokenizer`` drops SmolLM2's split of digits).
"""

from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from tabulae.errors import ModelError

if TYPE_CHECKING:
    from tokenizers import AddedToken
    from tokenizers import Tokenizer as Library

NAMED = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")
_END = "<|endoftext|>"
_DEFAULTS: Mapping[str, Mapping[str, str]] = {
    "LlamaTokenizer": {"unk_token": "<unk>", "bos_token": "<s>", "eos_token": "</s>"},
    "GPT2Tokenizer": {"unk_token": _END, "bos_token": _END, "eos_token": _END},
    "Qwen2Tokenizer": {"unk_token": _END, "eos_token": _END, "pad_token": _END},
    "GemmaTokenizer": {
        "unk_token": "<unk>", "bos_token": "<bos>", "eos_token": "<eos>", "pad_token": "<pad>", "mask_token": "<mask>",
    },
}  # fmt: skip
"""Special tokens that a class has where the settings do not name them."""
MINDS_PREFIX_SPACE = {"LlamaTokenizer", "GPT2Tokenizer", "Qwen2Tokenizer"}
"""Classes that do what ``add_prefix_space`` says; all others leave that to ``tokenizer.json``."""
_CLASS_OF_TYPE = {
    "gpt2": "GPT2Tokenizer",
    "opt": "GPT2Tokenizer",
    "qwen2": "Qwen2Tokenizer",
    "qwen3": "Qwen2Tokenizer",
    "gemma3": "GemmaTokenizer",
    "gemma3_text": "GemmaTokenizer",
}
"""``model_type`` -> the class of a folder that names none."""


class Token(msgspec.Struct, frozen=True):
    """A token with the flags of an *added token*: it is found whole in a text before anything else."""

    content: str
    lstrip: bool = False
    rstrip: bool = False
    single_word: bool = False
    normalized: bool | None = None  # None: unless it is special
    special: bool = False

    def made(self, named: Collection[str]) -> "AddedToken":
        """The library's object; what has a name is special."""
        from tokenizers import AddedToken

        return AddedToken(
            self.content,
            lstrip=self.lstrip,
            rstrip=self.rstrip,
            single_word=self.single_word,
            normalized=not self.special if self.normalized is None else self.normalized,
            special=self.special or self.content in named,
        )


class Saved(NamedTuple):
    """What the files beside ``tokenizer.json`` say."""

    listed: Mapping[int, Token]
    """Added tokens by the id that they shall have."""
    named: Mapping[str, Token]
    """Special tokens by name: ``bos_token``, ..., and those of the model alone."""
    extra: tuple[Token, ...]
    """Special tokens without a name."""


def class_of(settings: Mapping[str, Any], config: Mapping[str, Any], json: str) -> str:
    """The class that ``AutoTokenizer`` takes, where it is one with defaults of its own; "" for any other.

    :raises ModelError: its name is no text
    """
    named, kind = settings.get("tokenizer_class") or config.get("tokenizer_class") or "", config.get("model_type")
    if not isinstance(named, str):
        raise ModelError("tokenizer", "tokenizer_class must be a name", repr(named)[:80])
    if not named or kind == "qwen2":  # Qwen2's folders often name a wrong one: transformers takes its own for them
        named = _CLASS_OF_TYPE.get(str(kind), "")
    named = named.removesuffix("Fast")
    wrong = named not in _DEFAULTS or (named == "LlamaTokenizer" and '"ByteLevel"' in json)  # Llama 3's folders do
    return "" if wrong else named


def read(
    kind: str,
    settings: Mapping[str, Any],
    special_map: Mapping[str, Any],
    added: Mapping[str, Any],
    library: "Library",
) -> Saved:
    """The tokens of ``tokenizer_config.json``, ``special_tokens_map.json`` and ``added_tokens.json``.

    ``kind``: the class, from :func:`class_of`. The last two files count where the settings have no
    ``added_tokens_decoder``, and where ``tokenizer.json`` (``library``) has no added token of that id, as in
    transformers. A class's special token that the vocabulary lacks is left out: no model was trained with it.

    :raises ModelError: a token that is none, or an id that is no integer
    """
    modern = settings.get("added_tokens_decoder") is not None
    special_map = {} if modern else {key: _special(value) for key, value in special_map.items()}
    defaults = {key: text for key, text in _DEFAULTS.get(kind, {}).items() if library.token_to_id(text) is not None}
    merged = {**defaults, **settings, **special_map}
    names = [*NAMED, *(key for key, value in merged.items() if key not in NAMED and _names_token(key, value))]
    extra = _extra(settings) or _extra(special_map)
    own = extra if isinstance(extra, dict) else {}
    texts = {name: merged[name] for name in names if merged.get(name) is not None} | own
    named = {name: _token(name, value) for name, value in texts.items()}
    spare = tuple(_token("extra_special_tokens", value) for value in ([] if own else extra))
    if not modern:
        special = {token.content for token in [*named.values(), *spare]}
        listed = {_integer(id): Token(text, special=text in special) for text, id in added.items()}
        known = library.get_added_tokens_decoder()
        return Saved({id: token for id, token in listed.items() if id not in known}, named, spare)
    listed = _listed(settings["added_tokens_decoder"])
    flags = {token.content: token for token in listed.values()}
    return Saved(listed, {name: flags.get(token.content, token) for name, token in named.items()}, spare)


def bring_in(library: "Library", saved: Saved) -> None:
    """Add the tokens to the library's tokenizer, listed ones first."""
    named = {token.content for token in saved.named.values()}
    wanted = {saved.listed[id].content: saved.listed[id] for id in sorted(saved.listed)}
    here = {token.content for token in library.get_added_tokens_decoder().values()}
    for token in [*saved.named.values(), *saved.extra]:
        if token.content not in here:
            wanted.setdefault(token.content, token)
    library.add_tokens([token.made(named) for token in wanted.values()])


def check_ids(library: "Library", ids: Iterable[tuple[str, int]]) -> None:
    """Every added token must have its id: the library numbers them anew, without an error, where that is taken or far.

    :raises ModelError: one that has another
    """
    for token, id in ids:
        got = library.token_to_id(token)
        if got != id:
            must = f"the added token {token!r} must get the id that the folder names, {id}"
            raise ModelError("tokenizer", must, got, "save the tokenizer again with transformers: save_pretrained")


def _names_token(key: str, value: Any) -> bool:
    """``image_token: "<image>"``: a special token of this model alone; not ``add_bos_token: true``."""
    return key.endswith("_token") and isinstance(value, (str, dict))


def _special(value: Any) -> Any:
    """An object in ``special_tokens_map.json`` has no such flag, but is what the file is called."""
    return {**value, "special": True} if isinstance(value, dict) and "content" in value else value


def _extra(settings: Mapping[str, Any]) -> Any:
    """A list of tokens, or tokens by name."""
    found = settings.get("extra_special_tokens") or settings.get("additional_special_tokens") or []
    if not isinstance(found, (list, dict)):
        must = "extra_special_tokens must be a list of tokens, or tokens by name"
        raise ModelError("tokenizer", must, repr(found)[:80])
    return found


def _listed(found: Any) -> dict[int, Token]:
    if not isinstance(found, dict):
        raise ModelError("tokenizer", "added_tokens_decoder must hold tokens by id", repr(found)[:80])
    return {_integer(id): _token("added_tokens_decoder", value) for id, value in found.items()}


def _token(name: str, value: Any) -> Token:
    """``"<s>"``, or ``{"content": "<s>", "lstrip": false, ...}``."""
    try:
        return Token(value, special=True) if isinstance(value, str) else msgspec.convert(value, Token)
    except msgspec.ValidationError:
        must = f"{name} must hold tokens: a text, or an object with content and flags"
        raise ModelError("tokenizer", must, repr(value)[:80]) from None


def _integer(id: Any) -> int:
    if isinstance(id, int) and not isinstance(id, bool):
        return id
    if isinstance(id, str) and id.isdecimal():
        return int(id)
    raise ModelError("tokenizer", "an added token's id must be an integer", repr(id))
