"""Measuring a table model: loading time, speed, memory."""

import time
from pathlib import Path

import msgspec

from tabulae.artifact.reader import open_table_model
from tabulae.evaluation.speed import Progress, Speed
from tabulae.evaluation.speed import measure as measure_speed
from tabulae.runtime.engine import Arithmetic
from tabulae.workflows.load import from_file, load


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
    progress: Progress | None = None,
) -> Measurement:
    """Load a table model and time it; see :class:`tabulae.evaluation.speed.Speed`."""
    path = Path(path)
    start = time.perf_counter()
    load(path).close()
    seconds = time.perf_counter() - start
    with open_table_model(path) as file, from_file(file, threads=threads, arithmetic=arithmetic) as model:
        speed = measure_speed(model.session(), threads=model.threads, rounds=rounds, progress=progress)
        return Measurement(str(path), path.stat().st_size, seconds, speed)
