"""Operations on integers in the core: every form of products, every length, and calls that lead nowhere."""

import numpy as np
import pytest

from nets_at_random import strides
from tabulae import _native
from tabulae.nets.builder import Builder
from tabulae.program.interpreter import Interpreter
from tabulae.program.ops.encode import Encode
from tabulae.program.ops.lookup import Lookup
from tabulae.program.ops.products import Products
from tabulae.program.ops.reduce import Reduce
from tabulae.program.ops.take import Piece, Take
from tabulae.runtime.net import NetModel


def assert_same(built, x):
    """As the interpreter, on every ISA, by 1 and 3 threads, all examples at once and one alone."""
    expected = Interpreter(built.program, {}, arrays=built.arrays).run({"x": x})
    for isa in _native.isas():
        for threads in (1, 3):
            model = NetModel(*built, threads=threads, isa=isa)
            for n in (len(x), 1):
                for name, found in model(x[:n]).items():
                    np.testing.assert_array_equal(found, expected[name][:n], err_msg=f"{isa} {threads} {n} {name}")


def tables_of(rng, kind, codes, count):
    """Tables of every kind that has a form of its own in the core."""
    weights = rng.integers(-9, 10, count)
    return {
        "products": weights[:, None] * (3 * np.arange(codes) - 5),
        "nothing": np.zeros((count, codes), int),
        "products of large integers": weights[:, None] * (40_000 * np.arange(codes) - 1),
        "small": rng.integers(-9, 10, (count, codes)),
        "large": rng.integers(-99_999, 99_999, (count, codes)),
    }[kind]


def linear(rng, kind, shape, rows, codes, groups=1, *, own=False):
    """One linear."""
    net = Builder()
    x = net.input("x", shape, 0, codes - 1)
    edges = groups, rows // groups, shape[-1] // groups
    count = int(np.prod(edges)) if own else 6
    tables = net.array("t", tables_of(rng, kind, codes, count))
    select = None if own else net.array("s", rng.integers(0, 6, edges))
    op = Products(x, tables, "y", select, net.array("b", rng.integers(-9, 9, edges[:2])), groups)
    return net.built((net.add(op, (*shape[:-1], rows)),))


KINDS = ["products", "nothing", "products of large integers", "small", "large"]


@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_every_form_of_products(kind, own):
    rng = np.random.default_rng(0)
    for shape, rows, groups in [((7,), 5, 1), ((3, 2, 18), 12, 3), ((33,), 37, 1), ((2, 40), 80, 4), ((1,), 1, 1)]:
        assert_same(linear(rng, kind, shape, rows, 6, groups, own=own), rng.integers(0, 6, (70, *shape)))


@pytest.mark.parametrize("kind", ["small", "large"])
def test_tables_that_many_edges_share_are_not_written_out(kind):
    """10,000 edges of 256 codes."""
    rng = np.random.default_rng(0)
    for shape, rows, groups in [((100,), 100, 1), ((2, 200), 100, 2)]:
        assert_same(linear(rng, kind, shape, rows, 256, groups), rng.integers(0, 256, (20, *shape)))


def test_products_of_every_length():
    rng = np.random.default_rng(0)
    for columns in range(1, 36):
        assert_same(linear(rng, "products", (columns,), columns % 9 + 1, 4), rng.integers(0, 4, (3, columns)))


@pytest.mark.parametrize("levels", [1, 2, 15, 64, 65, 255])
def test_thresholds_of_every_number(levels):
    rng = np.random.default_rng(levels)
    for channels in (1, 15, 16, 17, 40):
        net = Builder()
        x = net.input("x", (2, channels), -300, 300)
        thresholds = np.sort(rng.integers(-310, 310, (channels, levels)), axis=1)
        built = net.built((net.add(Encode(x, net.array("t", thresholds), "y"), (2, channels)),))
        assert_same(built, rng.integers(-300, 301, (70, 2, channels)))


def test_many_pieces_that_lie_upon_one_another():
    rng, net = np.random.default_rng(0), Builder()
    net.input("x", (4, 5, 3), -9, 9)
    steps = strides((4, 5, 3))
    pieces = [Piece("x", 0, (0, 0, 0), (1, 1, 1), (4, 2, 2)), Piece("x", 59, (-15, -3, -1), (0, 0, 0), (4, 5, 3))]
    pieces += [Piece("x", 3 * i, (steps[0], 2**31 - 1, 1), (1, i, 0), (3, 1, 3)) for i in range(5)]
    built = net.built((net.add(Take(tuple(pieces), "y", fill=7), (6, 7, 4)),))
    assert_same(built, rng.integers(-9, 10, (70, 4, 5, 3)))


