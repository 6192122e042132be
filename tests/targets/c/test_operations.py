"""Every operation in the shapes that its C has a case for, against the reference interpreter."""

import shutil
import subprocess

import numpy as np
import pytest

from chips import put
from nets_at_random import encoded, looked_up, padded, patches, products, reshaped
from tabulae.nets.builder import Builder
from tabulae.program.ops.encode import Encode
from tabulae.program.ops.lookup import Lookup
from tabulae.program.ops.products import Products
from tabulae.program.ops.reduce import Reduce
from tabulae.program.ops.shift_add import ShiftAdd, Term
from tabulae.program.ops.take import Piece, Take
from tabulae.targets.c import Options, emit, emitted

pytestmark = pytest.mark.skipif(not shutil.which("gcc"), reason="gcc is not installed")
FLAGS = ["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-O1"]
FLAGS += ["-fsanitize=undefined,address", "-fno-sanitize-recover"]


def same(net, outputs, folder, **options):
    """Whether C gives what the interpreter gives."""
    files = emit(net.built(outputs), "net", Options(vectors=64, **options))
    put(folder, files)
    subprocess.run(["gcc", *FLAGS, "-o", "t", "test_net.c", "net.c"], cwd=folder, check=True)
    done = subprocess.run(["./t"], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return files


def start(shape, low=0, high=7, seed=0):
    net = Builder()
    return net, np.random.default_rng(seed), net.input("x", shape, low, high)


SHAPES = [((5,), 1, 1), ((5,), 8, 1), ((5,), 19, 1), ((6,), 6, 3), ((4,), 4, 4), ((3, 4), 9, 1)]
SHAPES += [((2, 3, 6), 20, 2), ((1,), 3, 1)]


@pytest.mark.parametrize("form", ["multiples", "own", "shared", "sparse"])
@pytest.mark.parametrize("bits", [2, 4, 6])
def test_products(bits, form, tmp_path) -> None:
    net, rng = Builder(), np.random.default_rng(0)
    for number, (shape, rows, groups) in enumerate(SHAPES):
        x = net.input(f"x{number}", shape, 0, 15)
        products(net, rng, x, rows, bits, groups=groups)
    same(net, [f"x{number}.products" for number in range(len(SHAPES))], tmp_path, form=form)


@pytest.mark.parametrize("columns", [291, 292, 600])
def test_many_products(columns, tmp_path) -> None:
    """More than one sum of 16 bits holds."""
    net, rng, x = start((columns,), 0, 15)
    tables = np.arange(-7, 9)[:, None] * np.arange(16)
    select = np.where(rng.integers(0, 9, (1, 9, columns)) > 0, 15, 0)
    y = net.add(Products(x, net.array("t", tables), "y", net.array("s", select)), (9,))
    files = same(net, (y,), tmp_path, form="multiples")
    assert "add_multiples" in files["net.c"]


@pytest.mark.parametrize("slopes", [[0, 15], [-15, 0], [3, 18], [-130, -115], [5, 5]])
def test_tables_that_are_lines(slopes, tmp_path) -> None:
    """Products are but lines through 0; what a table says to code 0 stands in the start."""
    net, rng, x = start((7,), 0, 9)
    tables = rng.integers(-99, 99, (2, 1)) + np.array(slopes)[:, None] * np.arange(10)
    select = rng.integers(0, 2, (1, 5, 7))
    y = net.add(Products(x, net.array("t", tables), "y", net.array("s", select)), (5,))
    assert "multiples" in emitted(net.built((y,)), "net").notes[0]
    same(net, (y,), tmp_path, form="multiples")


@pytest.mark.parametrize("kept", [0.0, 0.02, 0.2])
@pytest.mark.parametrize("groups", [1, 2])
def test_edges_that_are_constant(kept, groups, tmp_path) -> None:
    net, rng, x = start((600,), 0, 3)
    edges = 600 * 4
    tables = rng.integers(-9, 9, (edges, 1)) + rng.integers(-9, 9, (edges, 4)) * (rng.random((edges, 1)) < kept)
    y = net.add(Products(x, net.array("t", tables), "y", groups=groups), (4 * groups,))
    built = net.built((y,))
    assert emitted(built, "net").notes[0].endswith(": sparse")
    same(net, ("y",), tmp_path)


def test_large_sums_are_made_in_32_bits(tmp_path) -> None:
    net, rng, x = start((6,), 0, 3)
    tables = rng.integers(-(10**6), 10**6, (18, 4))
    same(net, (net.add(Products(x, net.array("t", tables), "y"), (3,)),), tmp_path)


def test_many_tables_are_selected_by_16_bits(tmp_path) -> None:
    net, rng, x = start((10,), 0, 3)
    tables, select = rng.integers(-99, 99, (700, 4)), rng.integers(0, 700, (1, 80, 10))
    y = net.add(Products(x, net.array("t", tables), "y", net.array("s", select)), (80,))
    same(net, (y,), tmp_path, form="shared")


@pytest.mark.parametrize("levels", [1, 2, 3, 6, 15, 16, 255, 300])
@pytest.mark.parametrize("alike", [False, True])
def test_encode(levels, alike, tmp_path) -> None:
    net, rng, x = start((2, 3), -500, 700)
    thresholds = np.sort(rng.integers(-600, 800, (1 if alike else 3, levels)), axis=1)
    y = net.add(Encode(x, net.array("t", np.broadcast_to(thresholds, (3, levels)).copy()), "y"), (2, 3))
    same(net, (y,), tmp_path)


def test_encode_where_all_is_above_or_below(tmp_path) -> None:
    net, _, x = start((2,), -5, 5)
    y = net.add(Encode(x, net.array("t", np.array([[-(10**9), 10**9], [-5, 5]])), "y"), (2,))
    same(net, (y, net.add(Encode(x, net.array("u", np.array([[6], [7]])), "z"), (2,))), tmp_path)


@pytest.mark.parametrize("choice", ["none", "channels", "elements"])
@pytest.mark.parametrize("second", ["none", "same", "other"])
def test_lookup(choice, second, tmp_path) -> None:
    net, rng, x = start((3, 2), -4, 9)
    other = net.input("z", (3, 2), -9, 9)
    name = {"none": None, "same": x, "other": other}[second]
    same(
        net,
        (looked_up(net, rng, x, second=name, choice=choice), net.add(ShiftAdd((Term(other),), "w"), (3, 2))),
        tmp_path,
    )


def test_one_table_of_several(tmp_path) -> None:
    net, rng, x = start((3,), 0, 5)
    tables, choice = net.array("t", rng.integers(-9999, 9999, (3, 6))), net.array("c", np.array([2]))
    same(net, (net.add(Lookup(x, tables, "y", choice=choice), (3,)),), tmp_path)


def test_a_large_table_of_two(tmp_path) -> None:
    net, rng, x = start((3,), 0, 299)
    tables = net.array("t", rng.integers(-9, 9, (1, 300, 300)))
    same(net, (net.add(Lookup(x, tables, "y", x), (3,)),), tmp_path)


@pytest.mark.parametrize("how", ["sum", "max", "argmax"])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_reduce(how, axis, tmp_path) -> None:
    net, _, x = start((2, 3, 4), -3, 2)
    same(net, (net.add(Reduce(x, "y", how, axis), (2, 3, 4)[:axis] + (2, 3, 4)[axis + 1 :]),), tmp_path)


def test_reduce_to_one_and_of_one(tmp_path) -> None:
    net, _, x = start((300,), -(10**5), 10**5)
    one = net.add(Reduce(x, "y", "argmax", 0), (1,))
    largest = net.add(Reduce(x, "z", "sum", 0), (1,))
    same(net, (one, largest, net.add(Reduce(largest, "w", "max", 0), (1,))), tmp_path)


def test_shift_add(tmp_path) -> None:
    net, rng, x = start((2, 3), -100, 77)
    z, c = net.input("z", (2, 3), 0, 9), net.array("c", rng.integers(-70000, 70000, 3))
    terms = (Term(x, 3), Term(x, -2, negative=True), Term(z, -1), Term(z, 12, negative=True), Term(x))
    y = net.add(ShiftAdd(terms, "y", c), (2, 3))
    far = net.add(ShiftAdd((Term(x, -31), Term(x, -7, negative=True)), "far"), (2, 3))
    same(net, (y, far), tmp_path)


def test_takes_that_are_stored(tmp_path) -> None:
    net, _, x = start((4, 3), -5, 5)
    z = net.input("z", (2, 3), 0, 300)
    pieces = (
        Piece(x, 11, (-3, -1), (0, 0), (4, 3)),
        Piece(z, 0, (3, 1), (4, 1), (2, 2)),
        Piece(z, 5, (0, 0), (1, 1), (2, 1)),
    )
    same(net, (net.add(Take(pieces, "y", fill=-7), (7, 4)),), tmp_path)


def test_takes_that_are_read_in_place(tmp_path) -> None:
    """By everything, transposed and reversed."""
    net, rng, x = start((4, 6), 0, 7)
    turned = net.add(Take((Piece(x, 23, (-1, -6)),), "turned"), (6, 4))
    codes = encoded(net, rng, turned, 2)
    both = net.add(ShiftAdd((Term(turned, 1), Term(codes)), "both"), (6, 4))
    looked = looked_up(net, rng, turned, second=codes)
    largest = net.add(Reduce(turned, "largest", "max", 1), (6,))
    sums = products(net, rng, turned, 5, 3)
    files = same(net, (codes, both, looked, largest, sums), tmp_path)
    assert "take_" not in files["net.c"]


def test_a_reshape_of_what_is_padded(tmp_path) -> None:
    net, rng, x = start((30,), 0, 7)
    image = reshaped(net, x, (3, 5, 2), "image")
    border = padded(net, image, 1, "border")
    seen = patches(net, border, 3, 2, "seen")
    files = same(net, (encoded(net, rng, products(net, rng, seen, 6, 4), 3),), tmp_path)
    assert files["net.c"].count("static void take_") == 1, "only what is padded is copied"


def test_a_transpose_that_no_pointer_walks(tmp_path) -> None:
    """Two axes that become one the other way round: elements are put so first."""
    net, rng, x = start((4, 6), 0, 7)
    turned = net.add(Take((Piece(x, 0, (1, 6)),), "turned"), (6, 4))
    flat = reshaped(net, turned, (24,), "flat")
    sums = products(net, rng, flat, 3, 3)
    same(net, (sums, net.add(ShiftAdd((Term(flat, 1),), "y"), (24,))), tmp_path)


def test_names_that_c_has_already(tmp_path) -> None:
    """Values may be called like keywords, pieces, types, each other's functions."""
    net = Builder()
    x = net.input("for", (3,), -9, 9)
    a = net.add(ShiftAdd((Term(x, -1),), "floor_shift"), (3,))
    b = net.add(ShiftAdd((Term(a, -1),), "arena"), (3,))
    c = net.add(ShiftAdd((Term(b, 1),), "uint8_t"), (3,))
    d = net.add(ShiftAdd((Term(c, 1),), "add_arena"), (3,))
    same(net, (net.add(ShiftAdd((Term(d, 1),), "READ"), (3,)),), tmp_path)


def test_names_that_would_end_a_comment_or_are_the_nets_own(tmp_path) -> None:
    net = Builder()
    x = net.input("*/ int f(; /*", (3,), -9, 9)
    a = net.add(ShiftAdd((Term(x, -1),), "a\\\nb é"), (3,))
    b = net.add(ShiftAdd((Term(a, -1),), "net.run"), (3,))
    c = net.add(ShiftAdd((Term(b, -1),), "NET_READ"), (3,))
    same(net, (c,), tmp_path)


@pytest.mark.parametrize("how", ["sum", "max", "argmax"])
def test_pools_read_their_windows_in_place(how, tmp_path) -> None:
    net, _, x = start((6, 4, 3), -5, 5)
    taps = [(ky, kx) for ky in range(3) for kx in range(2)]
    pieces = tuple(
        Piece(x, 12 * ky + 3 * kx, (36, 6, 0, 1), (0, 0, n, 0), (2, 2, 1, 3)) for n, (ky, kx) in enumerate(taps)
    )
    seen = net.add(Take(pieces, "seen"), (2, 2, 6, 3))
    files = same(net, (net.add(Reduce(seen, "y", how, 2), (2, 2, 3)),), tmp_path)
    assert "take_" not in files["net.c"]


def test_what_is_made_element_by_element_stands_in_the_place_of_what_it_is_made_of(tmp_path) -> None:
    net, rng, x = start((8,), -9, 9)
    a = net.add(ShiftAdd((Term(x, 1),), "a"), (8,))
    b = net.add(ShiftAdd((Term(a), Term(x)), "b"), (8,))
    turned = net.add(Take((Piece(b, 7, (-1,)),), "turned"), (8,))
    c = net.add(ShiftAdd((Term(b), Term(turned)), "c"), (8,))  # another order too: not in place
    d = net.add(ShiftAdd((Term(c, 9),), "d"), (8,))  # wider: not in place
    e = looked_up(net, rng, d)
    assert emitted(net.built((e,)), "net").ram == 2 * 8 + 2 * 8
    same(net, (e,), tmp_path)
