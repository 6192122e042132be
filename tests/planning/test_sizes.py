"""Sizes, against files that were really written."""

import msgspec
import numpy as np
import pytest

from tabulae.arithmetic.widths import prove
from tabulae.artifact.records import FloatRecord
from tabulae.artifact.writer import TableModelWriter
from tabulae.formats import Storage, encode, parse
from tabulae.formats.outliers import positions
from tabulae.planning.candidates import lines
from tabulae.planning.curves import measure_point
from tabulae.planning.sizes import fixed_sizes, planned_record, table_sizes

NAMES = sorted(name for line in lines(entropy=True, any_format=True) for name in line.names)
FLOATS = [FloatRecord(name="norm.weight", shape=(70,))]
FIXED = {"program": b'{"a": "b"}', "provenance": {"name": 'a "model"'}}


def written(path, forms, shape, floats=FLOATS, scaled=False):
    """The size of a file with one tensor in each format, and the sum of what was predicted."""
    rng = np.random.default_rng(1)
    weights = {name: rng.standard_normal(shape).astype(np.float32) for name in forms}
    digits = len(str(sum(4 * x.size for x in weights.values())))
    blob = b"x" * 100
    records = [
        msgspec.structs.replace(planned_record(name, shape, Storage.parse(form)), column_scale=scaled)
        for name, form in forms.items()
    ]
    with TableModelWriter(path, [*records, *floats], blobs={"tabulae.x": blob}, **FIXED) as writer:
        for name, form in forms.items():
            matrix = encode(parse(form), weights[name]).matrix
            writer.write_matrix(name, matrix, prove(matrix))
        for record in floats:
            writer.write_float(record.name, np.zeros(record.shape, np.float32))
    many = len(forms) if scaled else 0
    total = fixed_sizes(floats, 0, blobs={"tabulae.x": len(blob)}, scaled=many, digits=digits, **FIXED).file
    for name, form in forms.items():
        sizes = table_sizes(name, shape, form, measure_point(weights[name], form).coded, digits)
        total += sizes.file + sizes.header
    return path.stat().st_size, total


@pytest.mark.parametrize("form", [name for name in NAMES if not parse(name).entropy])
def test_never_too_little_and_hardly_too_much(form, tmp_path):
    shape = (20, 100)  # neither whole panels nor whole blocks
    real, predicted = written(tmp_path / "m.tab", {"w": form}, shape)
    codebook = 2 ** parse(form).element.bits
    outliers = 3 * int(parse(form).sparse * shape[0] * shape[1])
    assert real <= predicted <= real + 63 + codebook + outliers + 2 * 11 * 6


@pytest.mark.parametrize("scaled", [False, True])
def test_a_file_of_many_tensors(scaled, tmp_path):
    forms = {f"layers.{i}.weight": "normal:4/g64/signmax" for i in range(40)}
    real, predicted = written(tmp_path / "m.tab", forms, (64, 256), scaled=scaled)
    assert real <= predicted <= real * 1.002


@pytest.mark.parametrize("form", ["grid:3/row/rms", "lloyd:4/g64/search/entropy"])
def test_codes_of_variable_length(form, tmp_path):
    real, predicted = written(tmp_path / "m.tab", {"w": form}, (256, 512))
    assert real * 0.997 <= predicted <= real * 1.01
    sizes = table_sizes("w", (256, 512), form, measure_point(np.ones((256, 512), np.float32), form).coded)
    assert sizes.file < sizes.memory


def test_codes_that_gain_nothing_are_not_coded():
    x = np.random.default_rng(0).integers(-2, 2, (64, 64)).astype(np.float32) + np.float32(0.5)  # all codes as frequent
    form = "int:2,sign=sym/row/absmax/entropy"
    coded = measure_point(x, form).coded
    sizes = table_sizes("w", (64, 64), form, coded)
    assert coded.stored > 2 and sizes.file == sizes.memory


@pytest.mark.parametrize("share", ["0.29", "0.001", "0.57"])
def test_outliers_are_counted_as_they_are_found(share):
    x = np.random.default_rng(0).standard_normal((10, 100)).astype(np.float32)
    record = planned_record("w", x.shape, Storage.parse(f"int:4/row/absmax/sparse={share}"))
    assert record.outliers == len(positions(x, float(share)))


def test_what_the_run_takes_beside_the_tensors():
    fixed = fixed_sizes(FLOATS, 70, runtime=1000)
    assert (fixed.memory, fixed.counted, fixed.parameters) == (1320, fixed.file, 70)
