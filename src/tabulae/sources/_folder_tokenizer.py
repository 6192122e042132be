"""A Hugging Face folder's tokenizer: ``tokenizer.json``, and what the files beside it add."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from tabulae.errors import ModelError
from tabulae.sources._files import read_json, read_text
from tabulae.text import saved_tokens
from tabulae.text.data import TokenizerData

if TYPE_CHECKING:
    from tokenizers import Tokenizer as Library

_OTHER_FORMS = ("tokenizer.model", "vocab.json", "spiece.model")


def tokenizer_data(folder: Path, config: Mapping[str, Any]) -> TokenizerData | None:
    """The tokenizer of a model folder, or None where it has none; ``config`` is its ``config.json``.

    The ids are those of ``AutoTokenizer`` in transformers 5.24, where that takes normaliser and split from
    ``tokenizer.json`` (see :mod:`tabulae.text.saved_tokens`).

    Raises :class:`ModelError` where a file is malformed, the tokenizer exists only in another form, or it does to
    texts what cannot be done here.
    """
    path = folder / "tokenizer.json"
    if not path.is_file():
        _refuse_other_forms(folder)
        return None
    json = read_text(path)
    library, document = _load(path, json), msgspec.json.decode(json)
    as_read = library.to_str()
    settings = read_json(folder / "tokenizer_config.json")
    kind = saved_tokens.class_of(settings, config, json)
    _check_settings(kind, settings, document)
    special_map, added = (read_json(folder / f"{name}.json") for name in ("special_tokens_map", "added_tokens"))
    if library.padding is not None:
        settings = {"pad_token": library.padding["pad_token"], **settings}
    saved = saved_tokens.read(kind, settings, special_map, added, library)
    _encode_plainly(library)
    saved_tokens.bring_in(library, saved)
    saved_tokens.check_ids(library, [(token["content"], token["id"]) for token in document.get("added_tokens") or ()])
    saved_tokens.check_ids(library, [(token.content, id) for id, token in saved.listed.items()])
    special = {name: token.content for name, token in saved.named.items()}
    first, complete = _put_first(library), library.to_str()
    return TokenizerData(
        json=json if complete == as_read else complete,
        bos=_bos(library, special, config) if first is None else first,
        eos=_ends(library, special, read_json(folder / "generation_config.json"), config),
        add_bos=first is not None,
        chat_template=_chat_template(folder, settings),
        special=special,
    )


def _refuse_other_forms(folder: Path) -> None:
    for name in _OTHER_FORMS:
        if (folder / name).is_file():
            hint = "write one with transformers: AutoTokenizer.from_pretrained(FOLDER).save_pretrained(FOLDER)"
            raise ModelError(str(folder), "the tokenizer must be a tokenizer.json", f"only {name}", hint)


def _load(path: Path, json: str) -> "Library":
    from tokenizers import Tokenizer as Library

    try:
        return Library.from_str(json)
    except Exception as error:  # the library raises plain Exception
        raise ModelError(str(path), "the file must be one the tokenizers library can read", error) from None


def _check_settings(kind: str, settings: Mapping[str, Any], document: Mapping[str, Any]) -> None:
    """Settings that change what ``tokenizer.json`` does, and that it cannot hold, are refused."""
    if settings.get("split_special_tokens"):
        must = "special tokens must be found in texts (split_special_tokens)"
        raise ModelError("tokenizer", must, settings["split_special_tokens"])
    said, does = settings.get("add_prefix_space"), _prefixes_space(document)
    if isinstance(said, bool) and said != does and kind in saved_tokens.MINDS_PREFIX_SPACE:
        must = f"add_prefix_space of tokenizer_config.json must be that of tokenizer.json, {does}"
        raise ModelError("tokenizer", must, said, "save the tokenizer again with transformers: save_pretrained")


def _prefixes_space(document: Mapping[str, Any]) -> bool:
    """Whether a text gets a space in front, by any of the parts that can do it."""
    parts = [document.get("normalizer"), document.get("pre_tokenizer")]
    for part in parts:
        if isinstance(part, dict):
            parts += [*part.get("normalizers", []), *part.get("pretokenizers", [])]
    found = [part for part in parts if isinstance(part, dict)]
    return any(
        part.get("add_prefix_space") is True
        or part.get("prepend_scheme") in ("first", "always")
        or part.get("type") == "Prepend"
        for part in found
    )


def _encode_plainly(library: "Library") -> None:
    """Switch off what belongs to training in batches: padding, truncation, random dropout of merges."""
    library.no_padding()
    library.no_truncation()
    if getattr(library.model, "dropout", None) is not None:
        library.model.dropout = None


def _put_first(library: "Library") -> int | None:
    """The token that ``tokenizer.json`` puts before every text, or None.

    :raises ModelError: it puts others around it
    """
    texts = ("a", *(token.content for token in library.get_added_tokens_decoder().values()))
    text = next((text for text in texts if _encoded(library, text, False)), "")
    bare, whole = (_encoded(library, text, special) for special in (False, True))
    if whole == bare:
        return None
    if whole[1:] == bare:
        return whole[0]
    got = " ".join(str(library.id_to_token(id)) for id in whole)
    must = "tokenizer.json must put nothing around a text but one token before it"
    raise ModelError("tokenizer", must, f"{got!r} for {text!r}")


def _encoded(library: "Library", text: str, special: bool) -> list[int]:
    try:
        ids: list[int] = library.encode(text, add_special_tokens=special).ids
    except Exception as error:  # the library raises plain Exception, as for an unknown token that is not there
        raise ModelError("tokenizer", f"tokenizer.json must encode {text!r}", error) from None
    return ids


def _bos(library: "Library", special: Mapping[str, str], config: Mapping[str, Any]) -> int | None:
    id: int | None = library.token_to_id(special["bos_token"]) if "bos_token" in special else None
    return next(iter(_ids(config, "bos_token_id")), None) if id is None else id


def _ends(
    library: "Library", special: Mapping[str, str], generation: Mapping[str, Any], config: Mapping[str, Any]
) -> tuple[int, ...]:
    ids = [*_ids(generation, "eos_token_id"), *_ids(config, "eos_token_id")]
    named = library.token_to_id(special["eos_token"]) if "eos_token" in special else None
    return tuple(dict.fromkeys([*ids, *([] if named is None else [named])]))


def _ids(settings: Mapping[str, Any], name: str) -> list[int]:
    """One id, a list of them, or null."""
    value = settings.get(name)
    ids = value if isinstance(value, list) else [] if value is None else [value]
    for id in ids:
        if not isinstance(id, int) or isinstance(id, bool):
            raise ModelError("tokenizer", f"{name} must be an integer, or a list of them", repr(value)[:80])
    return ids


def _chat_template(folder: Path, settings: Mapping[str, Any]) -> str | None:
    """``chat_template.jinja`` goes before the settings, which hold one template or a list of named ones."""
    path = folder / "chat_template.jinja"
    if path.is_file():
        return read_text(path)
    template = settings.get("chat_template")
    if isinstance(template, list):
        named = {entry.get("name"): entry.get("template") for entry in template if isinstance(entry, dict)}
        template = named.get("default")
    return template if isinstance(template, str) else None
