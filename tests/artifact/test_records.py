"""Records: what they ask of the file, and what they refuse when they are made."""

import msgspec
import numpy as np
import pytest

from tabulae.artifact.document import Document
from tabulae.artifact.records import KINDS, ArrayRecord, FloatRecord, TableRecord
from tabulae.errors import TableModelError


def planned(**changes):
    return TableRecord.planned("w", **{"rows": 100, "cols": 96, "format": "int:4", "bits": 4} | changes)


def test_a_planned_record_is_at_its_widest():
    record = planned(outliers=5)
    assert (record.codepoint_bytes, record.outlier_bytes, record.accumulator, record.chunk) == (2, 4, 64, 4)
    assert (record.granularity, record.group, record.groups) == ("row", 96, 1)


@pytest.mark.parametrize(
    "changes, sizes",
    [
        ({}, {"codes": 5376, "codebook": 32, "scales": 200, "widths": 7}),
        ({"tensor_scale": True}, {"codes": 5376, "codebook": 32, "scales": 2, "widths": 7}),
        ({"group": 64}, {"codes": 5376, "codebook": 32, "multipliers": 224, "scales": 200, "widths": 7}),
        ({"group": 128}, {"codes": 5376, "codebook": 32, "multipliers": 112, "scales": 200, "widths": 7}),
        ({"rotation": (12, 8)}, {"codes": 5376, "codebook": 32, "scales": 200, "widths": 7, "signs": 12}),
        (
            {"outliers": 7, "bits": 3},
            {
                "codes": 4032,
                "codebook": 16,
                "scales": 200,
                "widths": 7,
                "outlier_offsets": 404,
                "outlier_columns": 14,
                "outlier_values": 28,
            },
        ),
    ],
)
def test_parts(changes, sizes):
    assert {part.name: part.length for part in planned(**changes).parts()} == sizes


@pytest.mark.parametrize(
    "changes, match",
    [
        ({"group": 48}, "a scale group must be a multiple of 32 columns .* but got 48"),
        ({"cols": 65537, "outliers": 1}, "at most 65536 columns"),
        ({"rotation": (12, 4)}, "must multiply to 96 columns"),
        ({"rotation": (48, 2), "cols": 96}, None),
        ({"rotation": (6, 16)}, r"an order of a rotation must be 2\^k, a Paley order, or odd up to 9, but got 6"),
        ({"rotation": (3, 32)}, None),
        ({"rotation": (11, 8), "cols": 88}, "but got 11"),
        ({"layout": "panel17"}, "the layout must be known"),
    ],
)
def test_records_check_themselves(changes, match):
    if match is None:
        planned(**changes)
    else:
        with pytest.raises(TableModelError, match=match):
            planned(**changes)


def test_a_group_that_is_wider_than_the_tensor():
    record = planned(cols=40, group=128)
    assert (record.group, record.groups, record.chunk) == (64, 1, 2)


def test_kinds_are_files():
    assert KINDS == {"array": ArrayRecord, "table": TableRecord, "float": FloatRecord}  # noqa: SIM300
    assert all(one.__module__ == f"tabulae.artifact.records.{kind}" for kind, one in KINDS.items())


@pytest.mark.parametrize("layout", ["panel16", "".join(["panel", "16"])])
def test_defaults_are_left_out(layout):
    """Also where a text is equal to the default and another object."""
    text = msgspec.json.encode(planned(group=32, layout=layout))
    assert text == (
        b'{"kind":"table","name":"w","rows":100,"cols":96,"format":"int:4","bits":4,"codepoint_bytes":2,"group":32,'
        b'"chunk":1,"accumulator":64}'
    )
    assert msgspec.json.encode(msgspec.json.decode(text, type=TableRecord)) == text


def test_parts_lie_at_multiples_of_64_in_the_slot():
    record = planned(rotation=(12, 8))
    slot = np.arange(record.stored, dtype=np.int64).astype(np.uint8)
    begins = {name: array.ctypes.data - slot.ctypes.data for name, array in record.arrays(slot).items()}
    assert begins == {"codes": 0, "codebook": 5376, "scales": 5440, "widths": 5696, "signs": 5760}
    assert (record.stored, record.length) == (5824, 5376 + 32 + 200 + 7 + 12)


def test_a_document_goes_through_json(model):
    document = Document(
        schema=2,
        required=(),
        program=msgspec.Raw(b'{"x": 1e-05}'),
        tensors=model.TENSORS,
        blobs=(),
        provenance={},
    )
    text = msgspec.json.encode(document)
    assert msgspec.json.encode(msgspec.json.decode(text, type=Document)) == text


@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2", "i4"])
def test_an_array_keeps_its_type(dtype):
    array = np.zeros((2, 3), dtype)
    record = ArrayRecord.of("a", array)
    assert record.arrays(np.zeros(record.stored, np.uint8))["integers"].dtype == array.dtype
    assert msgspec.json.decode(msgspec.json.encode(record), type=ArrayRecord) == record
    assert record.format == record.dtype.lower()


def test_an_array_of_another_type_is_refused():
    with pytest.raises(msgspec.ValidationError, match="Invalid enum value 'F32'"):
        msgspec.json.decode(b'{"kind":"array","name":"a","dtype":"F32","shape":[1]}', type=ArrayRecord)
