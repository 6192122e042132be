"""A file whose data were altered and that is loaded without full verification: other numbers, never other memory.

The sanitizer run (make sanitize) is what proves the second half; here it must not crash.
"""

import numpy as np
import pytest
from tiny_models import TOKENS
from tiny_tables import WAYS

import tabulae
from tabulae.artifact.reader import open_table_model
from tabulae.errors import TabulaeError


@pytest.fixture(scope="module")
def sparse_tab(tiny_folder, tmp_path_factory):
    """Every kind of part: codes of 2 to 8 bits, codes of variable length, int16 codepoints, multipliers, outliers."""
    rules = [
        "normal:4/g32/signmax",
        "*q_proj*=normal:7/row/rms/sparse=0.02",
        "*up*=t:3/g64/absmax",
        "*gate*=int:2/row/rms",
        "*down*=lloyd:6/tensor/rms/sparse=0.01",
        "*head*=int:8/row/absmax",
        "*v_proj*=normal:5/g32/absmax",
        "*k_proj*=grid:3/row/rms",
        "*o_proj*=normal:4/g32/signmax/entropy",
    ]
    path = tmp_path_factory.mktemp("altered") / "m.tab"
    with tabulae.open(tiny_folder) as model:
        return model.build(path, formats=rules)


def data_start(data):
    return 8 + int.from_bytes(data[:8], "little")


def places(file):
    """Where every part of every tensor and blob begins in the file, and its bytes."""
    begin = file._data.ctypes.data
    for record in file.document.records():
        for part, array in file.arrays(record.name).items():
            yield f"{record.name}.{part}", array.ctypes.data - begin, array.nbytes


def run_all_ways(path):
    """Logits or a clear refusal, in every way of running."""
    for isa, arithmetic, threads in WAYS:
        try:
            with tabulae.load(path, isa=isa, arithmetic=arithmetic, threads=threads) as lm:
                lm.logits(TOKENS)
        except TabulaeError:
            pass


@pytest.mark.parametrize("byte", [0x00, 0x7F, 0x80, 0xFF])
def test_one_part_at_a_time_overwritten(sparse_tab, tmp_path, byte):
    data = sparse_tab.read_bytes()
    start = data_start(data)
    with open_table_model(sparse_tab) as file:
        for name, at, length in places(file):
            if "layers.0" not in name and "embed" not in name:
                continue
            changed = bytearray(data)
            changed[start + at : start + at + length] = bytes([byte]) * length
            (tmp_path / "m.tab").write_bytes(changed)
            try:
                with tabulae.load(tmp_path / "m.tab", threads=1) as lm:
                    lm.logits(TOKENS[:4])
            except TabulaeError:
                pass


@pytest.mark.parametrize("seed", range(6))
def test_random_bytes_everywhere(sparse_tab, tmp_path, seed):
    rng = np.random.default_rng(seed)
    data = np.frombuffer(sparse_tab.read_bytes(), np.uint8).copy()
    start = data_start(data.tobytes())
    places = rng.integers(start, len(data) - 64, 200)
    data[places] = rng.integers(0, 256, 200)
    (tmp_path / "m.tab").write_bytes(data.tobytes())
    run_all_ways(tmp_path / "m.tab")


def test_all_codes_random(sparse_tab, tmp_path):
    """Every index that a code can hold, padding rows and columns too."""
    rng = np.random.default_rng(0)
    data = bytearray(sparse_tab.read_bytes())
    start = data_start(data)
    with open_table_model(sparse_tab) as file:
        for name, at, length in places(file):
            if name.endswith((".codes", ".multipliers")):
                data[start + at : start + at + length] = rng.integers(0, 256, length).astype(np.uint8).tobytes()
    (tmp_path / "m.tab").write_bytes(data)
    run_all_ways(tmp_path / "m.tab")
