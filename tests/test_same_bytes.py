"""The same bytes on every CPU: nothing that decides one asks NumPy, BLAS or the C library for more than they promise.

Correctly rounded are ``+ - * /``, square roots and sums in a stated order. Exponentials, logarithms and powers take
other bits on other CPUs, and so do sums whose order depends on the width of vectors (einsum, BLAS).
"""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from numpy._core._multiarray_umath import __cpu_dispatch__

SOURCES = Path(__file__).parents[1] / "src" / "tabulae"
FIXTURES = Path(__file__).parent / "fixtures"
FOLDERS = ("arithmetic", "artifact", "calibration", "codes", "formats", "program")
REFUSED = {
    *("exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "power", "float_power", "cbrt", "hypot"),
    *("sin", "cos", "tan", "arctan", "tanh", "sinh", "cosh", "dot", "vdot", "inner", "matmul", "einsum", "tensordot"),
    *("interp", "geomspace", "logspace", "linalg", "special", "convolve", "corrcoef", "cov"),
}
INTEGERS = {  # sums of integers are exact in any order, and sizes of what is never stored may be off by an ulp
    ("arithmetic/linear.py", "einsum"),
    ("arithmetic/hadamard.py", "@"),
    ("arithmetic/hadamard.py", "**"),
    ("calibration/masks.py", "log2"),
}


def modules():
    return sorted(path for folder in FOLDERS for path in (SOURCES / folder).rglob("*.py"))


def imprecise(tree):
    """Names and operators in a module that promise no bits."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in ("np", "math"):
            yield from {node.attr} & REFUSED
        elif isinstance(node, ast.ImportFrom) and node.module in ("math", "numpy", "scipy", "scipy.special"):
            yield from {alias.name for alias in node.names} & REFUSED
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
            yield "@"
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow) and not whole_power(node):
            yield "**"


def whole_power(node):
    """``2**k``, ``x**2``: exact, or one product."""
    left, right = node.left, node.right
    squared = isinstance(right, ast.Constant) and right.value == 2
    return squared or (isinstance(left, ast.Constant) and left.value in (2, 2.0))


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(SOURCES)))
def test_nothing_that_decides_bytes_depends_on_the_cpu(path):
    name = path.relative_to(SOURCES).as_posix()
    found = {what for what in imprecise(ast.parse(path.read_text())) if (name, what) not in INTEGERS}
    assert not found, "use tabulae.arithmetic.elementary, or a product and .sum(axis)"


def test_the_rule_finds_what_it_is_for():
    text = "import numpy as np\nfrom math import log\na = np.exp(x) @ y\nb = x**0.5\nc = 2.0**-k + x**2 + np.sqrt(x)"
    assert sorted(imprecise(ast.parse(text))) == ["**", "@", "exp", "log"]


SCRIPT = (
    "import sys; sys.path.insert(0, sys.argv[1])\n"
    "from make_logit_hashes import logits_hash, models\n"
    "from numpy._core._multiarray_umath import __cpu_features__ as features\n"
    "import json\n"
    "hashes = {f: logits_hash(p, w, 'generic', 'multiply', 1) for f, p, w in models('llama')}\n"
    "print(json.dumps({'hashes': hashes, 'on': [name for name, on in features.items() if on]}))"
)
LIBC = {"AVX512": "-AVX512F,-AVX512VL", "all": "-AVX512F,-AVX512VL,-AVX2,-FMA,-FMA4"}
BLAS = {"AVX512": "Haswell", "all": "Nehalem"}


@pytest.mark.parametrize("older", ["AVX512", "all"])
def test_tables_built_as_on_an_older_cpu_give_the_committed_logits(older):
    """NumPy, the C library and BLAS are told that the CPU is older than it is: without AVX-512, without any choice."""
    new = {"X86_V4"} if older == "AVX512" else set()
    off = [name for name in __cpu_dispatch__ if older == "all" or "AVX512" in name or name in new]
    told = {"NPY_DISABLE_CPU_FEATURES": " ".join(off), "GLIBC_TUNABLES": f"glibc.cpu.hwcaps={LIBC[older]}"}
    command = [sys.executable, "-W", "ignore", "-c", SCRIPT, str(FIXTURES)]
    environment = os.environ | told | {"OPENBLAS_CORETYPE": BLAS[older]}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    assert not set(off) & set(found["on"])
    assert found["hashes"] == json.loads((FIXTURES / "logit_hashes.json").read_text())["llama"]
