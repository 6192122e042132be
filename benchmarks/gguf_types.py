"""What a GGUF really holds: the share of its weights that llama.cpp stored in another type than the one asked for.

    python benchmarks/gguf_types.py Q4_K_M.gguf ...      # the type asked for is the name of the file

llama.cpp's K and I types have blocks of 256 columns. A matrix whose width is no multiple of that falls back to a type
with blocks of 32 (tensor_type_fallback in its src/llama-quant.cpp), whatever was asked for.
"""

import sys
from collections import Counter
from math import prod
from pathlib import Path

import gguf

import tabulae
from tabulae.sources import Source

SMALL_BLOCKS = ("Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "IQ4_NL")
LARGE = 256


def fell_back(source: Source, asked: str) -> tuple[float, str]:
    """The share of all weights, and the types they have, the most frequent first."""
    weights: Counter[str] = Counter()
    total = 0
    for name in source.names:
        shape, kind = source.shape(name), source.dtype(name)
        total += prod(shape)
        if len(shape) == 2 and shape[-1] % LARGE and kind in SMALL_BLOCKS and kind != asked:
            weights[kind] += prod(shape)
    return sum(weights.values()) / total, ", ".join(kind for kind, _ in weights.most_common())


def counted_bytes(path: Path) -> int:
    """Every byte of the file but the tokenizer."""
    fields = gguf.GGUFReader(path).fields.items()
    tokenizer = sum(part.nbytes for key, field in fields if key.startswith("tokenizer.") for part in field.parts)
    return path.stat().st_size - tokenizer


def main() -> None:
    """A line for every file."""
    for path in map(Path, sys.argv[1:]):
        with tabulae.open(path) as model:
            share, types = fell_back(model.source, path.stem)
            bits = 8 * counted_bytes(path) / model.parameters()
        print(f"{path.stem:8s} {bits:.4f} bits per parameter, {share:.0%} fell back{' to ' if types else ''}{types}")


if __name__ == "__main__":
    main()
