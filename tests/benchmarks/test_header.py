"""The price of a table in the header."""

import msgspec
import numpy as np

import tabulae
from header import header_per_table
from tabulae.arithmetic.widths import prove
from tabulae.artifact.writer import TableModelWriter
from tabulae.formats import Storage, encode, parse
from tabulae.planning.sizes import planned_record


def test_a_tiny_model(tiny_tab):
    """Provenance, tokenizer and spaces are shared by 16 tables only."""
    assert header_per_table(tiny_tab) <= 450


def test_many_bands_with_all_that_a_plan_may_say(tmp_path):
    form = parse("normal:4/g64/signmax/sparse=0.001")
    matrix = encode(form, np.random.default_rng(0).standard_normal((16, 576)).astype(np.float32)).matrix
    names = [
        f"model.layers.{layer}.mlp.gate_proj.weight[{16 * i}:{16 * i + 16}]" for layer in range(30) for i in range(4)
    ]
    records = [msgspec.structs.replace(planned_record(n, (16, 576), Storage(form)), column_scale=True) for n in names]
    with TableModelWriter(tmp_path / "m.tab", records) as writer:
        for name in names:
            writer.write_matrix(name, matrix, prove(matrix))
    assert header_per_table(tmp_path / "m.tab") <= 450


def test_the_program_and_floats_do_not_count(tiny_folder, tmp_path):
    with tabulae.open(tiny_folder) as model:
        one = header_per_table(model.build(tmp_path / "one.tab", formats=["float32", "*down*=int:8/row/absmax"]))
        other = header_per_table(model.build(tmp_path / "two.tab", formats=["int:8/row/absmax"]))
    assert one - other < 1500  # what a file says but once, on two tables instead of sixteen
