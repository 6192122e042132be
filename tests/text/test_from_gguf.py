"""Special tokens, end tokens and flags out of GGUF fields; one test per way of being malformed."""

import pytest

from tabulae.errors import ModelError
from tabulae.text.from_gguf import tokenizer_data
from tabulae.text.tokenizer import Tokenizer

BASE = {"model": "gpt2", "tokens": ["a", "b", "ab", "<|im_end|>", "<tool>", "<|endoftext|>"], "merges": ["a b"]}
TYPES = {"token_type": [1, 1, 1, 3, 4, 3]}


def make(**more):
    return tokenizer_data({f"tokenizer.ggml.{key}": value for key, value in {**BASE, **TYPES, **more}.items()})


def test_a_model_without_tokenizer_has_none():
    assert tokenizer_data({}) is None


def test_control_and_user_defined_tokens_are_found_whole():
    tokenizer = Tokenizer(make())
    assert tokenizer.encode("a<|im_end|>ab<tool>") == [0, 3, 2, 4]
    assert tokenizer.decode([0, 3, 2, 4], skip_special=True) == "aab<tool>"


def test_ends_are_the_named_ones_then_the_well_known_control_tokens():
    assert make(eos_token_id=2).eos == (2, 3, 5)
    assert make(eos_token_id=5, eot_token_id=3).eos == (5, 3)
    assert make(token_type=[1] * 6).eos == ()


def test_named_tokens_are_special_without_token_types():
    data = make(token_type=None, eos_token_id=3)
    assert Tokenizer(data).encode("<|im_end|>") == [3]
    assert data.special == {"eos_token": "<|im_end|>"}


@pytest.mark.parametrize("none", [-1, 2**32 - 1])
def test_minus_one_means_no_token(none):
    data = make(bos_token_id=none, unknown_token_id=none)
    assert data.bos is None and not data.add_bos and data.special == {}


def test_padding_may_lie_outside_the_vocabulary():
    assert make(padding_token_id=6).special == {}


def test_bos_is_added_if_the_file_says_so():
    assert not make(bos_token_id=3).add_bos
    assert make(bos_token_id=3, add_bos_token=True).add_bos


@pytest.mark.parametrize(("pre", "adds"), [("qwen2", False), ("llama-bpe", True), ("falcon3", True), ("tekken", True)])
def test_without_the_flag_bos_is_added_where_the_split_says_so(pre, adds):
    assert make(bos_token_id=3, pre=pre).add_bos is adds
    assert not make(bos_token_id=3, pre=pre, add_bos_token=False).add_bos
    assert not make(pre=pre).add_bos


def test_the_chat_template_is_kept():
    fields = {f"tokenizer.ggml.{key}": value for key, value in BASE.items()}
    assert tokenizer_data({**fields, "tokenizer.chat_template": "{{ x }}"}).chat_template == "{{ x }}"


def test_a_template_that_is_no_text_is_none():
    fields = {f"tokenizer.ggml.{key}": value for key, value in BASE.items()}
    assert tokenizer_data({**fields, "tokenizer.chat_template": 3}).chat_template is None


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"model": "bert"}, r"must be a known kind, but got 'bert'; accepted: gpt2, llama"),
        ({"model": ["gpt2"]}, r"must be a known kind, but got \['gpt2'\]"),
        ({"pre": 7}, r"must be a known split, but got 7"),
        ({"tokens": []}, r"must list the vocabulary"),
        ({"tokens": None}, r"must list the vocabulary"),
        ({"tokens": ["a", "b", "a", "c", "d", "e"]}, r"must be distinct, but got 'a' twice"),
        ({"tokens": [1, 2]}, r"tokens must be an array of its type"),
        ({"tokens": "abc"}, r"tokens must be an array of its type, but got str"),
        ({"token_type": [1]}, r"as many types as tokens, but got 1 for 6 tokens"),
        ({"scores": [0.0] * 5 + [float("nan")]}, r"scores must be finite: merges are ranked by them, but got NaN"),
        ({"scores": [0.0]}, r"as many scores as tokens"),
        ({"bos_token_id": 6}, r"bos_token_id must be a token of the 6 in the vocabulary, but got 6"),
        ({"eos_token_id": 2.0}, r"eos_token_id must be a token of the 6 in the vocabulary, but got 2.0"),
        ({"eot_token_id": True}, r"eot_token_id must be a token of the 6 in the vocabulary, but got True"),
        ({"add_bos_token": True}, r"with add_bos_token the file must name its bos_token_id, but got none"),
        ({"add_bos_token": 1}, r"add_bos_token must be true or false, but got 1"),
        ({"merges": ["ab"]}, r"two tokens with a space between, but got 'ab'"),
    ],
)
def test_malformed_fields(more, message):
    with pytest.raises(ModelError, match=message):
        make(**more)


def test_merges_of_unknown_tokens():
    with pytest.raises(ModelError, match="tokenizers library can read"):
        Tokenizer(make(merges=["a z"]))
