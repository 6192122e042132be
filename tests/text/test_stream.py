"""Streaming never shows half a character and gives exactly the decoding of all ids."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st


def streamed(tokenizer, ids, skip_special=False):
    stream = tokenizer.stream(skip_special)
    pieces = [stream.push(id) for id in ids]
    return [*pieces, stream.finish()]


@pytest.fixture(scope="module")
def tokenizers(byte_level, pieces):
    return {"gpt-2": byte_level("gpt-2"), "llama": pieces("llama"), "gemma": pieces("gemma")}


@pytest.mark.parametrize("name", ["gpt-2", "llama", "gemma"])
@given(data=st.data(), skip_special=st.booleans())
@settings(max_examples=150, deadline=None)
def test_any_ids_join_to_the_decoding_of_all(name, tokenizers, data, skip_special):
    tokenizer = tokenizers[name]
    ids = data.draw(st.lists(st.integers(0, tokenizer.size - 1), max_size=30))
    assert "".join(streamed(tokenizer, ids, skip_special)) == tokenizer.decode(ids, skip_special)


@pytest.mark.parametrize("name", ["gpt-2", "llama", "gemma"])
@given(text=st.text(max_size=20))
@settings(max_examples=100, deadline=None)
def test_text_comes_in_whole_characters(name, tokenizers, text):
    tokenizer = tokenizers[name]
    pieces = streamed(tokenizer, tokenizer.encode(text, bos=False))
    assert "".join(pieces) == tokenizer.decode(tokenizer.encode(text, bos=False))
    if "\ufffd" not in text:
        assert not any("\ufffd" in piece for piece in pieces)


def test_a_character_of_four_bytes_comes_with_its_last(byte_level):
    tokenizer = byte_level("gpt-2")
    ids = [tokenizer._library.token_to_id(character) for character in "ðŁĴ¡"]  # the bytes F0 9F 92 A1
    assert streamed(tokenizer, ids) == ["", "", "", "💡", ""]


def test_a_wrong_byte_after_a_run_of_bytes_changes_the_run(pieces):
    tokenizer = pieces("llama")
    ids = [tokenizer._library.token_to_id(f"<0x{byte:02X}>") for byte in b"\xc3\xa9\xff"]
    assert tokenizer.decode(ids) == "\ufffd\ufffd\ufffd"  # so the good é before it must not have been shown
    assert streamed(tokenizer, ids) == ["", "", "", "\ufffd\ufffd\ufffd"]


def test_a_skipped_token_does_not_end_a_run_of_bytes(pieces):
    tokenizer = pieces("llama")
    ids = [tokenizer._library.token_to_id(token) for token in ("<0x41>", "</s>", "<0xFF>")]
    assert "".join(streamed(tokenizer, ids, skip_special=True)) == tokenizer.decode(ids, skip_special=True)


def test_what_is_held_back_comes_at_the_end(byte_level):
    tokenizer = byte_level("gpt-2")
    stream = tokenizer.stream()
    assert stream.push(tokenizer._library.token_to_id("ð")) == ""
    assert stream.finish() == "\ufffd"
    assert stream.finish() == ""
    assert stream.push(tokenizer.encode("a")[0]) == "a"


def test_the_leading_space_of_later_words_stays(pieces):
    tokenizer = pieces("llama")
    assert "".join(streamed(tokenizer, tokenizer.encode("and the table"), skip_special=True)) == "and the table"
