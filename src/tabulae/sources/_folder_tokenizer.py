"""A Hugging Face folder's tokenizer: ``tokenizer.json`` as it is, the rest from the files beside it."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tabulae.errors import ModelError
from tabulae.sources._files import read_json, read_text
from tabulae.text.data import TokenizerData

if TYPE_CHECKING:
    from tokenizers import Tokenizer as Library

_NAMES = ("bos_token", "eos_token", "unk_token", "pad_token")
_OTHER_FORMS = ("tokenizer.model", "vocab.json", "spiece.model")


def tokenizer_data(folder: Path, config: Mapping[str, Any]) -> TokenizerData | None:
    """The tokenizer of a model folder, or None where it has none; ``config`` is its ``config.json``.

    Raises :class:`ModelError` where a file is malformed or the tokenizer exists only in another form.
    """
    path = folder / "tokenizer.json"
    if not path.is_file():
        _refuse_other_forms(folder)
        return None
    json = read_text(path)
    library = _load(path, json)
    settings = read_json(folder / "tokenizer_config.json")
    generation = read_json(folder / "generation_config.json")
    special = {name: text for name in _NAMES if (text := _text(settings.get(name))) is not None}
    bos = _first_id(library, special.get("bos_token"), config.get("bos_token_id"))
    return TokenizerData(
        json=json,
        bos=bos,
        eos=_ends(library, special, generation, config),
        add_bos=bos is not None and _adds_bos(library, settings, bos),
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


def _text(token: Any) -> str | None:
    """``"<s>"``, or the older ``{"content": "<s>", ...}``."""
    token = token.get("content") if isinstance(token, dict) else token
    return token if isinstance(token, str) else None


def _ends(
    library: "Library", special: Mapping[str, str], generation: Mapping[str, Any], config: Mapping[str, Any]
) -> tuple[int, ...]:
    ids: list[Any] = []
    for value in (generation.get("eos_token_id"), config.get("eos_token_id")):
        ids += value if isinstance(value, list) else [value]
    if "eos_token" in special:
        ids.append(library.token_to_id(special["eos_token"]))
    return tuple(dict.fromkeys(id for id in ids if isinstance(id, int)))


def _first_id(library: "Library", token: str | None, fallback: Any) -> int | None:
    id = None if token is None else library.token_to_id(token)
    return id if id is not None else fallback if isinstance(fallback, int) else None


def _adds_bos(library: "Library", settings: Mapping[str, Any], bos: int) -> bool:
    """As the settings say, else as the post-processor in ``tokenizer.json`` does to an empty text."""
    said = settings.get("add_bos_token")
    return said if isinstance(said, bool) else bos in library.encode("").ids[:1]


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
