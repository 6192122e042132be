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


@pytest.mark.parametrize("said", [None, True, False])
@pytest.mark.parametrize("does", [True, False])
def test_bos_is_added_where_tokenizer_json_does_it_whatever_the_settings_say(vocabulary, said, does):
    """As transformers 5.24, which drops ``add_bos_token`` where there is a tokenizer.json."""
    settings = {"bos_token": "<s>"} | ({} if said is None else {"add_bos_token": said})
    data = vocabulary({"tokenizer_config.json": settings}, does)
    assert data.add_bos is does
    assert Tokenizer(data).encode("a") == ([3, 0] if does else [0])


def test_what_tokenizer_json_puts_first_is_bos_without_a_name(vocabulary):
    data = vocabulary({"config.json": {"bos_token_id": 5}}, bos=True)
    assert (data.bos, data.add_bos) == (3, True)


@pytest.mark.parametrize(
    ("single", "got"), [("$A </s>", "a </s>"), ("<s> $A </s>", "<s> a </s>"), ("<s> <end> $A", "<s> <end> a")]
)
def test_other_tokens_around_a_text_are_refused(vocabulary, single, got):
    made, ids = library(), {"<s>": 3, "</s>": 4, "<end>": 5}
    made.post_processor = processors.TemplateProcessing(single=single, special_tokens=list(ids.items()))
    with pytest.raises(ModelError, match=rf"nothing around a text but one token before it, but got '{got}' for 'a'"):
        vocabulary({"tokenizer.json": made.to_str()})


def test_padding_truncation_and_dropout_are_off(vocabulary):
    """Saved after a padded batch, with BOS for padding: nothing looks like a BOS that is added."""
    made = library()
    made.enable_padding(direction="left", length=8, pad_id=3, pad_token="<s>")
    made.enable_truncation(1)
    made.model.dropout = 1.0
    data = vocabulary({"tokenizer.json": made.to_str(), "tokenizer_config.json": {"bos_token": "<s>"}})
    assert not data.add_bos
    assert Library.from_str(data.json).encode("abab").ids == [2, 2]


@pytest.mark.parametrize(
    "files",
    [
        {"tokenizer_config.json": {"added_tokens_decoder": {"6": {"content": "<x>", "special": True}}}},
        {"tokenizer_config.json": {"additional_special_tokens": ["<x>"]}},
        {"tokenizer_config.json": {"extra_special_tokens": {"x_token": "<x>"}}},
        {"tokenizer_config.json": {"x_token": {"content": "<x>"}}},
        {"tokenizer_config.json": {"pad_token": "<x>"}},
        {"special_tokens_map.json": {"sep_token": {"content": "<x>", "lstrip": False}}},
        {"special_tokens_map.json": {"additional_special_tokens": ["<x>"]}},
        {"added_tokens.json": {"<x>": 6}},
    ],
)
def test_tokens_that_stand_beside_tokenizer_json(vocabulary, files):
    assert Tokenizer(vocabulary(files)).encode("a<x>b") == [0, 6, 1]


def test_flags_beside_tokenizer_json_count(vocabulary):
    listed = {"3": {"content": "<s>", "lstrip": True, "rstrip": True, "special": True}}
    data = vocabulary({"tokenizer_config.json": {"added_tokens_decoder": listed}})
    assert Tokenizer(data).encode("a  <s> b") == [0, 3, 1]


def test_older_files_do_not_count_beside_a_list_in_the_settings(vocabulary):
    files = {"special_tokens_map.json": {"bos_token": "<s>"}, "added_tokens.json": {"<x>": 6}}
    data = vocabulary({**files, "tokenizer_config.json": {"added_tokens_decoder": {}}})
    assert data.special == {}
    assert 6 not in Tokenizer(data).encode("<x>")


def test_added_tokens_of_tokenizer_json_go_before_the_older_file(vocabulary):
    assert Tokenizer(vocabulary({"added_tokens.json": {"<other>": 3}})).encode("<s>") == [3]


def test_a_class_s_special_token_that_the_vocabulary_lacks_is_left_out(vocabulary):
    data = vocabulary({"config.json": {"model_type": "gpt2"}})
    assert data.special == {}
    assert Tokenizer(data).size == library().get_vocab_size()


