from pathlib import Path

import numpy as np
import pytest
from tiny_folder import CONFIGS, write_folder
from tiny_tables import float_model

import tabulae
from tabulae.study.data_free import data_free
from tabulae.study.sensitivity import checked

DOWN = "model.layers.1.mlp.down_proj.weight"
EMBEDDING, HEAD = "model.embed_tokens.weight", "lm_head.weight"


class Weights:
    """A tiny model in memory that counts what is read."""

    fingerprint = "m"

    def __init__(self, name: str = "llama") -> None:
        self.program, self.weights = float_model(name)
        self.read_rows_of: dict[str, int] = {}

    def shape(self, name: str) -> tuple[int, ...]:
        return self.weights[name].shape

    def read(self, name: str) -> np.ndarray:
        assert self.weights[name].ndim == 1, "a matrix must not be read whole"
        return self.weights[name]

    def read_rows(self, name: str, rows: np.ndarray) -> np.ndarray:
        self.read_rows_of[name] = self.read_rows_of.get(name, 0) + len(rows)
        return self.weights[name][rows]


@pytest.mark.parametrize("name", CONFIGS)
def test_every_table_of_every_architecture_has_a_value_and_the_head_the_largest(name: str) -> None:
    model = Weights(name)
    found = data_free(model)
    assert checked(found, "m", model.program.tables()) is found
    assert (found.source, found.text, found.se) == ("data-free", None, None)
    assert min(found.values.values()) > 0
    head = model.program.linears()[-1]
    assert max(found.values, key=found.values.__getitem__) == head
    assert data_free(model) == found


def test_the_head_costs_half_the_energy_of_the_logits() -> None:
    model = Weights()
    gain, w = model.weights["model.norm.weight"], model.weights[HEAD]
    expected = 0.5 * ((w * gain).astype(np.float64) ** 2).sum(1).mean()
    assert data_free(model).values[HEAD] == pytest.approx(expected, rel=1e-6)
    x = np.random.default_rng(0).standard_normal((4000, 64)) * gain  # as a norm leaves it
    assert np.square(x @ w.T).mean() / 2 == pytest.approx(expected, rel=0.05)


def test_all_others_share_alike_but_for_spikes() -> None:
    values = data_free(Weights()).values
    share = values[HEAD] / 6 / 5  # four writers and the embedding
    inner = [name for name in values if name != HEAD and "o_proj" not in name and "down_proj" not in name]
    assert {round(values[name] / share, 9) for name in inner} == {1.0}
    assert all(share <= value * (1 + 1e-9) for value in values.values())
    tied = data_free(Weights("qwen2")).values
    assert tied[EMBEDDING] > sum(tied.values()) - tied[EMBEDDING]


def test_a_huge_weight_in_a_damped_column_is_found() -> None:
    model = Weights()
    row = 17
    for name, weight in model.weights.items():
        if weight.shape == (64,) and "norm" in name:
            weight[row] *= 0.05
    calm = data_free(model).values
    model.weights[DOWN][row, 7] = 12.0
    found = data_free(model).values
    assert found[DOWN] > 50 * calm[DOWN]
    assert sorted(found, key=found.__getitem__)[-2:] in ([DOWN, HEAD], [HEAD, DOWN])
    model.weights[DOWN][:] = 0
    assert data_free(model).values[DOWN] == data_free(model).values["model.layers.0.mlp.up_proj.weight"]


def test_few_rows_are_read_and_only_of_writers_and_the_head() -> None:
    model = Weights()
    model.weights = {name: np.tile(w, (64, 1)) if name == HEAD else w for name, w in model.weights.items()}
    data_free(model)
    assert set(model.read_rows_of) == {HEAD, *(n for n in model.program.linears() if "o_proj" in n or "down" in n)}
    assert model.read_rows_of[HEAD] == (1 << 16) // 64
    assert all(rows <= 64 + 8 for name, rows in model.read_rows_of.items() if name != HEAD)


def test_a_folder_on_disk(tmp_path: Path) -> None:
    with tabulae.open(write_folder(tmp_path / "tiny", "gpt2")) as model:
        found = data_free(model)
        assert found.model == model.fingerprint and found.values.keys() == set(model.program.tables())
