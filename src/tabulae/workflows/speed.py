"""How fast a model runs, beside a plain read of the same bytes in the same minutes.

Decoding one token reads every weight once, as it lies in memory, and the keys and values of all positions before it. So
the time of a plain read of just that, by the same threads with as many meetings of them, is what a decoder that only
waits for memory would take. Both are measured in turns; medians and their ratio are what is reported.
"""

import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import msgspec

from tabulae.artifact.reader import open_table_model
from tabulae.progress import Progress, silent
from tabulae.runtime.engine import Arithmetic
from tabulae.runtime.session import Session
from tabulae.workflows.load import from_file, load

PREFILL = 128  # tokens of the prompt that is timed
DECODE = 64  # tokens after it, one by one; both at most a half of the context
RUN = 8  # tokens between two plain reads


class Speed(msgspec.Struct, frozen=True):
    """Medians; bytes and seconds."""

    threads: int
    arithmetic: str
    isa: str
    prefill_tokens_per_second: float
    decode_tokens_per_second: float
    decode_gigabytes_per_second: float
    read_gigabytes_per_second: float  # plain read of the same bytes
    depth: int  # position of the middle one of the single tokens, at which the bytes are counted
    bytes_per_token: int  # read for one token at that depth: weights and cache
    weight_bytes: int  # resident, so codes of variable length as they were decoded
    cache_bytes_per_token: int  # what every token adds to the cache
    peak_memory_bytes: int  # of this process so far

    @property
    def share_of_memory_speed(self) -> float:
        """1: as fast as weights and cache can be read."""
        return self.decode_gigabytes_per_second / self.read_gigabytes_per_second


def measure_session(session: Session, *, threads: int, rounds: int = 5, progress: Progress = silent) -> Speed:
    """Run ``rounds`` prompts of 128 tokens, each followed by 64 single tokens (fewer in a short context)."""
    half = max(session.context // 2, 1)
    prompt = [0] * min(PREFILL, half)
    depth = len(prompt) + min(DECODE, half) // 2
    size = session.read_plainly(depth)
    prefill: list[float] = []
    decode: list[float] = []
    read: list[float] = []
    for done in range(rounds):
        progress("", done, rounds)
        session.rewind()
        prefill.append(_seconds(lambda: session.feed(prompt)) / len(prompt))
        for start in range(0, min(DECODE, half), RUN):
            decode += [_seconds(partial(session.feed, [i])) for i in range(start, min(start + RUN, half))]
            read.append(_seconds(lambda: session.read_plainly(depth)))
    token = statistics.median(decode)
    return Speed(
        threads=threads,
        arithmetic=session.engine.arithmetic,
        isa=session.engine.isa,
        prefill_tokens_per_second=1 / statistics.median(prefill),
        decode_tokens_per_second=1 / token,
        decode_gigabytes_per_second=size / token / 1e9,
        read_gigabytes_per_second=size / statistics.median(read) / 1e9,
        depth=depth,
        bytes_per_token=size,
        weight_bytes=session.read_plainly(0),
        cache_bytes_per_token=session.cache_bytes_per_token,
        peak_memory_bytes=peak_memory(),
    )


class Measurement(msgspec.Struct, frozen=True):
    """What :func:`measure` found."""

    path: str
    file_bytes: int
    load_seconds: float
    speed: Speed


def measure(
    path: str | Path,
    *,
    threads: int | None = None,
    arithmetic: Arithmetic = "auto",
    rounds: int = 5,
    progress: Progress = silent,
) -> Measurement:
    """Load a table model and time it; see :class:`Speed`."""
    path = Path(path)
    start = time.perf_counter()
    load(path).close()
    seconds = time.perf_counter() - start
    with open_table_model(path) as file, from_file(file, threads=threads, arithmetic=arithmetic) as model:
        speed = measure_session(model.session(), threads=model.threads, rounds=rounds, progress=progress)
        return Measurement(str(path), path.stat().st_size, seconds, speed)


def peak_memory() -> int:
    """Largest resident size of this process so far, bytes."""
    status = Path("/proc/self/status")
    if status.exists():  # getrusage would also count what the parent held when this process was forked
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    import resource

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def _seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start
