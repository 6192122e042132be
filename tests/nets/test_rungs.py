"""Every rung of the sharing ladder gives the same integers; sizes are those of what is stored."""

import numpy as np
import pytest

from nets_at_random import NETS, dense, inputs_of
from tabulae.errors import UsageError
from tabulae.nets.rungs import RUNGS, layers, raised, sizes
from tabulae.program.interpreter import Interpreter


@pytest.mark.parametrize("rung", RUNGS)
@pytest.mark.parametrize("name", NETS)
def test_every_rung_gives_the_same_integers(name, rung) -> None:
    built = NETS[name]()
    other, data = raised(built, rung), inputs_of(built, 30)
    wanted = Interpreter(built.program, {}, arrays=built.arrays).run(data)
    found = Interpreter(other.program, {}, arrays=other.arrays).run(data)
    assert all((found[out] == wanted[out]).all() for out in built.program.outputs)
    assert other.program.values == built.program.values


def test_sizes_are_those_of_what_is_stored() -> None:
    built = dense()
    for layer in layers(built.program):
        if layer.select is None:
            continue
        for rung, size in sizes(built.program, layer.out, built.arrays).items():
            arrays = raised(built, rung).arrays
            chosen = arrays[layer.select].nbytes if layer.select in arrays else 0
            assert size.entries == arrays[layer.tables].size
            assert size.bytes == arrays[layer.tables].nbytes + chosen
            assert size.tables == len(arrays[layer.tables])


def test_tables_of_one_owner_are_its_own() -> None:
    built = raised(dense(), "input")
    layer = next(layers(built.program))
    select = built.arrays[layer.select]
    assert not set(np.unique(select[:, :, 0])) & set(np.unique(select[:, :, 1]))


def test_a_rung_that_is_none() -> None:
    with pytest.raises(UsageError, match="the rung must be known, but got column; accepted: value, input, row, edge"):
        raised(dense(), "column")
