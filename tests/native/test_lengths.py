"""Kernels at every length up to several blocks with a rest, at addresses that are not aligned, on 1 to 3 threads."""

import dataclasses

import numpy as np
import pytest

from tabulae import _native
from tabulae.arithmetic import activations
from tabulae.arithmetic.linear import accumulate
from tabulae.arithmetic.matrix import Outliers, TableMatrix
from tabulae.nets.builder import Builder
from tabulae.program.graph import Decoder
from tabulae.program.interpreter import Interpreter
from tabulae.program.operation import Linear
from tabulae.program.ops import OPERATIONS
from tabulae.program.ops.activate import Activate
from tabulae.program.ops.add import Add
from tabulae.program.ops.attention import Attention, kept
from tabulae.program.ops.combine import Combine
from tabulae.program.ops.embed import Embed
from tabulae.program.ops.embed_position import EmbedPosition
from tabulae.program.ops.encode import Encode
from tabulae.program.ops.gate import Gate
from tabulae.program.ops.layer_norm import LayerNorm
from tabulae.program.ops.lookup import Lookup
from tabulae.program.ops.products import Products
from tabulae.program.ops.project import Project
from tabulae.program.ops.project_routed import Experts, ProjectRouted
from tabulae.program.ops.reduce import Reduce
from tabulae.program.ops.rms_norm import RMSNorm
from tabulae.program.ops.rotary import Rotary
from tabulae.program.ops.route import Route
from tabulae.program.ops.select import Select
from tabulae.program.ops.shift_add import ShiftAdd, Term
from tabulae.program.ops.soft_cap import SoftCap
from tabulae.program.ops.take import Piece, Take
from tabulae.program.value import Int, Value
from tabulae.runtime.binding import Binding, add_weight, pack_matrix
from tabulae.runtime.engine import Engine
from tabulae.runtime.net import NetModel
from tabulae.runtime.session import Session

TOKENS = [3, 1, 4, 1, 5, 0, 2]  # a whole tile of four positions, and a rest
ALIGN = 64


def shifted(array, by):
    """The same numbers ``by`` elements behind a cache line."""
    room = np.empty(array.nbytes + 2 * ALIGN, np.uint8)
    begin = -room.ctypes.data % ALIGN + by * array.itemsize
    out = room[begin : begin + array.nbytes].view(array.dtype).reshape(array.shape)
    out[...] = array
    assert out.ctypes.data % ALIGN == by * array.itemsize % ALIGN
    return out


