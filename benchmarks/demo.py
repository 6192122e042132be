"""The demo: build SmolLM2-135M as a table model, let it speak, and say what it costs.

    python benchmarks/demo.py smollm2.tab

KL and perplexity are on the first windows of docs/architecture.md: a small text that is always there. The figures to
quote come from benchmarks/bench_quality.py, on wikitext.
"""

import sys
import time
from pathlib import Path

import tabulae
from inputs import smollm2
from tabulae import _native
from tabulae.cli.output import megabytes, print_table, progress_bar
from tabulae.workflows.compare import compare
from tabulae.workflows.describe import describe
from tabulae.workflows.speed import measure

PROMPT = "What is the capital of France, and what is it known for?"
TOKENS = 31  # two sentences; what a model of this size says after them is often wrong
TEXT = Path(__file__).parent.parent / "docs" / "architecture.md"
WINDOWS = 4 if len(_native.isas()) > 1 else 1  # plain kernels take a minute for each


def main(path: Path) -> None:
    source = smollm2()
    start = time.perf_counter()
    with tabulae.open(source) as model, progress_bar("building") as progress:
        model.build(path, progress=progress)
    print(f"{path}: built from {source.name} in {time.perf_counter() - start:.1f} s\n\n> {PROMPT}")
    with tabulae.load(path) as lm:
        ids = lm.tokenizer.encode(lm.tokenizer.chat([{"role": "user", "content": PROMPT}]), bos=False)
        lm.generate(ids, max_tokens=TOKENS, stream=lambda piece: print(piece, end="", flush=True))
    print(flush=True)  # a progress bar takes the line that it finds
    with progress_bar("comparing") as progress:
        alone, complete = compare(path, source, TEXT, windows=WINDOWS, progress=progress)
    with progress_bar("timing") as progress:
        measured = measure(path, progress=progress)
    print()
    rows = [
        ("size", f"{megabytes(measured.file_bytes)}, {describe(path).bits_per_parameter:.2f} bits per parameter"),
        ("KL, weights alone", f"{alone.kl} nats"),
        ("KL, complete", f"{complete.kl} nats"),
        ("perplexity", f"{complete.perplexity} (as shipped {complete.reference_perplexity})"),
        ("speed", f"{measured.speed.decode_tokens_per_second:.0f} tokens/s on {measured.speed.threads} threads"),
        ("weights read", f"at {100 * measured.speed.share_of_memory_speed:.0f} % of the speed of plain memory reads"),
    ]
    print_table(
        "", ("SmolLM2-135M-Instruct", f"KL on {WINDOWS} window{'s'[: WINDOWS > 1]} of docs/architecture.md"), rows
    )


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "smollm2.tab"))
