"""Records: what they ask of the file, and what they refuse when they are made."""

import msgspec
import pytest

from tabulae.artifact.records import Document, TableRecord, entry_sizes
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
def test_entry_sizes(changes, sizes):
    assert entry_sizes(planned(**changes)) == {f"w.{part}": size for part, size in sizes.items()}


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


def test_a_document_goes_through_json(model):
    document = Document(
        schema=1,
        required=(),
        program=msgspec.Raw(b'{"x": 1e-05}'),
        tensors=model.TENSORS,
        blobs=(),
        plan=tuple(model.ARGUMENTS["plan"]),
        provenance={},
        entries=tuple(model.TENSORS[0].entries()),
    )
    text = msgspec.json.encode(document)
    assert msgspec.json.encode(msgspec.json.decode(text, type=Document)) == text
