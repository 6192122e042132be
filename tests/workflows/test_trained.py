"""Rows of a trained model: those that were asked for, whatever the source does to its tensors."""

import numpy as np
import pytest
from tiny_folder import write_folder

import tabulae
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