def matrix(rng, rows, cols, bits, group):
    """Codes of all values, one outlier in every row."""
    book = np.append(np.sort(rng.choice(np.arange(-127, 128), 2**bits - 1, replace=False)), 0).astype(np.int16)
    sparse = Outliers(
        np.arange(rows + 1), rng.integers(0, cols, rows).astype(np.uint16), rng.integers(-999, 999, rows).astype("i4")
    )
    multipliers = None if group is None else rng.integers(-127, 128, (rows, -(-cols // group))).astype(np.int8)
    codes = rng.integers(0, 2**bits, (rows, cols)).astype(np.uint8)
    return TableMatrix(codes, book, np.ones(rows, np.float32), multipliers, group or cols, sparse, 3)


def misaligned(parts, by):
    """The parts of a matrix, all arrays that are read in place at other addresses."""
    arrays = {name: getattr(parts, name) for name in ("codes", "scales", "multipliers")}
    moved = {name: shifted(array, by) for name, array in arrays.items() if array is not None}
    return dataclasses.replace(parts, **moved)


def assert_integers(rows, cols, bits, group, by):
    rng = np.random.default_rng(cols)
    table = matrix(rng, rows, cols, bits, group)
    codes = activations.encode(rng.standard_normal((5, cols)).astype(np.float32), 3)
    native = _native.Model()
    index = add_weight(native, misaligned(pack_matrix("w", table), by))
    for isa in _native.isas():
        for lookup in (False, True):
            got = native.accumulate(index, shifted(codes.codes, by), shifted(codes.exponents, by), lookup, isa)
            np.testing.assert_array_equal(got, accumulate(table, codes), err_msg=f"{isa} {lookup} {rows} x {cols}")


@pytest.mark.parametrize("group", [None, 32])
def test_integers_of_every_number_of_columns(group):
    for cols in range(1, 132):
        assert_integers(17, cols, 1 + cols % 8, group, by=cols % 5)


def test_integers_of_every_number_of_rows():
    for rows in range(1, 50):
        assert_integers(rows, 70, 1 + rows % 8, 64, by=rows % 7)


@pytest.mark.parametrize("isa", _native.isas())
def test_activation_codes_of_every_length(isa):
    for cols in range(1, 132):
        x = np.random.default_rng(cols).standard_normal((3, cols)).astype(np.float32)
        codes, exponents, scales = _native.encode(shifted(x, cols % 16), 3, isa)
        expected = activations.encode(x, 3)
        np.testing.assert_array_equal(codes, expected.codes)
        np.testing.assert_array_equal(exponents, expected.exponents)
        np.testing.assert_array_equal(scales, expected.scales)


EXPERTS, TOP = 5, 2


def everything(width):
    """A program with every operation, all of them ``width`` columns wide."""
    names = ("x", "n", "q", "k", "v", "a", "m", "u", "g", "s", "o", "r", "logits")
    choices = {name: Value(("positions", TOP, width)) for name in ("eg", "eu", "es", "ed")}
    choices |= {"chosen": Value(("positions", TOP), Int(0, EXPERTS - 1)), "shares": Value(("positions", TOP))}
    banks = {bank: tuple(f"{bank}{expert}" for expert in range(EXPERTS)) for bank in ("bg", "bu", "bd")}
    program = Decoder.of(
        (
            Embed.of("e", "x"),
            EmbedPosition("p", "x"),
            RMSNorm("gain", "x", "n", 1e-5),
            Project("n", (Linear("wq", "q"), Linear("wk", "k", "bias"), Linear("wv", "v"))),
            *((Rotary("q", "turns", width), Rotary("k", "turns", width)) if width > 1 else ()),
            Attention("q", "k", "v", "a", *kept(0), 1, 1, width, 0.3, 5, "slopes"),
            Attention("n", "k", "v", "q", *kept(1), 1, 1, width, 0.3, None, None, 2.0),
            Add("a", "q", "a"),
            LayerNorm("gain", "bias", "a", "m", 1e-5),
            Route("router", "m", "chosen", "shares", TOP, True, 1.5),
            ProjectRouted("m", "chosen", (Experts(banks["bg"], "eg"), Experts(banks["bu"], "eu"))),
            Gate("silu", "eg", "eu", "es", (width,)),
            ProjectRouted("es", "chosen", (Experts(banks["bd"], "ed"),)),
            Combine("ed", "shares", "r"),
            Project("m", (Linear("wu", "u"), Linear("wg", "g"))),
            Gate("silu", "g", "u", "s"),
            Activate("gelu", "s", "u"),
            Add("u", "x", "s"),
            Add("s", "r", "o"),
            SoftCap("o", 3.0),
            Select("o", "logits"),
        ),
        dict.fromkeys(names, width) | choices,
        vocabulary=width,
        context=8,
        constants={"turns": tuple(0.5**i for i in range(max(1, width // 2))), "slopes": (0.25,)},
    )
    rng = np.random.default_rng(width)
    shapes = {"e": (width, width), "p": (8, width), "gain": (width,), "bias": (width,), "router": (EXPERTS, width)}
    shapes |= dict.fromkeys(
        ("wq", "wk", "wv", "wu", "wg", *(one for bank in banks.values() for one in bank)), (width, width)
    )
    return program, {name: rng.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}


def net_of(width):
    """A net with every operation on integers, ``width`` channels wide, and tables of both kinds."""
    rng, net = np.random.default_rng(width), Builder()
    x = net.input("x", (2, width), 0, 6)
    turned = net.add(Take((Piece(x, 2 * width - 1, (-width, -1)),), "turned"), (2, width))
    select = net.array("select", rng.integers(0, 4, (1, width, width)))
    exact = net.array("exact", np.arange(-2, 2)[:, None] * np.arange(7))
    free = net.array("free", rng.integers(-9, 9, (width * width, 7)))
    a = net.add(Products(turned, exact, "a", select), (2, width))
    b = net.add(Products(x, free, "b"), (2, width))
    both = net.add(ShiftAdd((Term(a, 1), Term(b, -2)), "both"), (2, width))
    thresholds = net.array("thresholds", np.sort(rng.integers(-20, 20, (width, 5)), axis=1))
    codes = net.add(Encode(both, thresholds, "codes"), (2, width))
    looked = net.add(Lookup(codes, net.array("tables", rng.integers(-9, 9, (1, 6))), "looked"), (2, width))
    return net.built((both, looked, net.add(Reduce(looked, "largest", "argmax", 1), (2,))))


def test_every_operation_is_tried():
    tried = (*everything(8)[0].operations, *net_of(8).program.operations)
    assert {op.tag for op in tried} == set(OPERATIONS)


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("isa", _native.isas())
def test_every_operation_on_integers_at_every_width(isa, threads):
    for width in range(1, 70):
        built = net_of(width)
        x = np.random.default_rng(width).integers(0, 7, (7, 2, width))
        expected = Interpreter(built.program, {}, arrays=built.arrays).run({"x": x})
        for name, found in NetModel(*built, threads=threads, isa=isa)(x).items():
            np.testing.assert_array_equal(found, expected[name], err_msg=f"{name}, width {width}")


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("isa", _native.isas())
def test_every_operation_at_every_width(isa, threads):
    """Float weights and, for the linears, tables; every weight at an address of its own."""
    for width in range(1, 70):
        program, weights = everything(width)
        tables = {name: matrix(np.random.default_rng(1), width, width, 5, None) for name in ("wk", "bu1", "bu2", "bd0")}
        weights |= tables
        tokens = [token % width for token in TOKENS]
        expected = Interpreter(program, weights).logits(tokens, wanted="all")
        bound = {
            name: shifted(w, (width + i) % 16) if isinstance(w, np.ndarray) else misaligned(pack_matrix(name, w), i)
            for i, (name, w) in enumerate(weights.items())
        }
        got = Session(Engine(Binding(program, bound), threads=threads, isa=isa), 8).feed(tokens, wanted=0)
        np.testing.assert_array_equal(got.view(np.uint32), expected.view(np.uint32), err_msg=f"width {width}")
