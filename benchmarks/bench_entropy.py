"""Codes of variable length: how long they are over the entropy, how fast they are made and read, beside peers.

First the oracles: weights of three sources in ``grid:b``; the error that endless weights, exact steps and an ideal code
would have, and what the stored tensor has. Then speed on one tensor of 4 Mi weights: ours, zstd level 1 on bytes and on
packed nibbles (frames of 2^19 codes), constriction (ANS, blocks of 2^14). Peers that are not installed are
skipped:

    python3.11 -m venv peers && peers/bin/pip install numpy scipy msgspec xxhash zstandard constriction
    PYTHONPATH=src peers/bin/python benchmarks/bench_entropy.py [--json] [--save] [--rounds 9]
"""

import argparse
import importlib.util
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

import tables
from bench_formats import relative_error, sample
from tabulae.codes import rans
from tabulae.formats import encode, parse

# Error of endless weights on a grid rounded to nearest whose codes have 3, 4 and 5 bits of entropy.
ORACLES = {
    "normal": (0.15081, 0.07477, 0.03731),
    "laplace": (0.13989, 0.06954, 0.03470),
    "t5": (0.14413, 0.07138, 0.03560),
}
HEAD = ("coder", "codes", "over the entropy", "encode", "decode")
FRAME, BLOCK = 1 << 19, 1 << 14


@dataclass(frozen=True)
class Length:
    """One tensor in one format, against what theory says."""

    source: str
    format: str
    entropy: float  # bits a weight, of the codes
    length: float  # of the stream, over the entropy
    error: float  # R, undone for the gain and for an entropy that is not just as wanted
    oracle: float
    efficiency: float  # R 2^b as stored, scales and all
    ok: bool


@dataclass(frozen=True)
class Speed:
    """One coder on one tensor, in million symbols a second."""

    coder: str
    symbols: str
    length: float  # over the entropy
    encode: float
    decode: float
    decode_two: float  # with two threads


def entropy(codes: np.ndarray) -> float:
    """Bits a symbol."""
    counts = np.bincount(codes.reshape(-1))
    shares = counts[counts > 0] / codes.size
    return float(-shares @ np.log2(shares))


def lengths(shape: tuple[int, int]) -> Iterator[Length]:
    """The table of oracles; without a scale per row, far t5 weights need ``sparse`` at 5 bits."""
    for source, oracles in ORACLES.items():
        x = sample(source, shape)
        for bits, oracle in enumerate(oracles, 3):
            for granularity in ("tensor", "row"):
                far = "/sparse=0.0001" if (source, bits, granularity) == ("t5", 5, "tensor") else ""
                yield measure_length(source, f"grid:{bits},rd=0/{granularity}/rms{far}", bits, oracle, x)
            yield measure_length(source, f"grid:{bits}/row/rms", bits, oracle, x)


def measure_length(source: str, name: str, bits: int, oracle: float, x: np.ndarray) -> Length:
    """One line; half a percent is allowed of the error (less may be lost) and of the length."""
    encoded = encode(parse(name), x)
    h, r = entropy(encoded.codes), relative_error(encoded.decode(), x)
    length = 8 * rans.encode(encoded.codes).nbytes / (h * x.size)
    error = r / (1 - r * r) ** 0.5 * 2 ** (h - bits)
    ok = length < 1.005 and error / oracle < 1.005 and ("rd=0" not in name or error / oracle > 0.995)
    return Length(source, name, h, length, error, oracle, r * 2 ** (encoded.bits / x.size), ok)


def best(call: Callable[[], Any], rounds: int) -> float:
    """Seconds of the fastest of some rounds."""
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)


def ours(codes: np.ndarray, name: str, rounds: int) -> Speed:
    """This project's coder."""
    stream, million = rans.encode(codes), codes.size / 1e6
    assert np.array_equal(rans.decode(stream, codes.size), codes)
    seconds = [best(lambda n=n: rans.decode(stream, codes.size, n), rounds) for n in (1, 2)]
    encode = best(lambda: rans.encode(codes, 1), rounds)
    length = 8 * stream.nbytes / entropy(codes) / codes.size
    return Speed("tabulae rANS", name, length, million / encode, million / seconds[0], million / seconds[1])


def zstd(codes: np.ndarray, name: str, rounds: int) -> Speed:
    """zstd level 1, one frame after the other; nibbles where 16 codes allow it."""
    import zstandard

    nibbles = int(codes.max()) < 16
    packed = codes[::2] | codes[1::2] << 4 if nibbles else codes
    step = FRAME // (1 + nibbles)
    pieces = [packed[i : i + step].tobytes() for i in range(0, len(packed), step)]
    frames = [zstandard.ZstdCompressor(level=1).compress(piece) for piece in pieces]

    def decode(threads: int) -> None:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(lambda frame: zstandard.ZstdDecompressor().decompress(frame), frames))

    million = codes.size / 1e6
    encode = best(lambda: [zstandard.ZstdCompressor(level=1).compress(piece) for piece in pieces], rounds)
    one, two = (best(lambda n=n: decode(n), rounds) for n in (1, 2))
    length = 8 * sum(map(len, frames)) / entropy(codes) / codes.size
    kind = "zstd -1, nibbles" if nibbles else "zstd -1, bytes"
    return Speed(kind, name, length, million / encode, million / one, million / two)


