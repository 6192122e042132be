"""Byte-level tokenizers give the ids that the real libraries gave when the fixtures were written."""

import pytest

from tabulae.errors import ModelError
from tabulae.text.byte_level import SPLITS

WRITTEN = ["gpt-2", "qwen2", "llama-bpe", "smollm", "falcon", "deepseek-coder"]


@pytest.mark.parametrize("name", WRITTEN)
def test_ids_equal_the_real_ones(name, byte_level, fixture):
    content, tokenizer = fixture("byte_level"), byte_level(name)
    assert [tokenizer.encode(line) for line in content["lines"]] == content["ids"][name]


def test_the_fixture_tells_the_splits_apart(fixture):
    ids = fixture("byte_level")["ids"]
    assert len({str(ids[name]) for name in WRITTEN}) == len(WRITTEN)
    assert {id(split) for split in SPLITS.values()} == {id(SPLITS[name]) for name in WRITTEN}


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


def test_files_without_a_split_are_split_as_gpt2(byte_level):
    assert byte_level("default").encode("a  12") == byte_level("gpt-2").encode("a  12")


def test_an_unknown_split_is_refused(byte_level):
    with pytest.raises(
        ModelError, match=r"tokenizer.ggml.pre must be a known split, but got 'klingon'; accepted: .*smollm"
    ):
        byte_level("klingon")


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
