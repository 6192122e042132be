"""The core without Python gives Python's bits, its threads included; with TABULAE_SANITIZE set, under sanitizers."""

import os
import subprocess
from itertools import cycle, product

import numpy as np
import pytest
from native_objects import program, tool
from tape import fnv1a, record, record_net
from tiny_models import TOKENS
from tiny_tables import bound, encoded, float_model

from nets_at_random import NETS, inputs_of
from tabulae import _native
from tabulae.runtime.binding import pack_matrix
from tabulae.runtime.engine import Engine
from tabulae.runtime.net import NetModel
from tabulae.runtime.session import Session

SANITIZE = os.environ.get("TABULAE_SANITIZE", "")
PIECES = [TOKENS[:1], TOKENS[1:20], TOKENS[20:]]
SPARSE = "lloyd:6/row/absmax/sparse=0.01"  # int16 codepoints
FORMS = {  # dealt to matrices in turn; None: float32
    "llama": ["normal:4/g32/signmax"],  # rotary, RMSNorm, grouped heads
    "gpt2": [SPARSE],  # learned positions, LayerNorm, biases, outliers
    "falcon_alibi": ["int:8/row/absmax"],
    "gemma3": ["t:3/g64/absmax"],  # windows
    "qwen3": [  # query, key and value have codebooks of their own
        *("normal:4/g32/signmax", "int:8/row/absmax", "t:3/g64/absmax", SPARSE),
        *(None, "normal:4/g32/signmax", None, "int:8/row/absmax"),
    ],
    "qwen3_moe": ["normal:4/g32/signmax", SPARSE, "t:3/g64/absmax", "int:4/row/rms", None],  # experts
}
CHANGES = {
    "llama": {
        "rope_parameters": {
            **{"rope_type": "longrope", "rope_theta": 1e4, "original_max_position_embeddings": 32},
            **{"short_factor": [1.0] * 8, "long_factor": [2.0] * 8},
        }
    },
    "gemma3": {"final_logit_softcapping": 5.0},
}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("programs")
    return lambda name: program(name, folder, SANITIZE)


def dealt(weights, forms):
    """Matrices in these formats, one after another."""
    turn = cycle(forms)
    return {
        name: encoded({name: w}, form)[name] if w.ndim == 2 and (form := next(turn)) else w
        for name, w in weights.items()
    }


def output_of(command):
    """What it prints; a sanitizer's findings are an exit code."""
    options = {"TSAN_OPTIONS": "halt_on_error=1", "UBSAN_OPTIONS": "halt_on_error=1", "ASAN_OPTIONS": "detect_leaks=1"}
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **options}, timeout=600)
    assert done.returncode == 0 and not done.stderr, done.stderr
    return done.stdout


@pytest.mark.parametrize("name", FORMS)
def test_one_hash_with_and_without_python(built, name, tmp_path):
    model, weights = float_model(name, **CHANGES.get(name, {}))
    tables = dealt(weights, FORMS[name])
    packed = {k: w if isinstance(w, np.ndarray) else pack_matrix(k, w) for k, w in tables.items()}
    record(tmp_path / "tape", model, packed, PIECES)
    lines = output_of([*built("replay"), tmp_path / "tape"]).splitlines()
    session = Session(Engine(bound(model, tables)), 64)
    expected = fnv1a(b"".join(session.feed(piece, wanted=0).tobytes() for piece in PIECES))
    ways = product([*_native.isas(), "prepared"], ("multiply", "lookup"), (1, 2, 3))
    assert lines == [f"{isa} {arithmetic} {threads} {expected}" for isa, arithmetic, threads in ways]


@pytest.mark.parametrize("kind", NETS)
def test_one_hash_of_a_net(built, kind, tmp_path):
    net = NETS[kind]()
    x = np.ascontiguousarray(inputs_of(net, 50)["x"], np.int32)
    record_net(tmp_path / "tape", *net, x)
    lines = output_of([*built("replay"), tmp_path / "tape"]).splitlines()
    outputs = NetModel(*net)(x)
    expected = fnv1a(b"".join(outputs[name].tobytes() for name in net.program.outputs))
    assert lines and {line.split()[-1] for line in lines} == {expected}


def test_the_pool_of_threads(built):
    """A sanitizer of threads cannot follow a fork."""
    assert output_of([*built("pool"), *(["no forks"] if "thread" in SANITIZE else [])]) == ""


def test_a_missing_tool_is_a_failure_and_no_skip():
    with pytest.raises(pytest.fail.Exception, match=r"must be installed, but got none on PATH; .*binutils"):
        tool("no-such-tool")
