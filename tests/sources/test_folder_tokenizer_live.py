"""Folders with odd tokenizer files give the ids and special tokens that transformers' AutoTokenizer gives."""

import itertools
import json

import numpy as np
import pytest
from tokenizers import AddedToken, decoders, models, normalizers, pre_tokenizers, processors
from tokenizers import Tokenizer as Library

from tabulae.sources import open_source
from tabulae.text.tokenizer import Tokenizer

pytestmark = [pytest.mark.live, pytest.mark.filterwarnings("ignore")]

TEXTS = [
    "the other <x> thing",
    "<s>the <y>thing</s>",
    "  lead<x>",
    "a<x>  b <y>",
    "",
    "the\r\n<pad>the",
    "THE <x>the<z>",
]
FLAGS = {"lstrip": False, "rstrip": False, "single_word": False, "normalized": False, "special": True}
BASE = {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<s>", "eos_token": "</s>"}
X = {"content": "<x>", **FLAGS}


def byte_level(**changes):
    """267 tokens: the special ones, the bytes, six merges."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    merges = [("t", "h"), ("th", "e"), ("Ġ", "the"), ("i", "n"), ("e", "r"), ("<", "x")]
    tokens = ["<|endoftext|>", "<s>", "</s>", "<pad>", "<unk>", *alphabet, *(a + b for a, b in merges)]
    made = Library(models.BPE({token: id for id, token in enumerate(tokens)}, merges))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    made.add_special_tokens(["<|endoftext|>", "<s>", "</s>"])
    for name, value in changes.items():
        setattr(made, name, value)
    return made


def with_bos():
    return byte_level(post_processor=processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)]))


def with_x(**flags):
    made = byte_level()
    made.add_tokens([AddedToken("<x>", **flags)])
    return made


def padded(**how):
    made = byte_level()
    made.enable_padding(**{"pad_id": 0, "pad_token": "<|endoftext|>", **how})
    return made


X_ID = byte_level().get_vocab_size()
LISTED = {str(X_ID): X}
CASES = {
    "plain": {},
    "bos in the post-processor": {"library": with_bos()},
    "add_bos_token": {"settings": {"add_bos_token": True, "add_eos_token": True}},
    "no add_bos_token": {"library": with_bos(), "settings": {"add_bos_token": False}},
    "padding to a multiple": {"library": padded(pad_to_multiple_of=8), "settings": {"bos_token": "<|endoftext|>"}},
    "listed": {"settings": {"added_tokens_decoder": LISTED}},
    "listed twice": {"library": with_x(), "settings": {"added_tokens_decoder": LISTED}},
    "listed, strips": {"settings": {"added_tokens_decoder": {str(X_ID): X | {"lstrip": True, "rstrip": True}}}},
    "listed with other flags": {"library": with_x(lstrip=True), "settings": {"added_tokens_decoder": LISTED}},
    "listed, one word": {"settings": {"added_tokens_decoder": {str(X_ID): X | {"single_word": True}}}},
    "listed, not special": {"settings": {"added_tokens_decoder": {str(X_ID): {"content": "<x>"}}}},
    "listed and named": {
        "settings": {"added_tokens_decoder": {str(X_ID): X | {"special": False, "rstrip": True}}, "pad_token": "<x>"}
    },
    "additional list": {"settings": {"additional_special_tokens": ["<x>", "<y>"]}},
    "extra list": {"settings": {"extra_special_tokens": ["<y>", {"__type": "AddedToken", "content": "<x>"}]}},
    "extra by name": {"settings": {"extra_special_tokens": {"image_token": "<x>", "other_token": "<y>"}}},
    "of the model alone": {"settings": {"image_token": "<x>"}},
    "named, in the vocabulary": {"settings": {"pad_token": "<pad>"}},
    "named, new": {"settings": {"pad_token": "<x>", "sep_token": "<y>"}},
    "named as objects": {"settings": {"bos_token": {"__type": "AddedToken", "content": "<s>", "lstrip": True}}},
    "older list": {"added_tokens": {"<x>": X_ID, "<y>": X_ID + 1}},
    "older list, named": {"added_tokens": {"<x>": X_ID}, "settings": {"additional_special_tokens": ["<x>"]}},
    "older list, known id": {"added_tokens": {"<x>": 1}},
    "map of texts": {"special_tokens_map": {"bos_token": "</s>", "pad_token": "<x>"}},
    "map of objects": {"special_tokens_map": {"pad_token": {"content": "<x>", "lstrip": True, "normalized": True}}},
    "map and list": {
        "special_tokens_map": {"pad_token": "<y>"}, "settings": {"added_tokens_decoder": LISTED},
    },
    "no bos": {"settings": {"bos_token": None}},
    "class of Llama": {"settings": {"tokenizer_class": "LlamaTokenizerFast"}, "library": with_bos()},
    "class of GPT-2": {"settings": {"tokenizer_class": "GPT2Tokenizer", "bos_token": "<s>"}},
    "no settings, llama": {"settings": None},
    "no settings, gpt2": {"settings": None, "config": {"model_type": "gpt2"}},
    "normaliser": {"library": byte_level(normalizer=normalizers.Lowercase()), "settings": {"image_token": "<x>"}},
}  # fmt: skip


@pytest.fixture
def read(folder):
    transformers = pytest.importorskip("transformers")

    def both(library=None, settings=(), config=(), **others):
        files = {"tokenizer.json": (library or byte_level()).to_str(), "config.json": {"model_type": "llama"}}
        files["config.json"] |= dict(config)
        if settings is not None:
            files["tokenizer_config.json"] = BASE | dict(settings)
        files |= {f"{name}.json": content for name, content in others.items()}
        path = folder(files, {"model.safetensors": {"w": np.zeros((1, 1), dtype=np.float32)}})
        with open_source(path) as source:
            return Tokenizer(source.vocabulary()), transformers.AutoTokenizer.from_pretrained(path)

    return both


@pytest.mark.parametrize("name", CASES)
def test_the_same_ids(name, read):
    ours, theirs = read(**CASES[name])
    for text in TEXTS:
        assert ours.encode(text) == theirs(text, padding=False).input_ids
        assert ours.encode(text, bos=False) == theirs(text, add_special_tokens=False, padding=False).input_ids
    assert ours.data.special == dict(theirs.special_tokens_map)
    assert ours.vocabulary() == theirs.get_vocab()


@pytest.mark.parametrize("name", ["Qwen2Tokenizer", "GPT2Tokenizer", "LlamaTokenizer", "GemmaTokenizer"])
@pytest.mark.parametrize("named", [True, False])
def test_folders_that_a_class_saved(name, named, folder):
    """Written by ``save_pretrained`` and read without the class's name, where the model's type tells it."""
    transformers = pytest.importorskip("transformers")
    pieces = "Llama" in name or "Gemma" in name
    tokens = ["<unk>", "<s>", "</s>", "<bos>", "<eos>", "<pad>", "<mask>", "<|endoftext|>"]
    tokens += [f"<0x{byte:02X}>" for byte in range(256)] if pieces else sorted(pre_tokenizers.ByteLevel.alphabet())
    tokens += ["▁", *"abcdehinrstu", "th", "the", "▁the"] if pieces else ["th", "the", "Ġthe"]
    merges = [("t", "h"), ("th", "e"), ("▁" if pieces else "Ġ", "the")]
    made = getattr(transformers, name)({token: id for id, token in enumerate(tokens)}, merges)
    types = {"Qwen2Tokenizer": "qwen2", "GPT2Tokenizer": "gpt2", "LlamaTokenizer": "llama"}
    config = {"model_type": types.get(name, "gemma3_text")}
    path = folder({"config.json": config}, {"model.safetensors": {"w": np.zeros((1, 1), dtype=np.float32)}})
    made.save_pretrained(path)
    if not named:
        settings = json.loads((path / "tokenizer_config.json").read_text())
        del settings["tokenizer_class"]
        (path / "tokenizer_config.json").write_text(json.dumps(settings))
    theirs = transformers.AutoTokenizer.from_pretrained(path)
    with open_source(path) as source:
        ours = Tokenizer(source.vocabulary())
    for text, bos in itertools.product([*TEXTS, "<|endoftext|>the", "<unk>"], (None, False)):
        assert ours.encode(text, bos) == theirs(text, add_special_tokens=bos is None).input_ids
    assert ours.vocabulary() == theirs.get_vocab()
