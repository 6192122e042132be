"""``tabulae info``: formats, tensors, statistics."""

import json

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from tiny_folder import write_folder

UP = "model.layers.0.mlp.up_proj.weight"
GATE = "model.layers.0.mlp.gate_proj.weight"
ZERO = "model.layers.1.self_attn.v_proj.weight"


@pytest.fixture
def odd_folder(tmp_path):
    """The tiny model with a tensor that is all zero, one that stands there twice, and two dead rows."""
    folder = write_folder(tmp_path / "odd")
    tensors = load_file(folder / "model.safetensors")
    tensors[ZERO][:] = 0
    tensors[UP][[3, 5]] = 0
    tensors[GATE] = tensors[UP].copy()
    save_file(tensors, folder / "model.safetensors")
    return folder


def test_info(tabulae, tiny_tab):
    code, out, _ = tabulae("info", tiny_tab, "--tensors")
    assert code == 0 and "max / RMS" not in out
    for word in ("someone", "normal:4/g64/signmax", "2 layers, 4 heads", "model.layers.1.mlp.down_proj.weight"):
        assert word in out


def test_info_of_a_trained_model(tabulae, tiny_folder):
    code, out, _ = tabulae("info", tiny_folder, "--json")
    found = json.loads(out)
    assert code == 0 and found["formats"][0]["format"] == "F32" and 50_000 < found["built"] < found["file_bytes"]
    assert "statistics" not in found


def test_the_forecast_is_of_the_whole_file(tabulae, tiny_folder, tiny_tab):
    """Tokenizer and header too. Too much by what room is made for: codepoints of 16 bits, and digits of offsets."""
    found = json.loads(tabulae("info", tiny_folder, "--json")[1])
    size, tables = tiny_tab.stat().st_size, sum("proj" in tensor["name"] for tensor in found["tensors"]) + 2
    assert size <= found["built"] <= size + 128 * tables


def test_statistics(tabulae, odd_folder):
    code, out, _ = tabulae("info", odd_folder, "--statistics")
    lines = {words[0]: words[1:] for line in out.splitlines() if len(words := line.split()) > 3}
    assert code == 0 and lines[UP][-1] == "2" and lines[UP][:3] == lines[GATE][:3]
    assert lines[ZERO][-1] == "32" and "all zero" in " ".join(lines[ZERO])
    assert f"all zero       {ZERO}: next to nothing in any format" in out
    assert f"equal          {GATE}, {UP}" in out or f"equal          {UP}, {GATE}" in out


def test_statistics_as_json(tabulae, odd_folder):
    code, out, err = tabulae("info", odd_folder, "--statistics", "--json")
    found = json.loads(out)
    surveyed = found["statistics"]
    assert code == 0 and err == "" and found["weights"] > 0
    assert surveyed["all_zero"] == [ZERO] and sorted(surveyed["duplicates"]) == [sorted([UP, GATE], key=out.index)]
    assert surveyed["tensors"][ZERO]["fit"] is None and surveyed["tensors"][UP]["dead_rows"] == 2


def test_statistics_of_a_table_model(tabulae, tiny_tab, tiny_folder):
    """Its weights are the rounded ones: about as large, and of few values."""
    stored, trained = (
        json.loads(tabulae("info", path, "--statistics", "--json")[1])["statistics"]["tensors"]
        for path in (tiny_tab, tiny_folder)
    )
    assert stored.keys() == trained.keys()
    for name, one in stored.items():
        assert one["shape"] == trained[name]["shape"]
        assert np.isclose(one["rms"], trained[name]["rms"], rtol=0.05)


def test_statistics_of_weights_that_are_no_numbers(tabulae, odd_folder):
    tensors = load_file(odd_folder / "model.safetensors")
    tensors[UP][1, 2] = np.nan
    save_file(tensors, odd_folder / "model.safetensors")
    code, _, err = tabulae("info", odd_folder, "--statistics")
    assert code == 1 and UP in err and len(err.strip().splitlines()) == 1
