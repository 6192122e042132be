"""The tokenizer of a Hugging Face folder and what the files beside it say."""

import json

import numpy as np
import pytest
from tokenizers import Tokenizer as Library
from tokenizers import decoders, models, pre_tokenizers, processors

from tabulae.errors import ModelError
from tabulae.sources import open_source
from tabulae.text.tokenizer import Tokenizer

WEIGHTS = {"model.safetensors": {"w": np.zeros((1, 1), dtype=np.float32)}}


def library(bos=False):
    made = Library(models.BPE({"a": 0, "b": 1, "ab": 2}, [("a", "b")]))
    made.pre_tokenizer, made.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    made.add_special_tokens(["<s>", "</s>", "<end>"])
    if bos:
        made.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 3)])
    return made


@pytest.fixture
def vocabulary(folder):
    def read(files=None, bos=False):
        with open_source(folder({"tokenizer.json": library(bos).to_str(), **(files or {})}, WEIGHTS)) as source:
            return source.vocabulary()

    return read


def test_tokenizer_json_is_kept_as_it_is(vocabulary):
    data = vocabulary()
    assert data.json == library().to_str()
    assert Tokenizer(data).encode("abb<s>") == [2, 1, 3]
    assert (data.bos, data.eos, data.add_bos, data.chat_template, data.special) == (None, (), False, None, {})


def test_special_tokens_in_both_spellings(vocabulary):
    data = vocabulary(
        {"tokenizer_config.json": {"bos_token": "<s>", "eos_token": {"content": "</s>", "lstrip": False}}}
    )
    assert (data.bos, data.eos, data.special) == (3, (4,), {"bos_token": "<s>", "eos_token": "</s>"})


def test_all_ends_of_all_files(vocabulary):
    files = {
        "generation_config.json": {"eos_token_id": [5, 4]},
        "config.json": {"eos_token_id": 4, "bos_token_id": 3},
        "tokenizer_config.json": {"eos_token": "<s>"},
    }
    data = vocabulary(files)
    assert (data.bos, data.eos) == (3, (5, 4, 3))


@pytest.mark.parametrize(
    ("said", "bos", "added"), [(None, True, True), (None, False, False), (False, True, False), (True, False, True)]
)
def test_bos_as_the_settings_say_else_as_the_tokenizer_does(vocabulary, said, bos, added):
    settings = {"bos_token": "<s>"} | ({} if said is None else {"add_bos_token": said})
    data = vocabulary({"tokenizer_config.json": settings}, bos)
    assert data.add_bos is added
    assert Tokenizer(data).encode("a") == ([3, 0] if added else [0])


@pytest.mark.parametrize(
    ("files", "template"),
    [
        ({"tokenizer_config.json": {"chat_template": "one"}}, "one"),
        ({"tokenizer_config.json": {"chat_template": [{"name": "tool", "template": "x"}]}}, None),
        ({"tokenizer_config.json": {"chat_template": [{"name": "default", "template": "two"}]}}, "two"),
        ({"tokenizer_config.json": {"chat_template": "one"}, "chat_template.jinja": "file"}, "file"),
    ],
)
def test_chat_templates(vocabulary, files, template):
    assert vocabulary(files).chat_template == template


def test_a_folder_without_tokenizer(folder):
    with open_source(folder(weights=WEIGHTS)) as source:
        assert source.vocabulary() is None


@pytest.mark.parametrize("name", ["tokenizer.model", "vocab.json", "spiece.model"])
def test_a_tokenizer_in_another_form(folder, name):
    message = rf"must be a tokenizer.json, but got only {name}; write one with transformers"
    with open_source(folder({name: "x"}, WEIGHTS)) as source, pytest.raises(ModelError, match=message):
        source.vocabulary()


@pytest.mark.parametrize("content", ["{", "{}", b"\xff\xfe"])
def test_a_malformed_tokenizer(folder, content):
    path, message = folder({"tokenizer.json": content}, WEIGHTS), r"tokenizer.json\] the file must be"
    with open_source(path) as source, pytest.raises(ModelError, match=message):
        source.vocabulary()


def test_malformed_settings(vocabulary):
    with pytest.raises(ModelError, match=r"tokenizer_config.json\] the file must hold a JSON object"):
        vocabulary({"tokenizer_config.json": json.dumps([1])})
