"""A trained model: rows that were asked for, whatever the source does to its tensors; with its tokenizer or without."""

import json

import numpy as np
import pytest
from tiny_folder import write_folder

import tabulae
from tabulae.errors import ModelError, UsageError
from tabulae.program.architectures import _origin

ROWS = np.array([0, 3, 15])


@pytest.mark.parametrize("few", [1, 10**6], ids=["one by one", "from the whole tensor"])
@pytest.mark.parametrize("name", ["llama", "gpt2", "falcon", "gemma3"])
def test_rows_are_those_of_the_whole_tensor(name, few, tmp_path, monkeypatch):
    """gpt2 is stored transposed and falcon fused; gemma3's norms are shifted."""
    monkeypatch.setattr(_origin, "FEW", few)
    with tabulae.open(write_folder(tmp_path / name, name)) as model:
        for tensor in model.names:
            if len(model.shape(tensor)) == 2:
                np.testing.assert_array_equal(model.read_rows(tensor, ROWS), model.read(tensor)[ROWS])


def test_rows_of_a_gguf(smollm2):
    """Queries and keys are stored in another order of rows there."""
    with tabulae.open(smollm2) as model:
        for part in ("q", "k", "v"):
            name = f"model.layers.0.self_attn.{part}_proj.weight"
            np.testing.assert_array_equal(model.read_rows(name, ROWS), model.read(name)[ROWS])


def test_a_large_tensor_is_not_read_for_a_few_rows(tiny_folder, monkeypatch):
    with tabulae.open(tiny_folder) as model:
        seen, read = [], model.source.read
        monkeypatch.setattr(model.source, "read", lambda name, rows=None: seen.append(rows) or read(name, rows))
        model.read_rows("model.embed_tokens.weight", ROWS)
        assert seen == [slice(row, row + 1) for row in ROWS]


@pytest.fixture
def misfit(tmp_path):
    """A model whose tokenizer has a token more than its embedding."""
    path = write_folder(tmp_path / "misfit")
    settings = json.loads((path / "tokenizer_config.json").read_text())
    (path / "tokenizer_config.json").write_text(json.dumps({**settings, "pad_token": "<pad>"}))
    return path


def test_a_tokenizer_that_does_not_fit_is_refused_before_weights_are_read(misfit, monkeypatch):
    with tabulae.open(misfit) as model:
        monkeypatch.setattr(model.source, "read", lambda *_: pytest.fail("read too early"))
        for use in (
            model.load,
            lambda: model.build(misfit.with_suffix(".tab")),
            lambda: model.plan(bits=9.0, by="data-free"),
        ):
            with pytest.raises(ModelError, match=r"1 that have none, as '<pad>' with id 300; .*--without-tokenizer"):
                use()
    assert not misfit.with_suffix(".tab").exists()


def test_a_model_without_its_tokenizer_runs_on_ids(misfit, tiny_folder, tmp_path):
    """The same integers: only the text is gone."""
    with tabulae.open(misfit, tokenizer=False) as model, tabulae.open(tiny_folder) as whole:
        paths = model.build(tmp_path / "bare.tab"), whole.build(tmp_path / "whole.tab")
    with tabulae.load(paths[0], threads=1) as bare, tabulae.load(paths[1], threads=1) as lm:
        assert np.array_equal(bare.logits([5, 6, 7]), lm.logits([5, 6, 7]))
        told = [model.generate([5, 6, 7], max_tokens=5) for model in (bare, lm)]
        assert (told[0].tokens, told[0].text) == (told[1].tokens, "") and told[1].text
        with pytest.raises(ModelError, match=r"\[tokenizer\] the model must bring one, but got none; give token ids"):
            bare.generate("the inn")
    assert paths[0].stat().st_size < paths[1].stat().st_size


def test_without_a_tokenizer_no_text_can_be_measured(misfit):
    with tabulae.open(misfit, tokenizer=False) as model:
        assert model.plan(bits=9.0, by="data-free").totals.bits <= 9.0
        with pytest.raises(UsageError, match="must bring a tokenizer for it, but got none; --by data-free --no-verify"):
            model.plan(bits=9.0, by="measured")
