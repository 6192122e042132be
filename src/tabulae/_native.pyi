"""The native core, as native/python offers it."""

from collections.abc import Callable, Iterable, Mapping
from collections.abc import Sequence as Several
from typing import Any

import numpy as np
from numpy.typing import NDArray

BATCH: int
LAYOUTS: tuple[str, ...]

class NotFiniteError(ValueError): ...
class BusyError(RuntimeError): ...

def isas() -> list[str]: ...
def selected_isa(isa: str = "") -> str: ...
def encode(
    x: NDArray[np.float32], exponents: int, isa: str = ""
) -> tuple[NDArray[np.int8], NDArray[np.uint8], NDArray[np.float32]]: ...
def rotate(
    x: NDArray[np.float32], signs: NDArray[np.float32], orders: Several[int], dense: Several[NDArray[np.float32]]
) -> NDArray[np.float32]: ...
def polynomial(name: str, x: NDArray[np.float32], isa: str = "") -> NDArray[np.float32]: ...
def rans_encode(symbols: NDArray[np.uint8], threads: int) -> NDArray[np.uint8]: ...
def rans_head(stream: NDArray[np.uint8]) -> tuple[int, int]: ...
def rans_decode(stream: NDArray[np.uint8], count: int, threads: int) -> NDArray[np.uint8]: ...
def rans_frequencies(counts: NDArray[np.int64]) -> NDArray[np.uint32]: ...

class Model:
    def float_matrix(self, data: NDArray[np.float32]) -> int: ...
    def table_matrix(
        self,
        *,
        rows: int,
        cols: int,
        bits: int,
        exponents: int,
        group: int,
        chunk: int,
        codes: NDArray[np.uint8],
        codebook: NDArray[np.int16],
        multipliers: NDArray[np.int8] | None,
        scales: NDArray[np.uint16],
        outlier_offsets: NDArray[np.uint32] | None,
        outlier_columns: NDArray[np.uint16] | None,
        outlier_values: NDArray[np.int32] | None,
        wide: bool,
        signs: NDArray[np.float32] | None,
        orders: Several[int],
        dense: Several[NDArray[np.float32]],
        layout: str,
    ) -> int: ...
    def accumulate(
        self, weight: int, codes: NDArray[np.int8], exponents: NDArray[np.uint8], lookup: bool, isa: str = ""
    ) -> NDArray[np.int64]: ...
    def project(
        self,
        weight: int,
        x: NDArray[np.float32],
        bias: NDArray[np.float32] | None,
        threads: int,
        lookup: bool,
        isa: str = "",
    ) -> NDArray[np.float32]: ...
    def array(self, data: NDArray[np.int32]) -> int: ...
    def value(self, wanted: bool, shape: Several[int], interval: tuple[int, int] | None, buffer: int) -> int: ...
    def state(self, width: int, per_position: bool, /) -> int: ...
    def push(self, tag: str, fields: Mapping[str, object], /) -> None: ...

class Sequence:
    def __init__(self, model: Model, context: int) -> None: ...

class Engine:
    def __init__(self, model: Model, threads: int, lookup: bool, isa: str = "") -> None: ...
    def run(
        self,
        parts: Iterable[tuple[Sequence, int, int, int]],
        given: Mapping[int, NDArray[np.float32] | NDArray[np.int32]],
        asked: Several[int],
        begin: int,
        end: int,
        taps: Mapping[int, Callable[[NDArray[np.float32]], NDArray[np.float32] | None]],
    ) -> list[NDArray[Any]]: ...
    def read_plainly(self, sequence: Sequence, cached: int) -> int: ...