@pytest.mark.parametrize(
    ("config", "settings", "special"),
    [
        ({"model_type": "gpt2"}, {}, ["bos_token", "eos_token", "unk_token"]),
        ({"model_type": "llama"}, {}, []),
        ({"model_type": "llama"}, {"tokenizer_class": "GPT2TokenizerFast"}, ["bos_token", "eos_token", "unk_token"]),
        ({"model_type": "qwen2"}, {"tokenizer_class": "LlamaTokenizer"}, ["eos_token", "unk_token", "pad_token"]),
        ({"model_type": "qwen3"}, {"eos_token": None}, ["unk_token", "pad_token"]),
        ({"model_type": "gpt2"}, {"tokenizer_class": "PreTrainedTokenizerFast"}, []),
    ],
)
def test_special_tokens_that_a_class_has_unnamed(vocabulary, config, settings, special):
    made = library()
    made.add_special_tokens(["<|endoftext|>"])
    files = {"config.json": config, "tokenizer_config.json": settings, "tokenizer.json": made.to_str()}
    assert vocabulary(files).special == dict.fromkeys(special, "<|endoftext|>")


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


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"tokenizer_class": ["x"]}, r"tokenizer_class must be a name"),
        ({"bos_token": 7}, r"bos_token must hold tokens: a text, or an object with content and flags, but got 7"),
        ({"bos_token": {"lstrip": True}}, r"bos_token must hold tokens"),
        ({"bos_token": {"content": "<s>", "lstrip": "yes"}}, r"bos_token must hold tokens"),
        ({"extra_special_tokens": "<x>"}, r"extra_special_tokens must be a list of tokens, or tokens by name"),
        ({"added_tokens_decoder": [1]}, r"added_tokens_decoder must hold tokens by id"),
        ({"added_tokens_decoder": {"six": {"content": "<x>"}}}, r"id must be an integer, but got 'six'"),
        ({"added_tokens_decoder": {"6": "<x>"}, "split_special_tokens": True}, r"must be found in texts"),
        ({"added_tokens_decoder": {"9": {"content": "<x>"}}}, r"'<x>' must get the id .* names, 9, but got 6; save"),
        ({"added_tokens_decoder": {"1": {"content": "<s>"}}}, r"'<s>' must get the id .* names, 1, but got 3"),
        ({"add_prefix_space": True, "tokenizer_class": "GPT2Tokenizer"}, r"add_prefix_space .* False, but got True"),
    ],
)
def test_settings_that_are_refused(vocabulary, settings, message):
    with pytest.raises(ModelError, match=message):
        vocabulary({"tokenizer_config.json": settings})


@pytest.mark.parametrize("value", ["2", 2.0, True, [2, "3"], {"id": 2}])
@pytest.mark.parametrize("name", ["bos_token_id", "eos_token_id"])
def test_ids_are_integers(vocabulary, name, value):
    with pytest.raises(ModelError, match=rf"{name} must be an integer, or a list of them"):
        vocabulary({"config.json": {name: value}})


@pytest.mark.parametrize("id", [0, 3, 9])
def test_added_tokens_of_tokenizer_json_have_the_ids_that_it_names(vocabulary, id):
    """The library would number them anew: taken or far ids become the next free one."""
    document = json.loads(library().to_str())
    document["added_tokens"][1]["id"] = id
    with pytest.raises(ModelError, match=rf"'</s>' must get the id that the folder names, {id}, but got 4"):
        vocabulary({"tokenizer.json": json.dumps(document)})


def test_added_ids_are_integers(vocabulary):
    with pytest.raises(ModelError, match="an added token's id must be an integer, but got True"):
        vocabulary({"added_tokens.json": {"<x>": True}})


def test_a_tokenizer_that_cannot_encode(vocabulary):
    broken = Library(models.WordLevel({"b": 0}, unk_token="<unk>"))
    with pytest.raises(ModelError, match=r"tokenizer.json must encode 'a'"):
        vocabulary({"tokenizer.json": broken.to_str()})


def test_malformed_settings(vocabulary):
    with pytest.raises(ModelError, match=r"tokenizer_config.json\] the file must hold a JSON object"):
        vocabulary({"tokenizer_config.json": json.dumps([1])})
