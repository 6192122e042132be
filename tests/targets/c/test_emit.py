"""Emitted C: the integers of the reference interpreter at every level of optimisation, and no product in the code."""

import shutil
import subprocess

import numpy as np
import pytest

from chips import CHIPS, LEVELS, compiled, multiplies, put
from nets_at_random import NETS, dense
from tabulae.errors import ModelError, UsageError
from tabulae.nets.builder import Builder
from tabulae.program.net import Reading
from tabulae.program.ops.reduce import Reduce
from tabulae.targets.c import Options, emit, emitted

FORMS = [None, "multiples", "own", "shared", "sparse"]
gcc = pytest.mark.skipif(not shutil.which("gcc"), reason="gcc is not installed")


def mismatches(folder, *flags):
    """What the net's own test says, compiled strictly."""
    command = ["gcc", "-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror", *flags, "-o", "t", "test_net.c", "net.c"]
    subprocess.run(command, cwd=folder, check=True)
    done = subprocess.run(["./t"], cwd=folder, capture_output=True, text=True)
    return done.returncode, done.stdout


@gcc
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", NETS)
def test_every_level_gives_the_integers_of_the_reference(name, form, tmp_path) -> None:
    put(tmp_path, emit(NETS[name](), "net", Options(vectors=200, form=form)))
    for level in LEVELS if form is None else ["-O2"]:
        assert mismatches(tmp_path, level) == (0, "net: 0 mismatches in 200 examples\n")


@gcc
@pytest.mark.parametrize("seed", range(1, 4))
@pytest.mark.parametrize("name", NETS)
def test_other_seeds(name, seed, tmp_path) -> None:
    put(tmp_path, emit(NETS[name](seed), "net", Options(vectors=50, seed=seed)))
    assert mismatches(tmp_path, "-O2", "-fsanitize=undefined,address", "-fno-sanitize-recover")[0] == 0


@gcc
@pytest.mark.parametrize("name", NETS)
def test_with_integers_of_32_bits(name, tmp_path) -> None:
    put(tmp_path, emit(NETS[name](), "net", Options(vectors=200)))
    (tmp_path / "probe.c").write_text("#include <stdio.h>\nint main(void) { return 0; }\n")
    if subprocess.run(["gcc", "-m32", "probe.c", "-o", "probe"], cwd=tmp_path, capture_output=True).returncode:
        pytest.skip("gcc -m32 does not link: make hardware-tools installs its library")
    for level in LEVELS:
        assert mismatches(tmp_path, "-m32", level)[0] == 0


@gcc
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", NETS)
def test_x86_neither_multiplies_nor_divides(name, form, tmp_path) -> None:
    put(tmp_path, emit(NETS[name](), "net", Options(vectors=1, form=form)))
    for chip in (CHIPS["x86-64"], CHIPS["x86-32"]):
        for level in ("-O0", "-O1", "-O2", "-O3") if form is None or name == "dense" else ["-O2"]:
            assert not multiplies(chip, compiled(chip, level, tmp_path))


def test_a_product_is_found(tmp_path) -> None:
    """What looks for products sees one."""
    chip = next(
        (chip for chip in (CHIPS["x86-64"], CHIPS["cortex-m3"], CHIPS["rv32ec"]) if chip.has("gcc", "objdump")), None
    )
    if chip is None:
        pytest.skip("no compiler is installed")
    (tmp_path / "net.c").write_text("int f(int a, int b);\nint f(int a, int b) { return a * b + a / 7 - b % a; }\n")
    assert multiplies(chip, compiled(chip, "-O2", tmp_path))


@gcc
def test_a_test_that_fails_says_where(tmp_path) -> None:
    files = emit(dense(), "net", Options(vectors=3))
    lines = files["net.c"].splitlines()
    at = next(n for n, line in enumerate(lines) if line.startswith("static const int16_t start_")) + 1
    lines[at] = lines[at].replace(lines[at].split(",")[0].strip(), "7", 1)
    put(tmp_path, {**files, "net.c": "\n".join(lines)})
    found, said = mismatches(tmp_path, "-O1")
    assert found > 0 and "mismatches in 3 examples" in said and ", not " in said


