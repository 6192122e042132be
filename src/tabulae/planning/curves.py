"""Error curves: how much of a tensor every candidate format loses, from encoding a sample of its rows.

The error is R^2: importance-weighted squared error over weighted squared weights. A sample is always the same whole
rows, at most 2^18 weights, whatever else is measured and in whatever order.

Three savings, with what each costs a plan (predicted loss in excess of the best, SmolLM2 with smooth weights):

* Rows: 2^18 weights (measured: 2^17 cost .7 %, 2^16 1.8 %, because some tensors have a few very loud rows).
* Formats are compared on a quarter of the sample, in proportion to one whose error on all of it is known: .16 %.
* Of a line of formats two or three are encoded; between and beyond them log2 R runs straight, ``log2 R = a - slope *
  bits``: off by 2 % of R between 3 and 6 bits, 1 to 2 % at 2 bits, 2 to 3 % at 7. Slopes of smooth weights are .90 to
  1.07; a tensor with another, of few distinct values perhaps, has all its formats encoded.

>>> x = np.random.default_rng(0).standard_normal((64, 512)).astype(np.float32)
>>> curve = measure_curve("w", x, x.shape)
>>> [round(curve.points[f"lloyd:{bits}/g64/search"].error ** 0.5, 3) for bits in (3, 4, 5)]
[0.171, 0.084, 0.041]
"""

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from math import prod

import msgspec
import numpy as np

from tabulae.arithmetic.arrays import Float32s, Int64s
from tabulae.arithmetic.matrix import row_chunks
from tabulae.cores import available_cores
from tabulae.errors import UsageError
from tabulae.formats import InputStatistics, Storage
from tabulae.formats.input_statistics import importance_of
from tabulae.planning.candidates import LINES, ZERO, Candidate, Line
from tabulae.planning.sizes import DIGITS, Coded, Shape, coded_of, table_sizes
from tabulae.progress import Progress, silent
from tabulae.statistics.sample import sampled_rows

PART = 1 << 16  # weights on which formats are compared
LOUDEST = 16  # rows that are always in a sample
LEVEL = "normal:4/g64/search"  # whose error is measured on the whole sample; encoded in a third of the time of others
SMOOTH = (0.85, 1.15)  # the slopes at which interpolation is trusted

ReadRows = Callable[[str, Int64s], Float32s]  # rows of a tensor, ascending, float32 [n, cols]


class Point(msgspec.Struct, frozen=True):
    """A tensor in one storage."""

    error: float  # R^2
    coded: Coded | None = None  # where codes have variable length


class Curve(msgspec.Struct, frozen=True):
    """One tensor in every candidate storage; if it is all zero there is one, without error."""

    name: str
    shape: Shape
    points: dict[str, Point]  # by the name of the storage

    def candidates(self, sensitivity: float, digits: int = DIGITS) -> list[Candidate]:
        """What each storage costs, and the loss predicted of it: ``sensitivity`` (nats) times R^2."""
        found = []
        for name, point in self.points.items():
            sizes = table_sizes(self.name, self.shape, name, point.coded, digits)
            asked, loss = Storage.parse(name).input, sensitivity * point.error
            found.append(Candidate(name, sizes.file, sizes.memory, loss, sizes.header, asked))
        return found


