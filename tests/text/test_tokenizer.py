"""The tokenizer's edges: what is refused, what is stored."""

import msgspec
import pytest

from tabulae.errors import ModelError, UsageError
from tabulae.text.data import TokenizerData
from tabulae.text.tokenizer import Tokenizer


def test_the_record_survives_storage(pieces):
    data = pieces("llama").data
    assert msgspec.json.decode(msgspec.json.encode(data), type=TokenizerData) == data


def test_bos_on_request(pieces):
    tokenizer = pieces("llama")
    assert tokenizer.encode("a", bos=True) == [1, *tokenizer.encode("a", bos=False)]


def test_bos_needs_a_model_with_bos(byte_level):
    with pytest.raises(UsageError, match="bos=True needs a model with a BOS token"):
        byte_level("gpt-2").encode("a", bos=True)


@pytest.mark.parametrize("text", ["\ud800", b"bytes", None])
def test_text_must_be_text(byte_level, text):
    with pytest.raises(UsageError, match="text must be a str"):
        byte_level("gpt-2").encode(text)


@pytest.mark.parametrize("id", [-1, 2**32, "a", None])
def test_ids_must_be_ids(byte_level, id):
    with pytest.raises(UsageError, match=r"token ids must be integers from 0, but got \["):
        byte_level("gpt-2").decode([id])


def test_ids_of_a_padded_vocabulary_give_nothing(byte_level):
    tokenizer = byte_level("gpt-2")
    assert tokenizer.decode([*tokenizer.encode("a"), tokenizer.size + 5]) == "a"


@pytest.mark.parametrize("json", ["", "{}", "[]", '{"model": {"type": "BPE"}}', "\x00"])
def test_a_malformed_record(json):
    with pytest.raises(ModelError, match="tokenizers library can read"):
        Tokenizer(TokenizerData(json=json))


def test_truncation_and_padding_of_the_record_are_switched_off(byte_level):
    document = msgspec.json.decode(byte_level("gpt-2").data.json)
    document["truncation"] = {"direction": "Right", "max_length": 2, "strategy": "LongestFirst", "stride": 0}
    padding = {"strategy": {"Fixed": 9}, "direction": "Right", "pad_id": 0, "pad_type_id": 0, "pad_token": "a"}
    document |= {"padding": {**padding, "pad_to_multiple_of": None}}
    tokenizer = Tokenizer(TokenizerData(json=msgspec.json.encode(document).decode()))
    assert tokenizer.encode("Hello, world!") == byte_level("gpt-2").encode("Hello, world!")


def test_special_tokens_can_be_left_out(byte_level):
    tokenizer = byte_level("gpt-2")
    ids = tokenizer.encode("a<|im_end|>b")
    assert tokenizer.decode(ids) == "a<|im_end|>b"
    assert tokenizer.decode(ids, skip_special=True) == "ab"


def test_chat_without_a_template(byte_level):
    with pytest.raises(UsageError, match="must have a chat template"):
        byte_level("gpt-2").chat([{"role": "user", "content": "hi"}])


def test_chat_of_smollm2(smollm2):
    text = smollm2.chat([{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi!"}])
    parts = [
        "<|im_start|>system\nBe brief.<|im_end|>\n",
        "<|im_start|>user\nHi!<|im_end|>\n",
        "<|im_start|>assistant\n",
    ]
    assert text == "".join(parts)
    assert smollm2.encode(text, bos=False)[0] == 1
