"""Speed against llama.cpp on the same GGUF, in the same run, in turns.

    python benchmarks/bench_decode.py SmolLM2.gguf [--threads 1] [--rounds 5] [--format F] [--peer FOLDER] [--json]

Each round runs llama-bench (-p 128, then -n 64 at a depth of 128) and then our own 128-token prompt and 64 single
tokens behind it; medians and ratios of the rounds are printed, with the bytes that a token reads on either side. A lead
in speed can be one in bytes: the last line says how much, and the ratio of GB/s is what is left without it. ``--peer``
is the folder with llama-bench; benchmarks/peers/llama_cpp.sh builds it.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import tabulae
from tabulae.program.ops.attention import Attention
from tabulae.workflows.speed import DECODE, PREFILL, measure_session

SIDES = ("llama.cpp", "tabulae")


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
    bench = [peer / "llama-bench", "-m", options.model, "-t", options.threads, "-r", 1, "-o", "json"]
    prefill = tokens_per_second([*bench, "-p", PREFILL, "-n", 0])
    decode = tokens_per_second([*bench, "-p", 0, "-n", DECODE, "-d", PREFILL])
    with tabulae.load(table, threads=options.threads, arithmetic=options.arithmetic) as model:
        ours = measure_session(model.session(), threads=options.threads, rounds=1)
    return {
        "llama.cpp prefill": prefill,
        "llama.cpp decode": decode,
        "tabulae prefill": ours.prefill_tokens_per_second,
        "tabulae decode": ours.decode_tokens_per_second,
        "share of plain memory reads": ours.share_of_memory_speed,
        "tabulae bytes": ours.bytes_per_token,
        "llama.cpp bytes": peer_bytes(options.model, ours.depth),
    }


def tokens_per_second(command: list[object]) -> float:
    """What llama-bench says of its one test."""
    done = subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True)
    return float(json.loads(done.stdout)[0]["avg_ts"])


def peer_bytes(path: Path, depth: int) -> int:
    """What llama.cpp reads for one token at a depth: all but an untied embedding; a float16 cache."""
    with tabulae.open(path) as model:
        source, tied = model.source, "output.weight" not in model.source.names
        matrices = [name for name in source.names if len(source.shape(name)) == 2]
        weights = sum(source.nbytes(name) for name in matrices if tied or name != "token_embd.weight")
        layers = [op for op in model.program.operations if isinstance(op, Attention)]
    return weights + sum(2 * 2 * op.kv_heads * op.head * depth for op in layers)


def report(options: argparse.Namespace, rounds: list[dict[str, float]]) -> None:
    """Medians, and medians of the ratios within each round."""
    medians = {key: statistics.median(one[key] for one in rounds) for key in rounds[0]}
    for what in ("prefill", "decode"):
        medians[f"{what} ratio"] = statistics.median(
            one[f"tabulae {what}"] / one[f"llama.cpp {what}"] for one in rounds
        )
    medians["decode ratio, GB/s"] = medians["decode ratio"] * medians["tabulae bytes"] / medians["llama.cpp bytes"]
    if options.json:
        json.dump({"threads": options.threads, "rounds": rounds, "medians": medians}, sys.stdout, indent=2)
        return
    print(f"{options.model.name}, {options.threads} thread(s), medians of {len(rounds)} rounds in turns")
    for key, value in medians.items():
        unit = " bytes a token" if key.endswith("bytes") else " tokens/s" if key.split()[0] in SIDES else ""
        print(f"  {key:28} {value:14,.2f}{unit}")
    less = 1 - medians["tabulae bytes"] / medians["llama.cpp bytes"]
    print(f"  {less:.0%} of the bytes of a token are saved by fewer bits, not by faster kernels")


if __name__ == "__main__":
    main()
