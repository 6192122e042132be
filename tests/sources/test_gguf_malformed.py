"""One test per way in which a GGUF file can be wrong: always a ModelError that says what and where."""

import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tabulae.errors import ModelError, TabulaeError
from tabulae.sources import open_source
from tabulae.sources.gguf import GGUFSource


def refused(path, message):
    with pytest.raises(ModelError, match=message):
        open_source(path)


def test_an_empty_file(gguf_file):
    refused(gguf_file(raw=b""), "must not be empty, but got 0 bytes")


def test_other_content(gguf_file):
    refused(gguf_file(raw=b"<html>not found</html>"), r"begin with the bytes 'GGUF', but got b'<htm'")


@pytest.mark.parametrize("version", [0, 1, 4, 3 << 24])
def test_an_unknown_version(gguf_file, version):
    refused(gguf_file(version=version), rf"version must be 2 or 3, little-endian, but got {version}")


@pytest.mark.parametrize("counts", [(2**63, 0), (0, 2**63), (2**64 - 1, 2**64 - 1), (5, 0)])
def test_absurd_counts(gguf_file, counts):
    refused(gguf_file(counts=counts), r"declares must lie inside the file, but got a count of")


def test_a_string_longer_than_the_file(gguf_file):
    value = struct.pack("<IQ", 8, 2**62)
    refused(gguf_file(fields=[("general.name", value)]), r"general.name at bytes .* in a file of")


def test_an_array_longer_than_the_file(gguf_file):
    value = struct.pack("<IIQ", 9, 4, 2**61)
    refused(gguf_file(fields=[("numbers", value)]), r"numbers at bytes")


def test_an_array_of_too_many_strings(gguf_file):
    value = struct.pack("<IIQ", 9, 8, 2**40)
    refused(
        gguf_file(fields=[("words", value)]), r"'words' must hold numbers or at most 16,777,216 strings, but got 1,099"
    )


def test_an_array_of_arrays(gguf_file):
    value = struct.pack("<IIQ", 9, 9, 1)
    refused(gguf_file(fields=[("nested", value)]), r"'nested' must hold numbers .* but got 1 of type 9")


def test_an_unknown_field_type(gguf_file):
    refused(gguf_file(fields=[("x", struct.pack("<I", 13))]), r"type of field 'x' must be one of 0..12, but got 13")


def test_a_field_twice(gguf_file):
    refused(gguf_file(fields=[("x", 1), ("x", 2)]), r"fields must have distinct names, but got 'x'")


def test_text_that_is_not_utf8(gguf_file, write_parts):
    value = struct.pack("<I", 8) + write_parts["text"](b"\xff\xfe")
    refused(gguf_file(fields=[("general.name", value)]), r"text of general.name must be UTF-8")


def test_tokens_that_are_not_utf8(gguf_file, write_parts):
    value = struct.pack("<IIQ", 9, 8, 1) + write_parts["text"](b"\xff")
    path = gguf_file(fields=[("tokenizer.ggml.model", "gpt2"), ("tokenizer.ggml.tokens", value)])
    with open_source(path) as source, pytest.raises(ModelError, match=r"tokenizer.ggml.tokens must be UTF-8"):
        source.vocabulary()


@pytest.mark.parametrize("value", [struct.pack("<II", 4, 0), struct.pack("<II", 4, 3), "32"])
def test_a_bad_alignment(gguf_file, value):
    refused(gguf_file(fields=[("general.alignment", value)]), "general.alignment must be a power of two")


def test_a_tensor_twice(gguf_file, write_parts):
    entry = write_parts["tensor"]("w", (2,), 0, 0)
    refused(gguf_file(tensors=[entry, entry], data=bytes(8)), "tensors must have distinct names, but got 'w'")


@pytest.mark.parametrize("axes", [0, 5, 2**32 - 1])
def test_a_bad_number_of_axes(gguf_file, write_parts, axes):
    entry = write_parts["text"]("w") + struct.pack("<I", axes) + bytes(64)
    refused(gguf_file(tensors=[entry]), rf"'w' must have 1 to 4 axes, but got {axes:,}")


@pytest.mark.parametrize("shape", [(2, 33), (0, 32), (16, 0)])
def test_a_shape_without_whole_blocks(gguf_file, write_parts, shape):
    entry = write_parts["tensor"]("w", shape, 2, 0)
    refused(gguf_file(tensors=[entry], data=bytes(64)), r"'w' of type Q4_0 must have whole blocks of 32, but got shape")


@pytest.mark.parametrize("kind", [4, 5, 31, 99, 2**32 - 1])
def test_an_unknown_tensor_type(gguf_file, write_parts, kind):
    entry = write_parts["tensor"]("w", (2, 32), kind, 0)
    refused(
        gguf_file(tensors=[entry]), rf"type of tensor 'w' must be known, but got type {kind}; accepted: BF16, F16, "
    )


@pytest.mark.parametrize(("shape", "offset"), [((2, 3), 0), ((1, 1), 32), ((2**62, 4), 0), ((1, 1), 2**63)])
def test_a_tensor_outside_the_file(gguf_file, write_parts, shape, offset):
    entry = write_parts["tensor"]("w", shape, 0, offset)
    refused(
        gguf_file(tensors=[entry], data=bytes(20)), r"declares must lie inside the file, but got tensor 'w' at bytes"
    )


def test_a_model_in_parts(gguf_file):
    value = struct.pack("<IH", 2, 3)
    refused(gguf_file(fields=[("split.count", value)]), r"must be one file, but got a model in 3 parts; join them")


def test_truncation_at_every_byte(gguf_file, small_gguf):
    for size in range(len(small_gguf)):
        refused(gguf_file(raw=small_gguf[:size]), r"\[.*model.gguf\] .* must ")


@given(data=st.data())
@settings(max_examples=300, deadline=None)
def test_any_damage_gives_our_errors_only(tmp_path_factory, small_gguf, data):
    damaged = bytearray(small_gguf)
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "damaged.gguf"
    path.write_bytes(damaged)
    try:
        with GGUFSource(path) as source:
            source.vocabulary()
            assert all(np.isfinite(source.read(name)).all() for name in source.names)
    except TabulaeError as error:
        assert "must" in str(error)