@pytest.mark.parametrize("how", ["sum", "max", "argmax"])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_every_axis(how, axis):
    shape, net = (3, 4, 5), Builder()
    net.input("x", shape, -2, 2)
    built = net.built((net.add(Reduce("x", "y", how, axis), shape[:axis] + shape[axis + 1 :]),))
    assert_same(built, np.random.default_rng(0).integers(-2, 3, (70, *shape)))


def test_a_function_of_one_value_twice():
    net, rng = Builder(), np.random.default_rng(0)
    net.input("x", (3, 2), -9, 9)
    tables = net.array("t", rng.integers(-9, 9, (2, 4, 3)))
    op = Lookup("x", tables, "y", "x", begin=-4, begin2=7, choice=net.array("c", rng.integers(0, 2, 6)))
    assert_same(net.built((net.add(op, (3, 2)),)), rng.integers(-9, 10, (70, 3, 2)))


# What Python refuses as well: the core is asked by itself, with fields as a binding gives them.
X, Y, SUM, FLOATS, WANTED, FLAT, CODES = range(7)  # values
T, SELECT, START, CHOICE, LEVELS, CUBE = range(6)  # arrays
ARRAYS = [
    np.arange(12).reshape(3, 4),
    np.arange(6).reshape(1, 2, 3) % 3,
    np.zeros((1, 2)),
    np.array([0, 1, 2]),
    np.arange(6).reshape(3, 2),
    np.arange(8).reshape(2, 2, 2),
]
PIECE = {"input": X, "base": 0, "strides": [3, 1], "begin": [], "size": []}
FIELDS = {
    "take": {"pieces": [PIECE], "out": Y, "fill": 0},
    "products": {"input": CODES, "tables": T, "out": SUM, "select": SELECT, "start": START, "groups": 1},
    "encode": {"input": X, "thresholds": LEVELS, "out": Y},
    "lookup": {"input": X, "tables": T, "out": Y, "second": -1, "begin": 0, "begin2": 0, "choice": CHOICE},
    "reduce": {"input": X, "out": FLAT, "how": "max", "axis": 1},
    "shift_add": {"terms": [{"input": X, "shift": 2, "negative": False}], "out": Y, "constant": CHOICE},
}


def core():
    native = _native.Model()
    for shape, interval in [((2, 3), (-9, 9)), ((2, 3), (-9, 9)), ((2, 2), (-9, 9)), ((2, 3), None)]:
        native.value(False, shape, interval, 0 if interval else 1)
    native.value(True, (2, 3), (-9, 9), 0)
    native.value(False, (2,), (-9, 9), 0)
    native.value(False, (2, 3), (0, 3), 2)
    for array in ARRAYS:
        native.array(array.astype(np.int32))
    return native


def test_what_is_well_formed_is_taken():
    native = core()
    for tag, fields in FIELDS.items():
        native.push(tag, fields)


def piece(**changes):
    return {"pieces": [PIECE | changes]}


def term(**changes):
    return {"terms": [FIELDS["shift_add"]["terms"][0] | changes]}


BAD = {
    "take": [
        *({"out": value} for value in (X, FLOATS, WANTED, FLAT, 99, -1)),
        *(piece(input=value) for value in (FLOATS, WANTED, Y, 99, -1)),
        *(piece(base=base) for base in (-1, 1, 2**62, -(2**63), 2**64)),
        *(piece(strides=strides) for strides in ([3], [3, 1, 1], [4, 1], [-1, 1], [2**62, 2**62], [2**63 - 1] * 2)),
        *(piece(begin=begin) for begin in ([1, 0], [0, -1], [2**63 - 1, 0], [0])),
        *(piece(size=size) for size in ([0, 1], [3, 1], [2**31, 1], [-1, 1], [2])),
        *({"fill": fill} for fill in (2**31, -(2**31) - 1, 2**64, 0.5)),
        {"pieces": []},
    ],
    "products": [
        *({"input": value} for value in (X, Y, FLOATS, WANTED, FLAT, SUM, 99)),
        *({"out": value} for value in (CODES, FLOATS, FLAT, WANTED, 99)),
        *({"tables": array} for array in (CUBE, LEVELS, 99, -1)),
        *({"select": array} for array in (T, CUBE, -1, 99)),
        *({"start": array} for array in (T, CHOICE, 99)),
        *({"groups": groups} for groups in (0, -1, 2, 3, 2**62)),
    ],
    "encode": [
        *({"input": value} for value in (FLOATS, WANTED, FLAT, SUM, 99)),
        *({"thresholds": array} for array in (CUBE, SELECT, CHOICE, START, 99, -1)),
        *({"out": value} for value in (FLOATS, WANTED, FLAT, SUM)),
    ],
    "lookup": [
        *({"input": value} for value in (FLOATS, WANTED, FLAT, 99)),
        *({"second": value} for value in (X, 99)),  # of one input are these tables
        {"second": FLAT, "tables": CUBE, "choice": -1},
        *({"tables": array} for array in (CUBE, CHOICE, 99, -1)),
        *({"choice": array} for array in (T, SELECT, 99)),
        {"tables": LEVELS, "choice": 6},  # there is no third table
        *({"begin": begin} for begin in (2**31, -(2**31) - 1, 2**64)),
        {"second": Y, "tables": CUBE, "choice": -1, "begin2": 2**31},
    ],
    "reduce": [
        *({"axis": axis} for axis in (-1, 0, 2, 2**31, 2**63 - 1)),
        *({"how": how} for how in ("mean", "", 3)),
        *({"input": value} for value in (FLOATS, FLAT, WANTED, 99)),
        *({"out": value} for value in (FLOATS, X, SUM, 99)),
    ],
    "shift_add": [
        {"terms": []},
        *(term(input=value) for value in (FLOATS, WANTED, FLAT, 99)),
        *(term(shift=shift) for shift in (31, -32, 2**32, 2**63 - 1)),
        *({"constant": array} for array in (T, START, 99)),
        *({"out": value} for value in (FLOATS, WANTED, FLAT, 99)),
    ],
}


