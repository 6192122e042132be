"""Kolmogorov-Arnold nets as KANELE publishes them: a table of integers for every edge, read as they are.

A layer adds up one entry of each edge and keeps the sum within its codes; the code of an input chooses the entry
(Hoang et al., KANELE, FPGA 2026: ``truth_tables.json`` and ``config.json``).
"""

from pathlib import Path
from typing import Annotated, TypeVar

import msgspec
import numpy as np

from tabulae.arithmetic.arrays import Int64s
from tabulae.errors import ModelError
from tabulae.files import check_there
from tabulae.nets.builder import Builder, Built
from tabulae.program.net import Reading
from tabulae.program.ops.encode import Encode
from tabulae.program.ops.products import Products
from tabulae.program.ops.reduce import Reduce

T = TypeVar("T")
Bits = Annotated[int, msgspec.Meta(ge=1, le=16)]
Width = Annotated[int, msgspec.Meta(ge=1, le=1 << 16)]


class Config(msgspec.Struct):
    """What is read of ``config.json``."""

    layers: Annotated[list[Width], msgspec.Meta(min_length=2, max_length=64)]
    layers_bitwidth: list[Bits]  # of the inputs of every layer, and of the outputs


class Edge(msgspec.Struct):
    """One edge, ``layer_input_output``."""

    values_int: list[int]
    acive: int  # spelled so there: 0 is a pruned edge


def read(tables: str | Path, config: str | Path, readings: Reading | None = None) -> Built:
    """The net of a file of tables; the input is codes, which ``readings`` may say how to make.

    :raises FileError: no such file
    :raises ModelError: a file of another form, tables that are missing or too short
    """
    known = _decoded(Path(config), Config)
    edges: dict[str, Edge] = _decoded(Path(tables), dict[str, Edge])
    if len(known.layers_bitwidth) != len(known.layers):
        raise ModelError(str(config), f"it must have {len(known.layers)} widths in bits", len(known.layers_bitwidth))
    net = Builder()
    value = net.input("x", (known.layers[0],), 0, 2 ** known.layers_bitwidth[0] - 1, readings)
    for layer, rows in enumerate(known.layers[1:]):
        value = _layer(net, value, layer, _tables(edges, known, layer), rows, known.layers_bitwidth[layer + 1])
    answer = net.add(Reduce(value, "answer", "argmax", 0), (1,))
    return net.built((value, answer), tuple(map(str, range(known.layers[-1]))))


def _decoded(path: Path, kind: type[T]) -> T:
    check_there(path)
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except msgspec.MsgspecError as error:
        raise ModelError(str(path), "it must be a file of KANELE", error) from None


def _tables(edges: dict[str, Edge], config: Config, layer: int) -> Int64s:
    """The table of every edge of a layer [outputs, inputs, codes]; zeros where it is pruned."""
    columns, rows, codes = config.layers[layer], config.layers[layer + 1], 2 ** config.layers_bitwidth[layer]
    found = np.zeros((rows, columns, codes), np.int64)
    for row, column in np.ndindex(rows, columns):
        edge = edges.get(f"{layer}_{column}_{row}")
        if edge is None or len(edge.values_int) != codes:
            got = "none" if edge is None else f"{len(edge.values_int)} entries"
            raise ModelError(f"edge {layer}_{column}_{row}", f"it must have a table of {codes} entries", got)
        if edge.acive:
            found[row, column] = edge.values_int
    return found


def _layer(net: Builder, value: str, layer: int, tables: Int64s, rows: int, bits: int) -> str:
    """Sums, kept within signed codes of so many bits; equal tables are stored once."""
    distinct, select = np.unique(tables.reshape(-1, tables.shape[2]), axis=0, return_inverse=True)
    name = f"layer{layer}"
    chosen = net.array(f"{name}.select", select.reshape(1, *tables.shape[:2]))
    sums = net.add(Products(value, net.array(f"{name}.tables", distinct), f"{name}.sums", chosen), (rows,))
    ends = np.arange(1 - 2 ** (bits - 1), 2 ** (bits - 1))
    thresholds = net.array(f"{name}.thresholds", np.tile(ends, (rows, 1)))
    return net.add(Encode(sums, thresholds, f"{name}.codes"), (rows,))