def constriction_ans(codes: np.ndarray, name: str, rounds: int) -> Speed:
    """constriction's stack coder with one categorical model; it holds the interpreter, so threads do not help."""
    import constriction

    model = constriction.stream.model.Categorical(np.bincount(codes) / codes.size, perfect=False)
    pieces = [codes[i : i + BLOCK].astype(np.int32) for i in range(0, len(codes), BLOCK)]

    def encode_one(piece: np.ndarray) -> np.ndarray:
        coder = constriction.stream.stack.AnsCoder()
        coder.encode_reverse(piece, model)
        return coder.get_compressed()

    blocks = [encode_one(piece) for piece in pieces]
    sizes = [len(piece) for piece in pieces]

    def decode(threads: int) -> None:
        with ThreadPoolExecutor(threads) as pool:
            coder = constriction.stream.stack.AnsCoder
            list(pool.map(lambda block, size: coder(block).decode(model, size), blocks, sizes))

    million = codes.size / 1e6
    encode = best(lambda: [encode_one(piece) for piece in pieces], rounds)
    one, two = (best(lambda n=n: decode(n), rounds) for n in (1, 2))
    length = 8 * sum(block.nbytes for block in blocks) / entropy(codes) / codes.size
    return Speed("constriction ANS", name, length, million / encode, million / one, million / two)


PEERS = {"zstandard": zstd, "constriction": constriction_ans}


def missing() -> list[str]:
    """Peers that are not installed."""
    return [module for module in PEERS if not importlib.util.find_spec(module)]


def speeds(rounds: int) -> Iterator[Speed]:
    """Every coder that is here, on codes of 3, 4 and 5 bits of entropy and on 16 codes."""
    found = [ours, *(coder for module, coder in PEERS.items() if importlib.util.find_spec(module))]
    if missing():
        print(f"skipped, not installed: {', '.join(missing())}", file=sys.stderr)
    x = sample("normal", (2048, 2048))
    steps = {"grid:3": 0.52243, "grid:4": 0.25902, "grid:5": 0.12924, "16 codes": 0.39}
    for name, step in steps.items():
        most = 7 if name == "16 codes" else 127
        codes = (np.clip(np.rint(x / step), -most, most) + most).astype(np.uint8).reshape(-1)
        for coder in found:
            yield coder(codes, name, rounds)


def cells(measured: Sequence[Speed]) -> Iterator[list[str]]:
    """Rows of docs: every coder on grids, its figures for 3, 4 and 5 bits side by side, and on 16 codes."""
    for sixteen in (False, True):
        for coder in dict.fromkeys(row.coder for row in measured if (row.symbols == "16 codes") == sixteen):
            own = [row for row in measured if row.coder == coder and (row.symbols == "16 codes") == sixteen]
            over = " / ".join(f"{100 * (row.length - 1):.2f}".removeprefix("0") for row in own)
            rates = (" / ".join(f"{getattr(row, what):.0f}" for row in own) for what in ("encode", "decode"))
            yield [
                coder,
                " / ".join(f"`{row.symbols}`" for row in own).replace("`16 codes`", "16 codes"),
                f"{over} %",
                *rates,
            ]


def main() -> int:
    """Print both tables; the exit code is 1 if an oracle is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--save", action="store_true", help="write benchmarks/results/coders.jsonl")
    options = parser.parse_args()
    if options.save and missing():
        parser.error(f"--save needs all coders; not installed: {', '.join(missing())}")
    oracles, measured = list(lengths((1024, 1024))), list(speeds(options.rounds))
    if options.save:
        about = {"measure": "millions of weights a second", "source": "benchmarks/bench_entropy.py"}
        tables.save("coders", HEAD, cells(measured), text=2, **about)
    if options.json:
        print(json.dumps({"oracles": [asdict(row) for row in oracles], "speed": [asdict(row) for row in measured]}))
    else:
        print(f"{'source':8} {'format':36} {'entropy':>8} {'length':>8} {'R':>8} {'oracle':>8} {'':>8} {'R 2^b':>7}")
        for row in oracles:
            off = f"{100 * (row.error / row.oracle - 1):+.2f} %"
            figures = f"{row.entropy:8.4f} {100 * (row.length - 1):+6.2f} % {row.error:8.5f} {row.oracle:8.5f} {off:>8}"
            print(f"{row.source:8} {row.format:36} {figures} {row.efficiency:7.4f}  {'ok' if row.ok else 'FAIL'}")
        print(
            f"\n{'coder':18} {'codes':10} {'length':>9} {'encode':>8} {'decode':>8} {'two threads':>12}  (M symbols/s)"
        )
        for row in measured:
            rates = f"{row.encode:8.0f} {row.decode:8.0f} {row.decode_two:12.0f}"
            print(f"{row.coder:18} {row.symbols:10} {100 * (row.length - 1):+7.2f} % {rates}")
    return int(not all(row.ok for row in oracles))


if __name__ == "__main__":
    sys.exit(main())
