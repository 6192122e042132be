"""SentencePiece-style tokenizers give the ids that transformers and sentencepiece gave for the fixtures."""

import pytest

from tabulae.errors import ModelError
from tabulae.text.sentence_pieces import merges_by_score
from tabulae.text.vocabulary import Vocabulary

SPELLED_OUT = ("<s>", "▁")  # sentencepiece never reads control tokens or its own space character from text


def test_llama_equals_transformers(pieces, fixture):
    content, tokenizer = fixture("llama"), pieces("llama")
    assert [tokenizer.encode(line, bos=False) for line in content["lines"]] == content["ids"]
    assert [tokenizer.decode(ids) for ids in content["ids"]] == content["decoded"]


def test_llama_equals_sentencepiece_but_for_leading_spaces(pieces, fixture):
    content, tokenizer = fixture("llama"), pieces("llama")
    for line, expected in zip(content["lines"], content["sentencepiece"], strict=True):
        if not any(mark in line for mark in SPELLED_OUT):
            assert tokenizer.encode(" " + line if line.startswith(" ") else line, bos=False) == expected


def test_gemma_equals_sentencepiece(pieces, fixture):
    content, tokenizer = fixture("gemma"), pieces("gemma")
    for line, expected in zip(content["lines"], content["sentencepiece"], strict=True):
        if not any(mark in line for mark in SPELLED_OUT):
            assert tokenizer.encode(line, bos=False) == expected
            assert tokenizer.decode(expected) == line


def test_what_is_no_piece_falls_back_to_bytes(pieces):
    tokenizer = pieces("llama")
    names = [tokenizer._library.id_to_token(id) for id in tokenizer.encode("语", bos=False)]
    assert names == ["▁", "<0xE8>", "<0xAF>", "<0xAD>"]
    assert tokenizer.decode(tokenizer.encode("语", bos=False)) == "语"


def test_bos_comes_first_unless_the_file_says_no(pieces):
    assert pieces("llama").encode("a")[0] == 1
    assert pieces("llama", add_bos_token=False).encode("a")[0] != 1


def test_merges_in_the_file_are_taken(pieces):
    tokenizer = pieces("llama", merges=["▁ t"])
    names = [tokenizer._library.id_to_token(id) for id in tokenizer.encode("the", bos=False)]
    assert names == ["▁t", "h", "e"]


def test_scores_decide_the_order_and_only_normal_tokens_merge():
    vocabulary = Vocabulary(["a", "b", "ab", "ba", "<ab>", "aba"], [1, 1, 1, 1, 3, 1], [0, 0, -2, -1, 0, -3], None)
    assert merges_by_score(vocabulary) == [("b", "a"), ("a", "b"), ("ab", "a"), ("a", "ba")]


def test_scores_are_required(pieces):
    with pytest.raises(ModelError, match=r"must come with tokenizer.ggml.scores"):
        pieces("llama", scores=None)
