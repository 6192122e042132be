"""Is this commit as fast as another? Both run the same table model in turns, each in an environment of its own.

    git worktree add OTHER COMMIT && make -C OTHER .venv/.installed
    python benchmarks/bench_commits.py OTHER/.venv/bin/python m.tab [--threads 1] [--turns 15] [--tokens 128] [--json]

Where the other commit cannot open this one's files, ``--other-table`` is the same model as it builds it.

A turn is one prompt and as many single tokens on either side; which side begins changes from turn to turn. Of the
ratios of each turn (this commit over the other) the median is printed, and a 95 % interval of the median by its ranks.
Plain kernels need minutes for 128 tokens of SmolLM2: give fewer.
"""

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path

from scipy.stats import binom

RUN = """
import sys, time, tabulae
path, threads, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
with tabulae.load(path, threads=threads, context=512) as lm:
    prompt = [(1 + 7919 * i) % lm.program.vocabulary for i in range(count)]
    session = lm.session()
    session.feed(prompt[:4])  # pages and caches are warm
    session.rewind()
    start = time.perf_counter()
    session.feed(prompt)
    middle = time.perf_counter()
    for token in prompt:
        session.feed([token])
    print(count / (middle - start), count / (time.perf_counter() - middle))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("other", type=Path, help="the interpreter of the other commit's environment")
    parser.add_argument("table", type=Path)
    parser.add_argument("--other-table", type=Path, help="what the other commit runs; default: the same file")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--turns", type=int, default=15)
    parser.add_argument("--tokens", type=int, default=128)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    turns = [turn(options, number) for number in range(options.turns)]
    found = {
        what: summary([ours[k] / theirs[k] for ours, theirs in turns]) for k, what in enumerate(("prompt", "decode"))
    }
    report(found, options.json)


def turn(options: argparse.Namespace, number: int) -> tuple[list[float], list[float]]:
    """Tokens per second of this commit and of the other, (prompt, decode) each."""
    sides = [(sys.executable, options.table), (str(options.other), options.other_table or options.table)]
    found = {side: tokens_per_second(*side, options) for side in (sides[::-1] if number % 2 else sides)}
    return found[sides[0]], found[sides[1]]


def tokens_per_second(python: str, table: Path, options: argparse.Namespace) -> list[float]:
    command = [python, "-c", RUN, *map(str, (table, options.threads, options.tokens))]
    return [float(x) for x in subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()]


def summary(ratios: list[float]) -> dict[str, float]:
    """Median and its interval: the k-th smallest and largest ratio, k by the binomial distribution."""
    k = max(int(binom.ppf(0.025, len(ratios), 0.5)), 1)
    ordered = sorted(ratios)
    return {"median": statistics.median(ratios), "low": ordered[k - 1], "high": ordered[-k], "turns": len(ratios)}


def report(found: dict[str, dict[str, float]], as_json: bool) -> None:
    if as_json:
        print(json.dumps(found))
        return
    for name, s in found.items():
        print(f"{name}: {s['median']:.3f} times as fast, 95 % interval {s['low']:.3f} to {s['high']:.3f}")


if __name__ == "__main__":
    main()
