"""``tabulae bench m.tab``"""

from pathlib import Path
from typing import Annotated

import typer

from tabulae.cli.output import Arithmetic, Json, Threads, megabytes, print_json, print_table, progress_bar

EXAMPLES = """
[bold]Examples[/bold]

  tabulae bench smollm2.tab

  tabulae bench smollm2.tab --threads 1 --arithmetic lookup --json
"""


def bench(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="Table model (.tab).")],
    threads: Threads = None,
    arithmetic: Arithmetic = "auto",
    rounds: Annotated[int, typer.Option(help="Prompts to time; medians are shown.", min=1)] = 5,
    brief: Annotated[bool, typer.Option("--brief", help="One line.")] = False,
    json: Json = False,
) -> None:
    """Measure tokens per second, GB/s beside plain memory reads of the same bytes in the same run, and memory.

    Bytes are those in memory: decoded codes, scales, and the key/value cache at the position that is stated.
    """
    from tabulae.workflows.speed import measure

    with progress_bar("measuring", quiet=json) as progress:
        found = measure(model, threads=threads, arithmetic=arithmetic, rounds=rounds, progress=progress)
    if json:
        print_json(found)
        return
    speed = found.speed
    if not brief:
        rows = [
            ("load", f"{1000 * found.load_seconds:.1f} ms"),
            ("prefill", f"{speed.prefill_tokens_per_second:.0f} tokens/s"),
            ("decode", f"{speed.decode_tokens_per_second:.1f} tokens/s"),
            ("weights and cache read", f"{speed.decode_gigabytes_per_second:.1f} GB/s"),
            ("plain memory read", f"{speed.read_gigabytes_per_second:.1f} GB/s"),
            ("read for one token", f"{megabytes(speed.bytes_per_token)} at position {speed.depth}"),
            ("of it weights", megabytes(speed.weight_bytes)),
            ("cache", f"{megabytes(speed.cache_bytes_per_token)} a token"),
            ("peak memory", megabytes(speed.peak_memory_bytes)),
        ]
        print_table(f"{speed.threads} threads, {speed.arithmetic}, {speed.isa}", ("", "median"), rows)
    print(
        f"{model}: {speed.decode_tokens_per_second:.1f} tokens/s ({speed.threads} threads), "
        f"{100 * speed.share_of_memory_speed:.0f} % of the speed of plain memory reads, at position {speed.depth}"
    )
