"""Every ``tokenizer.*`` key of a GGUF file is read, known to change nothing, or refused by name."""

import pytest

from tabulae.errors import ModelError
from tabulae.text import gguf_keys

KINDS = (gguf_keys.READ, set(gguf_keys.HARMLESS), set(gguf_keys.OFF))


@pytest.mark.parametrize("key", sorted(gguf_keys.OFF))
def test_keys_that_must_be_off(key):
    gguf_keys.check({key: False})
    gguf_keys.check({key: []})
    for on in (True, [1]):
        with pytest.raises(ModelError, match=rf"{key} must be off, but got .*; it "):
            gguf_keys.check({key: on})


@pytest.mark.parametrize("key", ["tokenizer.ggml.lowercase", "tokenizer.rwkv.world", "tokenizer.ggml.Tokens"])
def test_unknown_keys(key):
    with pytest.raises(ModelError, match=rf"every tokenizer key of the file must be known, but got {key}"):
        gguf_keys.check({"general.name": "x", key: 1})


def test_all_names_that_the_gguf_package_can_write_are_known():
    keys = pytest.importorskip("gguf.constants").Keys.Tokenizer
    names = {value for name, value in vars(keys).items() if not name.startswith("_")}
    unknown = names - {"tokenizer.rwkv.world", "tokenizer.chat_template.{name}"} - set().union(*KINDS)
    assert not unknown


def test_no_key_is_of_two_kinds():
    assert sum(map(len, KINDS)) == len(set().union(*KINDS))


def test_further_templates_change_nothing():
    gguf_keys.check({"tokenizer.chat_template.rag": "{{ x }}", "tokenizer.chat_templates": ["rag"]})


@pytest.mark.parametrize("value", ["false", 0, [True]])
def test_flags_are_bools(value):
    with pytest.raises(ModelError, match="add_space_prefix must be true or false"):
        gguf_keys.flag({"tokenizer.ggml.add_space_prefix": value}, "add_space_prefix", True)
