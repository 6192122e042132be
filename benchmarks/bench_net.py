"""A 784-128-10 net of 4-bit codes and weights beside onnxruntime's int8, one thread, in the same run and in turns.

    python benchmarks/bench_net.py --peer PYTHON [--rounds 5] [--batch 1 --batch 256] [--json]

``--peer`` is a Python with onnx and onnxruntime (``pip install onnx onnxruntime`` in an environment of its own). Its
net has 8-bit weights, integers in and out, and nothing but two QLinearMatMul: its leanest form. Ours is run with
products that are exact, as every linear's are (``products``), and with free tables that edges share or have alone.
Medians of rounds, calls from Python on both sides; *core* leaves out our checks of inputs.
"""

import argparse
import json
import statistics
import subprocess
import time
from itertools import pairwise
from pathlib import Path

import numpy as np

from tabulae.nets.builder import Builder, Built
from tabulae.program.ops.encode import Encode
from tabulae.program.ops.products import Products
from tabulae.runtime.engine import BATCH, Part
from tabulae.runtime.net import NetModel

SIZES = (784, 128, 10)
KINDS = ("products", "shared tables", "own tables")
PEER = Path(__file__).parent / "peers" / "onnx_int8.py"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batch", type=int, action="append")
    parser.add_argument("--isa", default="")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    batches = options.batch or [1, 256]
    models = {kind: NetModel(*net(kind), isa=options.isa) for kind in KINDS}
    rounds = [one_round(models, options.peer, batches) for _ in range(options.rounds)]
    found = {key: statistics.median(one[key] for one in rounds) for key in rounds[0]}
    if options.json:
        print(json.dumps({f"{who}, batch {n}": seconds for (who, n), seconds in found.items()}))
        return
    print(f"784-128-10, W4A4, one thread, {models['products'].engine.isa}; median of {options.rounds} rounds")
    for (who, n), seconds in found.items():
        ratio = found["onnxruntime int8", n] / seconds
        print(f"{who:24} batch {n:4}: {seconds * 1e6:9.1f} us, {ratio:5.2f} x onnxruntime's speed")


def net(kind: str) -> Built:
    """Weights and thresholds at random."""
    rng, made = np.random.default_rng(0), Builder()
    x = made.input("x", SIZES[:1], 0, 15)
    for layer, (columns, rows) in enumerate(pairwise(SIZES)):
        exact = np.arange(-8, 8)[:, None] * np.arange(16)
        tables = {
            "products": exact,
            "shared tables": exact + rng.integers(-3, 4, exact.shape),
            "own tables": rng.integers(-120, 120, (rows * columns, 16)),
        }[kind]
        select = None if kind == "own tables" else made.array(f"s{layer}", rng.integers(0, 16, (1, rows, columns)))
        x = made.add(Products(x, made.array(f"t{layer}", tables), f"sums{layer}", select), (rows,))
        if layer == 0:
            low, high = made.ranges[x].low, made.ranges[x].high
            steps = np.linspace(0.4, 0.6, 15)
            thresholds = (low[:, None] + steps * (high - low)[:, None]).astype(np.int64)
            x = made.add(Encode(x, made.array("thresholds", thresholds), "codes"), (rows,))
    return made.built((x,))


def one_round(models: dict[str, NetModel], peer: Path, batches: list[int]) -> dict[tuple[str, int], float]:
    """Seconds of every way."""
    said = subprocess.run([peer, PEER, *map(str, batches)], check=True, capture_output=True, text=True).stdout
    found = {("onnxruntime int8", int(n)): seconds for n, seconds in json.loads(said).items()}
    x = np.random.default_rng(1).integers(0, 16, (max(batches), SIZES[0])).astype(np.int32)
    for n in batches:
        for kind, model in models.items():
            found[kind, n] = median(lambda model=model, n=n: model(x[:n]))
        found["products, core", n] = median(lambda n=n: core(models["products"], x[:n]))
    return found


def core(model: NetModel, x: np.ndarray) -> None:
    """What the engine takes, unchecked."""
    engine, sequence = model.engine, model.sequence
    for first in range(0, len(x), BATCH):
        rows = x[first : first + BATCH]
        engine.batch([Part(sequence, len(rows), 0, 0)], {"x": rows}, model.program.outputs)


def median(call, seconds: float = 0.5) -> float:
    """Of many calls."""
    times, end = [], time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 5:
        begin = time.perf_counter()
        call()
        times.append(time.perf_counter() - begin)
    return statistics.median(times)


if __name__ == "__main__":
    main()
