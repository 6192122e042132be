"""A tiny table model with every kind of part, and a way to alter it anywhere and seal it again."""

import json
from pathlib import Path

import numpy as np
import pytest
import xxhash

from tabulae.arithmetic.matrix import Outliers, TableMatrix
from tabulae.arithmetic.rotation import Rotation
from tabulae.arithmetic.widths import prove
from tabulae.artifact.records import FloatRecord, TableRecord
from tabulae.artifact.writer import TableModelWriter

GROUPED, ROTATED = "normal:3/g32/signmax/sparse=0.005", "int:8/tensor/rms"
TENSORS = (
    TableRecord.planned("q.weight", rows=18, cols=40, format=GROUPED, bits=3, group=32, outliers=3),
    FloatRecord(name="norm.weight", shape=(5,)),
    TableRecord.planned(
        "head.weight", rows=5, cols=12, format=ROTATED, bits=8, tensor_scale=True, exponents=0, rotation=(12,)
    ),
)
ARGUMENTS = {
    "program": b'{"operations": [], "eps": 1e-05}',
    "provenance": {"name": "tiny", "licence": "Apache-2.0"},
    "blobs": {"tabulae.tokenizer": '{"model":"é"}'.encode()},
}
PARTS = {  # where each begins in its slot
    "q.weight.codes": 0,
    "q.weight.codebook": 768,
    "q.weight.multipliers": 832,
    "q.weight.scales": 896,
    "q.weight.widths": 960,
    "q.weight.outlier_offsets": 1024,
    "q.weight.outlier_columns": 1152,
    "q.weight.outlier_values": 1216,
    "norm.weight.values": 0,
    "head.weight.codes": 0,
    "head.weight.codebook": 512,
    "head.weight.scales": 1024,
    "head.weight.widths": 1088,
    "head.weight.signs": 1152,
    "tabulae.tokenizer.bytes": 0,
}
NORM = np.array([1, -2, 0.5, 0, 3], np.float32)


def some(count, modulus):
    """Numbers 0..modulus-1 in a fixed disorder."""
    return np.arange(count) * 7919 % 10007 % modulus


def grouped():
    """3 bits, 18 x 40, two scale groups, three outliers."""
    return TableMatrix(
        codes=some(720, 8).reshape(18, 40).astype(np.uint8),
        codebook=np.array([-127, -64, -32, -7, 7, 32, 64, 127], np.int16),
        scales=(1 + some(18, 128) / 128).astype(np.float32),
        multipliers=(some(36, 255) - 127).reshape(18, 2).astype(np.int8),
        group=32,
        outliers=Outliers(
            np.array([0] * 3 + [2] * 14 + [3, 3]), np.array([4, 39, 0], np.uint16), np.array([-700, 5, 129], np.int32)
        ),
    )


def rotated():
    """8 bits with wide codepoints, 5 x 12, one scale, a rotated input."""
    return TableMatrix(
        codes=some(60, 256).reshape(5, 12).astype(np.uint8),
        codebook=(np.arange(256) * 64 - 8160).astype(np.int16),
        scales=np.array([0.25], np.float32),
        multipliers=None,
        group=12,
        exponents=0,
        rotation=Rotation(some(12, 2).astype(bool), (12,)),
    )


def write_tensors(writer):
    """All tensors of the tiny table model."""
    writer.write_matrix("q.weight", grouped(), prove(grouped()))
    writer.write_float("norm.weight", NORM)
    writer.write_matrix("head.weight", rotated(), prove(rotated()))


def write_tiny(path):
    """The tiny table model."""
    with TableModelWriter(path, TENSORS, **ARGUMENTS) as writer:
        write_tensors(writer)


class Altered:
    """A table model taken apart: change ``document``, ``header`` or ``data``, then :meth:`save` seals it again."""

    def __init__(self, whole):
        size = 8 + int.from_bytes(whole[:8], "little")
        self.header = json.loads(whole[8:size])
        self.document = json.loads(self.header["__metadata__"]["tabulae"])
        self.data = bytearray(whole[size:-64])
        self.document_text = self.header_text = self.whole = lambda text: text  # last changes, on the bytes themselves

    def records(self):
        """Those of tensors and blobs."""
        return [*self.document["tensors"], *self.document.get("blobs", [])]

    def poke(self, part, offset, values):
        """Overwrite bytes of a part."""
        at = self.header[part.rpartition(".")[0]]["data_offsets"][0] + PARTS[part] + offset
        self.data[at : at + len(values)] = values

    def rehash(self):
        """Make every hash right again."""
        for record in self.records():
            begin, end = self.header[record["name"]]["data_offsets"]
            record["hash"] = xxhash.xxh3_64_hexdigest(bytes(self.data[begin:end]))

    def save(self, path):
        """Write it, sealed."""
        if isinstance(self.header.get("__metadata__"), dict) and isinstance(
            self.header["__metadata__"].get("tabulae"), str
        ):
            self.header["__metadata__"]["tabulae"] = self.document_text(json.dumps(self.document))
        text = self.header_text(json.dumps(self.header).encode())
        head = text.ljust(-(-(len(text) + 8) // 64) * 64 - 8)
        head = len(head).to_bytes(8, "little") + head
        seal = b"TABULAE\0" + b"\1\0\0\0" + bytes(4) + xxhash.xxh3_128_digest(head) + bytes(32)
        path.write_bytes(self.whole(head + bytes(self.data) + seal))
        return path


@pytest.fixture(scope="session")
def tiny(tmp_path_factory) -> Path:
    """The tiny table model; not to be written to."""
    path = tmp_path_factory.mktemp("artifact") / "tiny.tab"
    write_tiny(path)
    return path


@pytest.fixture
def altered(tiny):
    """The tiny table model, to be altered."""
    return Altered(tiny.read_bytes())


@pytest.fixture(scope="session")
def model():
    """What the tiny table model is made of."""
    import types

    return types.SimpleNamespace(**globals())
