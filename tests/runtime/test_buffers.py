"""Values that share memory are never needed at the same time, and sharing saves memory."""

from itertools import pairwise

import numpy as np
import pytest
from tiny_models import CONFIGS, TOKENS
from tiny_tables import bound, float_model

from nets_at_random import dense
from tabulae import _native
from tabulae.errors import ModelError, UsageError
from tabulae.nets.builder import Builder
from tabulae.program.env import Env
from tabulae.program.graph import Graph
from tabulae.program.ops.add import Add
from tabulae.program.ops.encode import Encode
from tabulae.program.ops.products import Products
from tabulae.program.value import Value
from tabulae.runtime.buffers import buffers, intervals, stands
from tabulae.runtime.engine import Engine
from tabulae.runtime.net import NetModel
from tabulae.runtime.session import Session


def assert_every_read_finds_its_value(program):
    """Buffers hold the name of what was last written into them."""
    places = buffers(program)
    holds = {places[name]: name for name in program.inputs}
    assert len(holds) == len(program.inputs)
    for op in program.operations:
        assert all(holds[places[name]] == name for name in op.reads())
        assert len({places[name] for name in (*op.reads(), *op.writes())}) == len({*op.reads(), *op.writes()})
        holds |= {places[name]: name for name in op.writes()}
    assert all(holds[places[name]] == name for name in program.outputs)


def numbers(program):
    """Of one position: in all buffers, and where every value has its own."""
    largest = {}
    for name, place in buffers(program).items():
        largest[place] = max(largest.get(place, 0), program.values[name].width)
    return sum(largest.values()), sum(value.width for value in program.values.values())


@pytest.mark.parametrize("name", CONFIGS)
def test_every_program(name):
    program, _ = float_model(name)
    assert_every_read_finds_its_value(program)
    shared, alone = numbers(program)
    assert shared < alone


@pytest.mark.parametrize("seed", range(20))
def test_graphs_in_which_anything_is_read_and_written_again(seed):
    rng = np.random.default_rng(seed)
    values = {f"v{i}": Value(("positions", int(width))) for i, width in enumerate(rng.integers(1, 9, 12))}
    written, operations = ["v0", "v1"], []
    for _ in range(40):
        a, b, out = *rng.choice(written, 2), f"v{rng.integers(2, 12)}"
        operations.append(Add(str(a), str(b), out))
        written.append(out)
    program = Graph(tuple(operations), values, ("v0", "v1"), tuple({written[-1], written[5]}), 4)
    assert_every_read_finds_its_value(program)


def test_integers_share_with_none_of_another_type():
    """They are indices: a part of a graph that is run alone finds in their place what another value left there."""
    program, _ = float_model("qwen3_moe")
    places = buffers(program)
    kinds = {}
    for name, value in program.values.items():
        kinds.setdefault(places[name], set()).add(value.type)
    assert all(len(types) == 1 for types in kinds.values())
    native = _native.Model()
    native.value(False, (4,), (0, 7), 0)
    native.value(False, (2,), (0, 7), 0)
    for interval in (None, (0, 8)):
        with pytest.raises(ValueError, match=r"\[value\] values that share memory must have one type"):
            native.value(False, (4,), interval, 0)


def test_integers_that_are_no_addresses_share_whatever_their_intervals():
    """All sums stand in one buffer; codes, which are addresses, share with their like alone."""
    rng, net = np.random.default_rng(0), Builder()
    x = net.input("x", (8,), 0, 3)
    for layer in range(6):
        tables = net.array(f"t{layer}", rng.integers(-99, 100, (64, 4)))
        sums = net.add(Products(x, tables, f"sums{layer}"), (8,))
        x = net.add(Encode(sums, net.array(f"l{layer}", np.tile([-9, 0, 9], (8, 1))), f"codes{layer}"), (8,))
    program = net.built((x,)).program
    places, kept = buffers(program), intervals(program)
    assert len({program.values[f"sums{layer}"].type for layer in range(6)}) == 6
    assert {places[f"sums{layer}"] for layer in range(6)}.isdisjoint(places[f"codes{layer}"] for layer in range(6))
    assert len({*places.values()}) == 3  # the last codes are an output, and nobody's address
    assert kept["sums0"] == (-(2**31), 2**31 - 1) and kept["codes0"] == kept["x"] == (0, 3)


def test_the_core_refuses_an_address_that_was_taken_for_none(monkeypatch):
    """Whatever the run time thinks of a value, memory stays safe."""
    built = dense()
    monkeypatch.setattr(Products, "addresses", lambda op: ())
    with pytest.raises(ModelError, match=r"\[products\] a table must have an entry for every code"):
        NetModel(*built)


def test_a_chain_of_any_length_needs_two_buffers():
    names = [f"v{i}" for i in range(30)]
    chain = tuple(Add(a, a, b) for a, b in pairwise(names))
    program = Graph(chain, {name: Value(("positions", 8)) for name in names}, ("v0",), ("v29",), 4)
    assert numbers(program) == (16, 240)


def test_what_is_asked_for_must_still_stand():
    program, weights = float_model("llama")
    places, end = buffers(program), len(program.operations)
    gone = [name for name in program.values if not stands(program, places, "tokens", name, 0, end)]
    session = Session(Engine(bound(program, weights)), 64)
    tokens = np.int32(TOKENS[:3])[:, None]
    with pytest.raises(UsageError, match=rf"{gone[0]} must be given or written by then"):
        session.run("tokens", tokens, begin=0, end=end, out=gone[0])
    first = next(at for at, op in enumerate(program.operations) if gone[0] in op.writes())
    found = session.run("tokens", tokens, begin=0, end=first + 1, out=gone[0])
    env = Env(program.values, program.constants, weights, 64)
    env.values, env.positions = {"tokens": tokens[:, 0].astype(np.int64)}, np.arange(3)
    for op in program.operations[: first + 1]:
        op.run(env)
    np.testing.assert_array_equal(found, env.values[gone[0]])


def test_what_was_never_given_or_written_is_not_handed_out():
    program, weights = float_model("llama")
    session, x = Session(Engine(bound(program, weights)), 64), np.full((2, program.values["x"].width), 7, np.float32)
    for out in program.values:
        if out != "x":
            with pytest.raises(UsageError, match="must be given or written by then"):
                session.run("x", x, begin=1, end=1, out=out)
    np.testing.assert_array_equal(session.run("x", x, begin=1, end=1, out="x"), x)


def test_what_operations_read_must_be_given():
    program, weights = float_model("llama")
    at = next(i for i, op in enumerate(program.operations) if op.tag == "attention")
    session, q = Session(Engine(bound(program, weights)), 64), program.operations[at].q
    rows = np.zeros((1, program.values[q].width), np.float32)
    with pytest.raises(UsageError, match=rf"\[run\] operations {at}:{at + 1} must read {q} alone, but got"):
        session.run(q, rows, begin=at, end=at + 1, out=program.operations[at].out)


def test_a_graph_of_very_many_values_takes_no_time():
    """Files may mean harm: all these values are needed at the end."""
    names = [f"v{i}" for i in range(20_000)]
    chain = tuple(Add(a, a, b) for a, b in pairwise(names))
    values = {name: Value(("positions", 1 + i % 7)) for i, name in enumerate(names)}
    program = Graph(chain, values, ("v0",), tuple(names), 4)
    assert len(set(buffers(program).values())) == len(names)
