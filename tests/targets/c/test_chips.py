"""On chips, by their emulators: the same integers, without an instruction or a helper that multiplies or divides."""

import pytest

from chips import CHIPS, compiled, measured, multiplies, put
from nets_at_random import NETS
from tabulae.targets.c import Options, emit

RUN = ["rv32ec", "cortex-m3", "cortex-m0plus", "atmega2560"]
WITHOUT = ["rv32ec", "cortex-m3", "cortex-m0plus", "attiny1634"]


@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize("name", RUN)
def test_the_integers_of_the_reference(name, net, tmp_path) -> None:
    chip = CHIPS[name]
    if chip.missing():
        pytest.skip(f"{chip.missing()} not installed: make hardware-tools")
    put(tmp_path, emit(NETS[net](), "net", Options(vectors=20, word=chip.word)))
    for level in ("-O0", "-O1", "-O2", "-O3"):
        found = measured(chip, level, tmp_path)
        assert found.mismatches == 0 and 0 < found.mean <= found.worst


@pytest.mark.parametrize("form", ["multiples", "own", "shared", "sparse"])
@pytest.mark.parametrize("net", ["dense", "convolutional"])
@pytest.mark.parametrize("name", WITHOUT)
def test_neither_multiplied_nor_divided(name, net, form, tmp_path) -> None:
    chip = CHIPS[name]
    if not chip.has("gcc", "objdump", "nm"):
        pytest.skip(f"{chip.prefix}gcc not installed: make hardware-tools")
    put(tmp_path, emit(NETS[net](), "net", Options(vectors=1, word=chip.word, form=form)))
    for level in ("-O0", "-O1", "-O2", "-O3"):
        assert not multiplies(chip, compiled(chip, level, tmp_path))
