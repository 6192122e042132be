"""A tokenizer whose ids the model does not have is refused before anything is built."""

import json

import msgspec
import pytest

from tabulae.errors import ModelError
from tabulae.text.fits import fitted
from tabulae.text.from_gguf import tokenizer_data
from tabulae.text.tokenizer import Tokenizer

FIELDS = {"model": "gpt2", "tokens": ["a", "b", "ab", "<s>", "<image_soft_token>"], "token_type": [1, 1, 1, 3, 3]}


def data(**changes):
    fields = {**FIELDS, "merges": ["a b"], "bos_token_id": 3, "eos_token_id": 3}
    return msgspec.structs.replace(tokenizer_data({f"tokenizer.ggml.{k}": v for k, v in fields.items()}), **changes)


@pytest.mark.parametrize("rows", [5, 6, 1000])
def test_more_rows_than_tokens(rows):
    assert fitted(data(), rows) == data()


def test_more_tokens_than_rows():
    message = r"every token must have one of the model's 3 rows, but got 1 that have none, as '<s>' with id 3"
    with pytest.raises(ModelError, match=message):
        fitted(data(), 3)


@pytest.mark.parametrize("id", [5, -1, 2**40])
def test_bos_and_ends_must_have_rows(id):
    with pytest.raises(ModelError, match=rf"BOS must have one of the model's 5 rows, but got the id {id}"):
        fitted(data(bos=id), 5)
    with pytest.raises(
        ModelError, match=rf"the end of a text must have one of the model's 5 rows, but got the id {id}"
    ):
        fitted(data(eos=(3, id)), 5)


def test_merges_of_unknown_tokens():
    document = json.loads(data().json)
    document["model"]["merges"].append(["a", "z"])
    with pytest.raises(ModelError, match=r"tokenizers library can read, but got .* out of vocabulary"):
        fitted(data(json=json.dumps(document)), 5)


def test_a_merge_into_an_unknown_token():
    document = json.loads(data().json)
    document["model"]["merges"].append(["b", "a"])
    with pytest.raises(ModelError, match=r"tokenizers library can read, but got .* out of vocabulary"):
        fitted(data(json=json.dumps(document)), 5)


@pytest.mark.parametrize("in_vocabulary", [True, False])
def test_the_token_of_images_is_left_out(in_vocabulary):
    """Gemma 3's models for text alone have no row for it."""
    document = json.loads(data().json)
    if not in_vocabulary:
        del document["model"]["vocab"]["<image_soft_token>"]
    whole = data(json=json.dumps(document))
    tokenizer = Tokenizer(fitted(whole, 4))
    assert max(tokenizer.vocabulary().values()) == 3
    assert 4 not in tokenizer.encode("ab<image_soft_token>")
    assert Tokenizer(fitted(whole, 5)).encode("ab<image_soft_token>") == [2, 4]