@pytest.mark.parametrize("tag", BAD)
def test_what_leads_nowhere_is_refused(tag):
    native = core()
    native.array(np.int32([0, 1, 3]))
    native.array(np.int32([0, 1, -1]))
    for changes in [*BAD[tag], *({name: None} for name in FIELDS[tag])]:
        fields = {name: value for name, value in (FIELDS[tag] | changes).items() if value is not None}
        if fields == {name: value for name, value in FIELDS[tag].items() if name != "begin2"}:
            continue  # tables of one input do not ask for it
        with pytest.raises(ValueError, match=r"\["):
            native.push(tag, fields)
            pytest.fail(f"taken: {fields}")


@pytest.mark.parametrize("choice", [6, 7])
def test_choices_that_name_no_table_are_refused(choice):
    native = core()
    native.array(np.int32([0, 1, 3]))
    native.array(np.int32([0, 1, -1]))
    with pytest.raises(ValueError, match=r"\[lookup\] choices must name tables"):
        native.push("lookup", FIELDS["lookup"] | {"choice": choice})
    native.array(np.full((1, 2, 3), 3 if choice == 6 else -1, np.int32))
    with pytest.raises(ValueError, match=r"\[products\] every edge must name a table"):
        native.push("products", FIELDS["products"] | {"select": 8})


def test_thresholds_that_do_not_ascend_are_refused():
    native = core()
    native.array(np.int32([[0, 1], [0, 0], [1, 0]]))
    with pytest.raises(ValueError, match=r"\[encode\] thresholds must ascend"):
        native.push("encode", FIELDS["encode"] | {"thresholds": 6})


def test_values_and_arrays_that_cannot_be():
    native = _native.Model()
    for shape in [(0,), (-1, 2), (2**31,), (2**16, 2**16), (2**32, 2**32)]:
        with pytest.raises(ValueError, match=r"\[value\] its width must be in 1\.\.2\^31"):
            native.value(False, shape, None, 0)
    with pytest.raises(ValueError, match=r"\[array\] its width must be in 1\.\.2\^31"):
        native.array(np.zeros((2, 0), np.int32))
    with pytest.raises(TypeError):
        native.array(np.zeros((2, 2), np.int64))


def test_integers_out_of_their_interval_are_not_given():
    native = core()
    engine, sequence = _native.Engine(native, 1, False), _native.Sequence(native, 4)
    native.push("encode", FIELDS["encode"])
    with pytest.raises(ValueError, match="an input must lie in the interval of its value"):
        engine.run([(sequence, 1, 0, 0)], {X: np.full((1, 6), 10, np.int32)}, [X], 0, 0, {})
    with pytest.raises(ValueError, match="a value must be declared"):
        engine.run([(sequence, 1, 0, 0)], {X: np.zeros((1, 6), np.int32)}, [99], 0, 0, {})
    found = engine.run([(sequence, 1, 0, 0)], {X: np.arange(6, dtype=np.int32)[None]}, [X, FLAT], 0, 0, {})
    assert [x.dtype for x in found] == [np.int32] * 2 and found[0].tolist() == [[0, 1, 2, 3, 4, 5]]
