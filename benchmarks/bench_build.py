"""What building and opening cost: seconds and peak memory of a build, whether it gives the same bytes twice, and how
long `import tabulae` and loading the table model take in a fresh process.

    python benchmarks/bench_build.py [MODEL] [--rounds 5] [--json]
"""

import argparse
import hashlib
import json
import math
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import tabulae
from inputs import smollm2

BUILD = """
import json, sys, time
start = time.perf_counter()
import tabulae
with tabulae.open(sys.argv[1]) as model:
    model.build(sys.argv[2])
seconds = time.perf_counter() - start
from tabulae.workflows.speed import peak_memory
print(json.dumps([seconds, peak_memory()]))
"""
OPEN = """
import json, sys, time
start = time.perf_counter()
import tabulae
imported = time.perf_counter()
lm = tabulae.load(sys.argv[1])
loaded = time.perf_counter()
lm.tokenizer
read = time.perf_counter()
lm.logits([1])
print(json.dumps([imported - start, loaded - imported, read - loaded, time.perf_counter() - read]))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", type=Path, help="default: SmolLM2 from its package")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found = measure(options.model or smollm2(), options.rounds)
    if options.json:
        print(json.dumps(found, indent=1))
    else:
        print("\n".join(f"{name:46} {value}" for name, value in found.items()))


def measure(model: Path, rounds: int) -> dict[str, object]:
    """Medians over fresh processes."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{n}.tab" for n in range(2)]
        builds = [run(BUILD, model, path) for path in paths]
        opened = [run(OPEN, paths[0]) for _ in range(rounds)]
        digests = {hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}
        size = paths[0].stat().st_size
    with tabulae.open(model) as trained:
        largest = 4 * max(math.prod(trained.shape(name)) for name in trained.names)
    names = ("import tabulae, seconds", "load, seconds", "tokenizer, seconds", "first token, seconds")
    return {
        "build, seconds": round(max(seconds for seconds, _ in builds), 2),
        "build, peak memory, MB": round(max(peak for _, peak in builds) / 1e6, 1),
        "2 x largest tensor in float32 + 300 MB": round(2 * largest / 1e6 + 300, 1),
        "table model, bytes": size,
        "the same bytes twice": len(digests) == 1,
        **{
            name: round(statistics.median(times), 4)
            for name, times in zip(names, zip(*opened, strict=True), strict=True)
        },
    }


def run(script: str, *words: Path) -> list[float]:
    """The numbers that a fresh process prints."""
    command = [sys.executable, "-c", script, *map(str, words)]
    found: list[float] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return found


if __name__ == "__main__":
    main()