def measure_curves(
    shapes: Mapping[str, Shape],
    read: ReadRows,
    *,
    inputs: Mapping[str, InputStatistics] | None = None,
    candidates: Sequence[Line] = LINES,
    threads: int | None = None,
    progress: Progress = silent,
) -> dict[str, Curve]:
    """The curves of all tensors by name; ``read`` is called by this thread alone, encoding is shared by ``threads``.

    ``inputs``: what is known of those of linears, for all tensors or some.

    :raises UsageError: importance of the wrong shape, negative, infinite or NaN, naming the tensor
    :raises ModelError: NaN or infinity in a tensor
    """
    known = inputs or {}
    threads = threads or available_cores()
    curves: dict[str, Curve] = {}
    pending: deque[Future[Curve]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        for name, shape in shapes.items():
            if len(pending) == 2 * threads:  # samples that wait are bounded
                _collect(pending, curves)
            progress(name, len(curves), len(shapes))
            sample, shares = _sample(read, name, shape, known.get(name))
            pending.append(pool.submit(measure_curve, name, sample, shape, known.get(name), candidates, shares))
        while pending:
            _collect(pending, curves)
    progress("", len(shapes), len(shapes))
    return curves


def _collect(pending: deque[Future[Curve]], curves: dict[str, Curve]) -> None:
    """The oldest of the curves that are being measured: so they come in the order of the tensors."""
    curve = pending.popleft().result()
    curves[curve.name] = curve


def _sample(
    read: ReadRows, name: str, shape: Shape, inputs: InputStatistics | None
) -> tuple[Float32s, Float32s | None]:
    """Rows that stand for a tensor, and for how many rows each of them does (None: all for as many).

    Where importance is known the loudest rows are among them: all the error of a tensor may lie in one row, whose
    single huge weight meets a huge input.
    """
    importance = importance_of(inputs)
    if importance is None or importance.shape != shape[1:]:  # a wrong shape is named when it is encoded
        return _not_zero(read, name, shape), None
    whole = read(name, np.arange(shape[0]))
    loud = np.sort(np.argsort(np.square(whole) @ importance, kind="stable")[-LOUDEST:])
    others = np.setdiff1d(sampled_rows(*shape), loud)
    rows = np.concatenate([loud, others])
    if len(rows) == len(whole):
        return whole, None
    shares = np.ones(len(rows), np.float32)
    shares[len(loud) :] = (shape[0] - len(loud)) / max(1, len(others))
    return whole[rows], shares


def _not_zero(read: ReadRows, name: str, shape: Shape) -> Float32s:
    """Sampled rows; if they are zero but the tensor is not, the first rows that are not."""
    sample = read(name, sampled_rows(*shape))
    if sample.any():
        return sample
    for rows in row_chunks(*shape):
        sample = read(name, np.arange(rows.start, rows.stop))
        if sample.any():
            return sample
    return sample


def measure_curve(
    name: str,
    sample: Float32s,
    shape: Shape,
    inputs: InputStatistics | None = None,
    candidates: Sequence[Line] = LINES,
    shares: Float32s | None = None,
) -> Curve:
    """The curve of one tensor of that shape, from rows [n, cols] of it; ``shares`` [n]: how many each stands for."""
    if not sample.any():
        return Curve(name, shape, {ZERO: measure_point(sample, ZERO, weights=prod(shape))})
    try:
        part, fewer, level = _part_and_level(sample, inputs, shares)
        measure = partial(measure_point, part, inputs=inputs, shares=fewer, weights=prod(shape))
        points = {form: point for line in candidates for form, point in _line_points(line, measure)}
    except UsageError as error:
        raise UsageError(name, error.must, error.got, error.hint) from None
    return Curve(name, shape, {form: Point(level * point.error, point.coded) for form, point in points.items()})


def measure_point(
    sample: Float32s,
    storage: str,
    *,
    inputs: InputStatistics | None = None,
    shares: Float32s | None = None,
    weights: int | None = None,
) -> Point:
    """Rows [n, cols] of a tensor of so many ``weights``, encoded for real.

    R^2 is weighed by importance [cols], and 0 where nothing weighs anything; rows stand for ``shares`` [n] rows each.
    """
    each = np.ones(len(sample), np.float32) if shares is None else shares
    encoded = Storage.parse(storage).encode(sample, inputs, shares)
    errors = encoded.decode() - sample
    lost, there = (np.einsum("ij,ij,i->j", x, x, each, dtype=np.float64) for x in (errors, sample))
    importance = importance_of(inputs)
    if importance is not None:
        lost, there = lost * importance, there * importance
    error = float(lost.sum() / there.sum()) if there.sum() > 0 else 0.0
    return Point(error, coded_of(encoded.matrix, weights or sample.size, each) if encoded.format.entropy else None)


def _part_and_level(
    sample: Float32s, inputs: InputStatistics | None, shares: Float32s | None
) -> tuple[Float32s, Float32s | None, float]:
    """Some rows of a sample, the loudest among them, what they stand for, and how much larger R^2 is on all of it."""
    step, loud = -(-sample.size // PART), 0 if shares is None else LOUDEST
    rows = np.r_[0 : min(loud, len(sample)), loud : len(sample) : step]
    part = sample[rows]
    if step == 1 or not part.any():
        return sample, shares, 1.0
    fewer = None
    if shares is not None:
        fewer = shares[rows]
        fewer[loud:] *= shares[loud:].sum() / max(fewer[loud:].sum(), 1)
    whole = measure_point(sample, LEVEL, inputs=inputs, shares=shares).error
    here = measure_point(part, LEVEL, inputs=inputs, shares=fewer).error
    return part, fewer, whole / here if here > 0 else 1.0


def _line_points(line: Line, measure: Callable[[str], Point]) -> Iterator[tuple[str, Point]]:
    """All formats of a line."""
    known = {bits: measure(line.name(bits)) for bits in line.measured}
    if not _is_smooth(known):
        known |= {bits: measure(line.name(bits)) for bits in line.bits if bits not in known}
    for bits in line.bits:
        yield line.name(bits), known[bits] if bits in known else _interpolated(bits, known)


def _is_smooth(known: Mapping[float, Point]) -> bool:
    """Whether between all that were measured log2 R falls by about one for every bit."""
    errors = [point.error for point in known.values()]
    if min(errors) <= 0 or len(known) == 1:
        return len(known) == 1
    slopes = np.diff(np.log2(errors)) / -2 / np.diff(list(known))
    return bool(((slopes >= SMOOTH[0]) & (slopes <= SMOOTH[1])).all())


def _interpolated(bits: float, known: Mapping[float, Point]) -> Point:
    """The point on the straight line through the two measured ones that enclose ``bits``, or are nearest."""
    measured = sorted(known)
    right = min(max(1, int(np.searchsorted(measured, bits))), len(measured) - 1)
    low, high = known[measured[right - 1]], known[measured[right]]
    part = (bits - measured[right - 1]) / (measured[right] - measured[right - 1])
    error = low.error * (high.error / low.error) ** part
    if low.coded is None or high.coded is None:
        return Point(error)
    stored = low.coded.stored + part * (high.coded.stored - low.coded.stored)
    return Point(error, Coded(stored, low.coded.codes * (high.coded.codes / low.coded.codes) ** part))
