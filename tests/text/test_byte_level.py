"""Byte-level tokenizers give the ids that the real libraries gave when the fixtures were written."""

import json

import pytest
from tokenizers import Tokenizer as Library
from tokenizers import models

from tabulae.errors import ModelError
from tabulae.text.byte_level import SPLITS, split_of
from tabulae.text.from_gguf import tokenizer_data
from tabulae.text.tokenizer import Tokenizer

WRITTEN = ["gpt-2", "qwen2", "llama-bpe", "smollm", "falcon", "deepseek-coder", "tekken", "gpt-4o"]
SAME = {
    "gpt-2": "phi-2 mpt olmo jais trillion granite-docling exaone4 a.x-4.0 mellum gigachat modern-bert",
    "smollm": "starcoder refact",
    "qwen2": "deepseek-r1-qwen",
    "llama-bpe": "llama3 llama-v3 falcon3 falcon-h1 pixtral midm-2.0 lfm2 jina-v5-nano dbrx smaug-bpe",
    "gpt-4o": "llama4 kanana2 talkie minimax-m2",
}


@pytest.mark.parametrize("name", WRITTEN)
def test_ids_equal_the_real_ones(name, byte_level, fixture):
    content, tokenizer = fixture("byte_level"), byte_level(name)
    assert [tokenizer.encode(line) for line in content["lines"]] == content["ids"][name]


def test_the_fixture_tells_the_splits_apart(fixture):
    ids = fixture("byte_level")["ids"]
    told = [name for name in WRITTEN if name != "gpt-4o"]  # no merge of this vocabulary spans what only it joins
    assert len({str(ids[name]) for name in told}) == len(told)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("llama-bpe", ["HelloWORLDand", "'s", " ", "123", "45", " +/\n", "/b"]),
        ("tekken", ["Hello", "WORLDand", "'s", " ", "1", "2", "3", "4", "5", " +/\n/", "b"]),
        ("gpt-4o", ["Hello", "WORLDand's", " ", "123", "45", " +/\n/", "b"]),
    ],
)
def test_words_end_at_capitals_digits_and_slashes(name, words):
    """By hand from the patterns: a word of tekken and gpt-4o ends where a capital follows a small letter."""
    split = Library(models.BPE())
    document = {
        **json.loads(split.to_str()),
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": SPLITS[name].parts},
    }
    parts = Library.from_str(json.dumps(document)).pre_tokenizer.pre_tokenize_str("HelloWORLDand's 12345 +/\n/b")
    assert [word.replace("Ġ", " ").replace("Ċ", "\n") for word, _ in parts] == words


@pytest.mark.parametrize(("alias", "name"), [(alias, name) for name in SAME for alias in SAME[name].split()])
def test_names_for_the_same_split(alias, name, byte_level, fixture):
    content, tokenizer = fixture("byte_level"), byte_level(alias)
    assert [tokenizer.encode(line) for line in content["lines"]] == content["ids"][name]


@pytest.mark.parametrize("name", ["megrez", "kormo", "f2llmv2"])
def test_qwen2_without_composing(name, byte_level, fixture):
    tokenizer = byte_level(name)
    for line, ids in zip(fixture("byte_level")["lines"], fixture("byte_level")["ids"]["qwen2"], strict=True):
        assert tokenizer.encode(line) == ids or "combining" in line
    assert tokenizer.decode(tokenizer.encode("Cafe\u0301")) == "Cafe\u0301"


def test_every_name_is_tried_above():
    names = {*WRITTEN, "megrez", "kormo", "f2llmv2", *(alias for aliases in SAME.values() for alias in aliases.split())}
    assert names == set(SPLITS)


@pytest.mark.parametrize(
    ("name", "whole"), [("gpt-2", False), ("dbrx", False), ("gpt-4o", False), ("falcon3", True), ("tekken", True)]
)
def test_words_that_are_tokens_are_taken_whole_where_the_model_does(name, whole):
    """``abb`` is a token that no merge leads to."""
    fields = {"model": "gpt2", "pre": name, "tokens": ["a", "b", "ab", "abb", "<s>"], "merges": ["a b"]}
    data = tokenizer_data({f"tokenizer.ggml.{key}": value for key, value in fields.items()})
    assert Tokenizer(data).encode("abb") == ([3] if whole else [2, 1])


@pytest.mark.parametrize("name", WRITTEN)
def test_decoding_gives_the_text_back(name, byte_level, fixture):
    tokenizer = byte_level(name)
    for line in fixture("byte_level")["lines"]:
        if name == "qwen2" and "combining" in line:
            continue  # Qwen2 composes characters (NFC) first
        assert tokenizer.decode(tokenizer.encode(line)) == line


def test_qwen2_composes_characters(byte_level):
    tokenizer = byte_level("qwen2")
    assert tokenizer.decode(tokenizer.encode("Cafe\u0301")) == "Caf\u00e9"


@pytest.mark.parametrize(("kind", "name"), [("gpt2", "gpt-2"), ("falcon", "falcon")])
def test_without_a_name_the_split_is_that_of_the_architecture(kind, name):
    for said in ({}, {"tokenizer.ggml.pre": "default"}):
        assert split_of({"general.architecture": kind, **said}) is SPLITS[name]


@pytest.mark.parametrize(("said", "got"), [({}, "none"), ({"tokenizer.ggml.pre": "default"}, "default")])
def test_without_a_name_an_architecture_of_many_splits_is_refused(said, got):
    with pytest.raises(ModelError, match=f"must name how text is split, but got {got} in a file of llama; convert"):
        split_of({"general.architecture": "llama", **said})


def test_an_unknown_split_is_refused(byte_level):
    with pytest.raises(
        ModelError, match=r"tokenizer.ggml.pre must be a known split, but got 'klingon'; accepted: .*smollm"
    ):
        byte_level("klingon")


@pytest.mark.parametrize(
    "name", ["deepseek-llm", "deepseek-v3", "bloom", "viking", "superbpe", "glm4", "command-r", "seed-coder", "qwen35"]
)
def test_splits_of_others_are_refused(name, byte_level):
    """llama.cpp knows them; none is the same as one above."""
    with pytest.raises(ModelError, match=rf"must be a known split, but got '{name}'"):
        byte_level(name)


def test_merges_are_required(byte_level):
    with pytest.raises(ModelError, match=r"must come with tokenizer.ggml.merges"):
        byte_level("gpt-2", merges=None)


def test_smollm2_equals_its_published_tokenizer(smollm2, fixture):
    content = fixture("smollm2")
    assert [smollm2.encode(line) for line in content["lines"]] == content["ids"]
    for line in content["lines"]:
        assert smollm2.decode(smollm2.encode(line)) == line


def test_smollm2_special_tokens(smollm2):
    data = smollm2.data
    assert (data.bos, data.eos, data.add_bos) == (1, (2, 0), False)
    assert data.special["eos_token"] == "<|im_end|>"
    assert smollm2.size == 49152