@gcc
def test_make_and_cpp(tmp_path) -> None:
    put(tmp_path, emit(dense(), "net"))
    assert subprocess.run(["make", "-s", "test"], cwd=tmp_path, capture_output=True).stdout.endswith(
        b"in 20 examples\n"
    )
    (tmp_path / "a.cpp").write_text('#include "net.h"\nauto run = &net_run;\nint main() { return run ? 0 : 1; }\n')
    subprocess.run(["gcc", "-c", "net.c"], cwd=tmp_path, check=True)
    subprocess.run(["g++", "-Wall", "-Wextra", "-Werror", "a.cpp", "net.o", "-o", "a"], cwd=tmp_path, check=True)


def test_the_same_net_gives_the_same_text() -> None:
    assert emit(dense(), "net") == emit(dense(), "net")


def test_what_it_needs_is_what_it_says() -> None:
    found = emitted(dense(0, inputs=64, hidden=32, outputs=10, bits=4), "net")
    assert found.ram == 32 + 2 * 32, "codes between the layers, and the sums that become them"
    assert f"{found.flash:,} bytes of tables" in found.files["README.md"]
    assert len(found.files["README.md"].splitlines()) == 5
    assert len(found.notes) == 2 and all("instructions" in note for note in found.notes)
    assert "estimated" in found.files["net.c"]


def test_the_contract_of_an_input_is_said_everywhere() -> None:
    net = Builder()
    net.input("x.0", (3,), 0, 15, Reading(2.0, (0.5, 0.25, 0.0)))
    built = net.built((net.add(Reduce("x.0", "y", "max", 0), (1,)),))
    files = emit(built, "net")
    contract = "3 integers in 0..15 (uint8_t), 4 bits, floor(number * 2.0 + of its channel) kept within"
    assert contract in files["net.h"] and contract in files["README.md"]
    assert "The caller quantises" in files["README.md"]
    assert "void net_run(const uint8_t x_0[3], uint8_t y[1]);" in files["net.h"]
    assert 'extern "C"' in files["net.h"]


def test_labels_are_said_in_plain_characters() -> None:
    net = Builder()
    y = net.add(Reduce(net.input("x", (2,), 0, 3), "y", "argmax", 0), (1,))
    files = emit(net.built((y,), ("cat", "*/ dög")), "net")
    assert "y: 1 integers in 0..1 (uint8_t), of cat, * / d?g" in files["net.h"]


def test_what_is_refused() -> None:
    with pytest.raises(UsageError, match=r"\[name\] it must be an identifier of C, but got int, a keyword"):
        emit(dense(), "int")
    with pytest.raises(
        UsageError, match=r"\[form\] a form of products must be known, but got x; accepted: multiples, own"
    ):
        emit(dense(), "net", Options(form="x"))
    with pytest.raises(UsageError, match=r"\[word\] what a chip adds at once must be known, but got 16"):
        emit(dense(), "net", Options(word=16))
    with pytest.raises(UsageError, match=r"\[vectors\] the test must have an example, but got 0"):
        emit(dense(), "net", Options(vectors=0))
    built = dense()
    name = next(name for name in built.arrays if name.endswith("start"))
    with pytest.raises(ModelError, match="it must lie in"):
        emit(built._replace(arrays={**built.arrays, name: np.full_like(built.arrays[name], 9999)}), "net")


def test_long_constants_have_a_suffix() -> None:
    """Where int has 16 bits, 40000 is none."""
    from tabulae.targets.c.types import rows

    assert rows(np.array([40000, -32768, -(2**31), 5])) == ["40000L, -32768L, (-2147483647L - 1), 5,"]
