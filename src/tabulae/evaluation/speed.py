"""How fast a table model runs, beside a plain read of the same bytes in the same minutes.

Decoding one token reads every weight once, so the time of a plain read of all weights is what a decoder that only
waits for memory would take. Both are measured in turns; medians and their ratio are what is reported.
"""

import resource
import statistics
import sys
import time
from collections.abc import Callable

import msgspec

from tabulae import _native
from tabulae.artifact.reader import TableModelFile
from tabulae.runtime.session import Session

Progress = Callable[[str, int, int], None]
PREFILL = 128  # tokens of the prompt that is timed
DECODE = 64  # tokens generated after it, in rounds of 8 with a plain read between them


class Speed(msgspec.Struct, frozen=True):
    """Medians; bytes and seconds."""

    threads: int
    arithmetic: str
    isa: str
    prefill_tokens_per_second: float
    decode_tokens_per_second: float
    decode_gigabytes_per_second: float
    read_gigabytes_per_second: float  # plain read of the same bytes
    weight_bytes: int  # read for one token
    cache_bytes_per_token: int
    peak_memory_bytes: int  # of this process so far

    @property
    def share_of_memory_speed(self) -> float:
        """1: as fast as the weights can be read."""
        return self.decode_gigabytes_per_second / self.read_gigabytes_per_second


def measure(
    file: TableModelFile, session: Session, *, threads: int, rounds: int = 5, progress: Progress | None = None
) -> Speed:
    """Run ``rounds`` prompts of 128 tokens, each followed by 64 single tokens."""
    spans = [file.stored(entry.name) for entry in file.document.entries]
    weights = sum(len(span) for span in spans if len(span)) - sum(blob.length for blob in file.document.blobs)
    prompt = [1 + i for i in range(PREFILL)]
    prefill, decode, read = [], [], []
    for done in range(rounds):
        if progress:
            progress("", done, rounds)
        session.rewind()
        prefill.append(_seconds(lambda: session.feed(prompt)) / PREFILL)
        for start in range(0, DECODE, 8):
            decode += [_seconds(lambda token=start + i: session.feed([token])) for i in range(8)]
            read.append(_seconds(lambda: _native.read_all(spans, threads)))
    token = statistics.median(decode)
    return Speed(
        threads=threads,
        arithmetic=session.arithmetic,
        isa=session.isa,
        prefill_tokens_per_second=1 / statistics.median(prefill),
        decode_tokens_per_second=1 / token,
        decode_gigabytes_per_second=weights / token / 1e9,
        read_gigabytes_per_second=weights / statistics.median(read) / 1e9,
        weight_bytes=weights,
        cache_bytes_per_token=session.cache_bytes_per_token,
        peak_memory_bytes=peak_memory(),
    )


def peak_memory() -> int:
    """Largest resident size of this process so far, bytes."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def _seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start
