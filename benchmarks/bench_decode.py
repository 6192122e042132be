"""Speed against llama.cpp on the same GGUF, in the same run, in turns.

    python benchmarks/bench_decode.py SmolLM2.gguf [--threads 1] [--rounds 5] [--format F] [--peer FOLDER] [--json]

Each round runs llama-bench (-p 128 -n 64) and then our own 128-token prompt and 64 single tokens; medians and ratios
of the rounds are printed. ``--peer`` is the folder with llama-bench; benchmarks/peers/llama_cpp.sh builds it.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import tabulae
from tabulae.artifact.reader import open_table_model
from tabulae.evaluation.speed import measure
from tabulae.workflows.load import from_file


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--format", action="append", default=[])
    parser.add_argument("--arithmetic", default="auto")
    parser.add_argument("--peer", type=Path, default=None)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    peer = options.peer or built_peer()
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "model.tab"
        with tabulae.open(options.model) as model:
            model.build(table, formats=options.format)
        rounds = [one_round(options, table, peer) for _ in range(options.rounds)]
    report(options, rounds)


def built_peer() -> Path:
    """The folder of llama-bench, built where it is not there yet."""
    script = Path(__file__).parent / "peers" / "llama_cpp.sh"
    return Path(subprocess.run([script], check=True, stdout=subprocess.PIPE, text=True).stdout.strip())


def one_round(options: argparse.Namespace, table: Path, peer: Path) -> dict[str, float]:
    """Peer, then ours."""
    command = [peer / "llama-bench", "-m", options.model, "-p", "128", "-n", "64", "-t", options.threads, "-r", "1"]
    done = subprocess.run([*map(str, command), "-o", "json"], check=True, capture_output=True, text=True)
    theirs = {bool(row["n_gen"]): row["avg_ts"] for row in json.loads(done.stdout)}
    settings = {"threads": options.threads, "arithmetic": options.arithmetic}
    with open_table_model(table) as file, from_file(file, **settings) as model:
        ours = measure(file, model.session(), threads=options.threads, rounds=1)
    return {
        "llama.cpp prefill": theirs[False],
        "llama.cpp decode": theirs[True],
        "tabulae prefill": ours.prefill_tokens_per_second,
        "tabulae decode": ours.decode_tokens_per_second,
        "share of plain memory reads": ours.share_of_memory_speed,
    }


def report(options: argparse.Namespace, rounds: list[dict[str, float]]) -> None:
    """Medians, and medians of the ratios within each round."""
    medians = {key: statistics.median(one[key] for one in rounds) for key in rounds[0]}
    for what in ("prefill", "decode"):
        medians[f"{what} ratio"] = statistics.median(
            one[f"tabulae {what}"] / one[f"llama.cpp {what}"] for one in rounds
        )
    if options.json:
        json.dump({"threads": options.threads, "rounds": rounds, "medians": medians}, sys.stdout, indent=2)
        return
    print(f"{options.model.name}, {options.threads} thread(s), medians of {len(rounds)} rounds in turns")
    for key, value in medians.items():
        print(f"  {key:28} {value:10.2f}" + (" tokens/s" if key.split()[0] in ("llama.cpp", "tabulae") else ""))


if __name__ == "__main__":
    main()
