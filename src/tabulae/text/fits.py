"""Whether a tokenizer fits a model: every id that it can give must have a row in the embedding."""

import msgspec

from tabulae.errors import ModelError
from tabulae.text.data import TokenizerData
from tabulae.text.tokenizer import Tokenizer

_WITHOUT_ROWS = {
    "<image_soft_token>": "Gemma 3's models for text alone share the tokenizer of those that see: id 262144 of 262144",
}
"""Added tokens that published models list beyond their embedding, and why no text needs them: they are left out."""


def fitted(data: TokenizerData, rows: int) -> TokenizerData:
    """The tokenizer for a model with ``rows`` tokens.

    :raises ModelError: the library cannot read it, or an id, BOS or an end lies outside of the model's vocabulary
    """
    beyond = [(token, id) for token, id in Tokenizer(data).vocabulary().items() if id >= rows]
    left = [(token, id) for token, id in beyond if token not in _WITHOUT_ROWS]
    if left:
        token, id = max(left, key=lambda pair: pair[1])
        must = f"every token must have one of the model's {rows:,} rows"
        raise ModelError("tokenizer", must, f"{len(left):,} that have none, as {token!r} with id {id}")
    for name, ids in (("BOS", (data.bos,)), ("the end of a text", data.eos)):
        wrong = [id for id in ids if id is not None and not 0 <= id < rows]
        if wrong:
            raise ModelError("tokenizer", f"{name} must have one of the model's {rows:,} rows", f"the id {wrong[0]}")
    return _without(data, {token for token, _ in beyond}) if beyond else data


def _without(data: TokenizerData, tokens: set[str]) -> TokenizerData:
    document = msgspec.json.decode(data.json)
    document["added_tokens"] = [token for token in document["added_tokens"] if token["content"] not in tokens]
    for token in tokens & set(document["model"]["vocab"]):
        del document["model"]["vocab"][token]
    return msgspec.structs.replace(data, json=msgspec.json.encode(document).decode())
