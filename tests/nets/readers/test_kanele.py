"""Published KANs: their tables as they are, the published answers on MNIST; what does not fit is refused."""

import ctypes
import json
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from tabulae.errors import FileError, ModelError
from tabulae.nets.readers.kanele import read
from tabulae.program.interpreter import Interpreter
from tabulae.program.net import Reading
from tabulae.runtime.net import NetModel
from tabulae.targets.c.emit import emit
from tabulae.targets.folder import write

DATA = Path(os.environ.get("TABULAE_DATA", "data"))


def saved(folder, edges=None, **config):
    """A net of two inputs of 1 bit, one sum of 2 bits, and one output."""
    known = {"layers": [2, 1, 1], "layers_bitwidth": [1, 2, 2], "grid_size": 30} | config
    tables = {
        "0_0_0": {"acive": 1, "values_int": [-3, 1]},
        "0_1_0": {"acive": 0, "values_int": [9, 9]},
        "1_0_0": {"acive": 1, "values_int": [5, -1, 0, 7]},
    } | (edges or {})
    (folder / "config.json").write_text(json.dumps(known))
    (folder / "tables.json").write_text(json.dumps({name: edge for name, edge in tables.items() if edge}))
    return folder / "tables.json", folder / "config.json"


def test_sums_stay_within_their_codes(tmp_path) -> None:
    built = read(*saved(tmp_path))
    found = Interpreter(built.program, {}, arrays=built.arrays).run({"x": np.array([[0, 1], [1, 0]])})
    assert found["layer0.sums"].tolist() == [[-3], [1]]  # the pruned edge adds nothing
    assert found["layer0.codes"].tolist() == [[0], [3]]  # -2 and 1, the ends of two bits
    assert found["layer1.sums"].tolist() == [[5], [7]] and found["layer1.codes"].tolist() == [[3], [3]]


@pytest.mark.parametrize(
    ("edges", "config", "must"),
    [
        ({"0_1_0": None}, {}, r"\[edge 0_1_0\] it must have a table of 2 entries, but got none"),
        ({"1_0_0": {"acive": 1, "values_int": [1]}}, {}, r"\[edge 1_0_0\] .* of 4 entries, but got 1 entries"),
        ({"0_0_0": {"acive": 1, "values_int": ["a", 1]}}, {}, "it must be a file of KANELE"),
        ({}, {"layers": [2]}, "it must be a file of KANELE"),
        ({}, {"layers_bitwidth": [1, 99, 2]}, "it must be a file of KANELE"),
        ({}, {"layers_bitwidth": [1, 2]}, "it must have 3 widths in bits, but got 2"),
    ],
)
def test_what_does_not_fit_is_refused(edges, config, must, tmp_path) -> None:
    with pytest.raises(ModelError, match=must):
        read(*saved(tmp_path, edges, **config))


def test_a_file_that_is_not_there(tmp_path) -> None:
    with pytest.raises(FileError):
        read(tmp_path / "none.json", saved(tmp_path)[1])


@pytest.mark.slow
@pytest.mark.skipif(not (DATA / "kanele").is_dir(), reason="needs kanele and mnist in TABULAE_DATA")
def test_published_tables_answer_alike_everywhere(tmp_path) -> None:
    """A bit is a pixel above the mean and a quarter of the deviation that it has in training."""
    train, test = (np.load(DATA / "mnist" / f"mnist_{part}.npz") for part in ("train", "test"))
    pixels = train["x"].reshape(-1, 784).astype(np.float64)
    ends = np.floor(pixels.mean(axis=0) + 0.25 * pixels.std(axis=0))
    reading = Reading(1.0, tuple((-ends).tolist()))
    built = read(DATA / "kanele" / "MNIST_truth_tables.json", DATA / "kanele" / "MNIST_config.json", reading)
    x = test["x"].reshape(-1, 784).astype(np.float64)
    model = NetModel(*built, threads=2)
    answers = model(x)["answer"][:, 0]
    assert round(100 * float((answers == test["y"]).mean()), 2) == 95.51
    codes = (x > ends).astype(np.uint8)
    assert (answers == model(codes.astype(np.int32))["answer"][:, 0]).all()
    assert (answers == Interpreter(built.program, {}, arrays=built.arrays).run({"x": codes})["answer"][:, 0]).all()
    if shutil.which("gcc") is not None:
        assert (answers == in_c(built, codes, tmp_path)).all()


def in_c(built, codes, folder):
    """Answers of the emitted source."""
    write(folder / "kan", emit(built, "kan"))
    library = folder / "kan.so"
    subprocess.run(["gcc", "-O2", "-shared", "-fPIC", "-o", library, folder / "kan" / "kan.c"], check=True)
    run = ctypes.CDLL(str(library)).kan_run
    answers, scores, answer = [], (ctypes.c_uint8 * 10)(), (ctypes.c_uint8 * 1)()
    for row in codes:
        run(row.ctypes.data_as(ctypes.POINTER(ctypes.c_uint8)), scores, answer)
        answers.append(answer[0])
    return np.array(answers)
