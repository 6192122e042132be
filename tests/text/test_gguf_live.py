"""Tokenizers of GGUF files give the ids that transformers gives for the same file, for every split that it knows."""

from pathlib import Path

import pytest

from tabulae.sources import open_source
from tabulae.text.byte_level import SPLITS
from tabulae.text.tokenizer import Tokenizer

pytestmark = [pytest.mark.live, pytest.mark.filterwarnings("ignore")]
OWN = {"smollm", "starcoder", "refact", "falcon", "deepseek-coder"}  # which transformers splits as GPT-2


def write(path: Path, content, **more) -> Path:
    """A GGUF file with this byte-level vocabulary, as llama.cpp's converter writes it."""
    import gguf

    writer = gguf.GGUFWriter(path / "model.gguf", "llama")
    writer.add_block_count(1)
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(content["tokens"])
    writer.add_token_types([3] * 3 + [1] * (len(content["tokens"]) - 3))
    writer.add_token_merges([" ".join(pair) for pair in content["merges"]])
    writer.add_bos_token_id(0)
    for name, value in more.items():
        kind = {bool: "bool", int: "uint32", str: "string"}[type(value)]
        getattr(writer, f"add_{kind}")(f"tokenizer.ggml.{name}", value)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    return path / "model.gguf"


def both(path):
    transformers = pytest.importorskip("transformers")
    with open_source(path) as source:
        ours = Tokenizer(source.vocabulary())
    return ours, transformers.AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name)


@pytest.mark.parametrize("name", sorted(set(SPLITS) - OWN))
def test_splits(name, fixture, tmp_path):
    content = fixture("byte_level")
    ours, theirs = both(write(tmp_path, content, pre=name))
    composes = SPLITS[name].composes  # so does Qwen2's own tokenizer; transformers leaves that out for GGUF files
    for line in content["lines"]:
        if not (composes and "combining" in line):
            assert ours.encode(line, bos=False) == theirs(line, add_special_tokens=False).input_ids


@pytest.mark.parametrize("add", [True, False])
def test_bos(add, fixture, tmp_path):
    ours, theirs = both(write(tmp_path, fixture("byte_level"), pre="gpt-2", add_bos_token=add))
    assert ours.encode("the table") == theirs("the table").input_ids


def test_splits_that_transformers_knows_and_we_do_not():
    """Qwen 3.5 is an architecture of its own."""
    mapping = pytest.importorskip("transformers.integrations.gguf.gguf_tokenizer_mapping")
    assert set(mapping.GGUF_PRE_TOKENIZER_SPLITS) - set(SPLITS) == {"qwen35"}
