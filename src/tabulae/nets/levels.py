"""What integers stand for: points on an even grid, and how a grid is chosen for a value.

>>> levels = Levels(0.5, 0.0, -1, 4)
>>> levels.real(np.arange(4)), levels.boundaries()
(array([-0.5,  0. ,  0.5,  1. ]), array([-0.25,  0.25,  0.75]))
"""

from dataclasses import dataclass

import numpy as np

from tabulae.arithmetic.arrays import Float32s, Float64s, Int64s

Numbers = float | Float64s  # one for all channels, or one for each

SAMPLE = 1 << 16  # numbers that a grid is fitted to
CLIPS = np.linspace(0.2, 1.0, 33)  # of the whole reach; what the rest loses may be less than what finer steps gain


@dataclass(frozen=True, eq=False)
class Levels:
    """Code k stands for ``(k + first) * unit + offset``."""

    unit: Numbers
    offset: Numbers
    first: int  # the point of code 0
    count: int
    exact: bool = False  # a quantised model's own grid: rounded as its operators do, ties to even, in float32

    @property
    def points(self) -> Int64s:
        """The integers of all codes: what tables multiply."""
        return np.arange(self.count) + self.first

    @property
    def is_shared(self) -> bool:
        """Whether codes stand for the same in all channels."""
        return np.ndim(self.unit) == 0 and np.ndim(self.offset) == 0

    @property
    def zero(self) -> int | None:
        """The code that stands for 0, if there is one in all channels."""
        at = -self.first
        return at if self.is_shared and not np.any(self.offset) and 0 <= at < self.count else None

    def real(self, codes: Int64s) -> Float64s:
        """What codes [.., channels] stand for."""
        found: Float64s = (codes + self.first) * np.float64(self.unit) + self.offset
        return found

    def boundaries(self) -> Float64s:
        """Where one code ends and the next begins [count - 1]; the middle is the next one's."""
        return np.asarray((self.points[1:] - 0.5) * self.unit + self.offset)

    def codes(self, x: Float64s) -> Int64s:
        """The codes of numbers; in the middle of two stands the higher one, or where it is ``exact`` the even one."""
        if self.exact:
            return self.clipped(np.asarray(x, np.float32) / np.float32(self.unit))
        if not self.is_shared:
            return self.clipped(np.floor((x - self.offset) / self.unit + 0.5))
        return np.searchsorted(self.boundaries(), x, side="right")

    def clipped(self, points: Float32s | Float64s) -> Int64s:
        """The codes of numbers over the step, rounded to even."""
        whole = np.clip(np.rint(points), self.first, self.first + self.count - 1)
        return whole.astype(np.int64) - self.first

    def same(self, other: "Levels | None") -> bool:
        """Whether all codes of both stand for the same."""
        return other is not None and bool(
            self.count == other.count
            and self.first == other.first
            and np.all(self.unit == other.unit)
            and np.all(self.offset == other.offset)
        )

    def scaled(self, scale: Numbers, shift: Numbers) -> "Levels":
        """The same codes of what is scaled by positive numbers and shifted."""
        return Levels(self.unit * scale, self.offset * scale + shift, self.first, self.count)


def fit(x: Float64s, count: int) -> Levels:
    """The grid of ``count`` points, 0 among them, that loses least of ``x`` in squares.

    >>> fit(np.array([0.0, 1, 2, 3]), 4).real(np.arange(4))
    array([0., 1., 2., 3.])
    """
    x = _sample(x)
    low, high = min(float(x.min()), 0.0), max(float(x.max()), 0.0)
    if low == high:
        return Levels(1.0, 0.0, 0, count)
    grids = (_grid(low * clip, high * clip, count) for clip in CLIPS[::-1])
    return min(grids, key=lambda grid: _lost(x, grid))


def spread(x: Float64s, count: int) -> Levels:
    """The grid of every channel of ``x`` [.., channels], from its least to its largest number.

    >>> spread(np.array([[0.0, 5.0], [3.0, 5.0]]), 4).real(np.array([3, 0]))
    array([3., 5.])
    """
    flat = x.reshape(-1, x.shape[-1])
    low, high = flat.min(axis=0), flat.max(axis=0)
    return Levels(np.where(high > low, high - low, 1.0) / (count - 1), low, 0, count)


def plain(numbers: Numbers) -> float | tuple[float, ...]:
    """As types and readings hold them: one number where all are equal."""
    flat = np.atleast_1d(np.asarray(numbers, np.float64))
    return float(flat[0]) if (flat == flat[0]).all() else tuple(flat.tolist())


def _sample(x: Float64s) -> Float64s:
    """At most so many of them, evenly."""
    flat = np.asarray(x, np.float64).reshape(-1)
    return flat[:: -(-len(flat) // SAMPLE)]


def _grid(low: float, high: float, count: int) -> Levels:
    unit = (high - low) / (count - 1)
    return Levels(unit, 0.0, round(low / unit), count)


def _lost(x: Float64s, grid: Levels) -> float:
    points = np.clip(np.floor(x / grid.unit + 0.5), grid.first, grid.first + grid.count - 1)
    return float(np.square(x - points * grid.unit).sum())
