"""Frequencies of rotary positions (Su et al. 2021): stored tables, so every scaling is precomputation.

The formulas are those of transformers 5 (``modeling_rope_utils.py``), in float64 and rounded once.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tabulae.arithmetic.arrays import Float64s
from tabulae.arithmetic.elementary import exp2, log, log2
from tabulae.errors import ModelError
from tabulae.program.architectures._fields import first, flag, integer, number
from tabulae.program.ops.rotary import Rotary

THETA = 10000.0


@dataclass(frozen=True, eq=False)
class Rope:
    """What a source says: base, and how its frequencies are scaled."""

    theta: float
    kind: str = "default"
    values: Mapping[str, Any] | None = None  # by Hugging Face's names
    context: int = 0  # what the model was trained for, scaled
    factors: Float64s | None = None  # [rotary / 2], by which frequencies are divided first (GGUF)
    scale: float = 1.0  # of cosines and sines, beside what the kind says (GGUF)


@dataclass(frozen=True)
class Frequencies:
    """The constants of a rotation, float32 values [rotary / 2], and the scale of its cosines and sines.

    False where there are none, and nothing turns.
    """

    inv_freq: tuple[float, ...]
    scale: float = 1.0
    long: tuple[float, ...] = ()  # in place of inv_freq in sequences with room for more than ``original`` positions
    original: int = 1

    def __bool__(self) -> bool:
        return bool(self.inv_freq)

    def constants(self, name: str) -> dict[str, tuple[float, ...]]:
        """What a program has to bring."""
        return ({name: self.inv_freq} if self else {}) | ({f"{name}.long": self.long} if self.long else {})

    def rotary(self, buffer: str, head: int, name: str) -> Rotary:
        """The operation that turns the heads of ``buffer``; a default that is given would stand in the file."""
        more: dict[str, Any] = {} if self.scale == 1 else {"scale": self.scale}
        more |= {"long": f"{name}.long", "original": self.original} if self.long else {}
        return Rotary(buffer, name, head, **more)


STILL = Frequencies(())


def frequencies(rotary: int, rope: Rope) -> Frequencies:
    """``theta^(-2i / rotary)`` for i < rotary / 2, scaled.

    >>> frequencies(4, Rope(10000.0))
    Frequencies(inv_freq=(1.0, 0.009999999776482582), scale=1.0, long=(), original=1)
    """
    plain = exp2(-log2(rope.theta) * (np.arange(0, rotary, 2, dtype=np.float64) / rotary))
    if rope.factors is not None:
        if rope.factors.shape != plain.shape:
            must = f"there must be a factor for each of {len(plain)} frequencies"
            raise ModelError("rope_freqs.weight", must, rope.factors.shape)
        plain = plain / rope.factors
    if rope.kind not in SCALINGS:
        raise ModelError("rope scaling", "the kind must be known", rope.kind, f"accepted: {', '.join(SCALINGS)}")
    return SCALINGS[rope.kind](plain, rope)


def _default(plain: Float64s, rope: Rope) -> Frequencies:
    return _rounded(plain, rope)


def _linear(plain: Float64s, rope: Rope) -> Frequencies:
    return _rounded(plain / _value(rope, "factor"), rope)


def _dynamic(plain: Float64s, rope: Rope) -> Frequencies:
    """NTK by the length of the text, but not up to the length that the model was trained for: no session is longer."""
    _value(rope, "factor")
    return _rounded(plain, rope)


def _llama3(plain: Float64s, rope: Rope) -> Frequencies:
    """Long waves are slowed by ``factor``, short ones kept, those between blended (Llama 3.1)."""
    low, high = _value(rope, "low_freq_factor"), _value(rope, "high_freq_factor")
    if high <= low:
        raise ModelError("high_freq_factor", "it must be larger than low_freq_factor", f"{high} and {low}")
    waves = _original(rope) * plain / (2 * math.pi)  # in the original context
    kept = np.clip((waves - low) / (high - low), 0, 1)
    return _rounded(plain * (kept + (1 - kept) / _value(rope, "factor")), rope)


def _yarn(plain: Float64s, rope: Rope) -> Frequencies:
    """Waves that turn often in the original context are kept, those that hardly turn are slowed (Peng et al. 2023)."""
    values, half = rope.values or {}, len(plain)
    original = _original(rope)
    factor = number(values, "factor", default=rope.context / original)
    turns = (number(values, "beta_fast", default=32.0), number(values, "beta_slow", default=1.0))
    low, high = (half * float(log(original / (2 * math.pi * n)) / log(rope.theta)) for n in turns)
    if flag(values, "truncate", default=True):
        low, high = math.floor(low), math.ceil(high)
    low, high = max(low, 0), min(high, 2 * half - 1)
    slowed = np.clip((np.arange(half) - low) / (high - low or 0.001), 0, 1)
    mscale, over = (first(values, (key,)) for key in ("mscale", "mscale_all_dim"))
    scale = _growth(factor, mscale) / _growth(factor, over) if mscale and over else _growth(factor)
    return _rounded(plain * (1 - slowed) + plain / factor * slowed, rope, scale)


def _growth(factor: float, mscale: float = 1.0) -> float:
    """How much longer queries and keys have to be where ``factor`` times as many positions compete."""
    return 0.1 * mscale * float(log(factor)) + 1 if factor > 1 else 1.0


def _longrope(plain: Float64s, rope: Rope) -> Frequencies:
    """A divisor for every frequency: one list up to the original length, another beyond (Ding et al. 2024)."""
    original = _original(rope)
    factor = number(rope.values or {}, "factor", default=rope.context / original)
    scale = math.sqrt(1 + float(log(factor) / log(original))) if factor > 1 else 1.0
    short, long = (
        _rounded(plain / _divisors(rope, key, len(plain)), rope, scale) for key in ("short_factor", "long_factor")
    )
    return Frequencies(short.inv_freq, short.scale, long.inv_freq, original)


def _divisors(rope: Rope, key: str, n: int) -> Float64s:
    values = (rope.values or {}).get(key)
    if not isinstance(values, list) or len(values) != n:
        raise ModelError(key, f"there must be a factor for each of {n} frequencies", repr(values))
    return np.array([number({key: value}, key) for value in values])


SCALINGS: Mapping[str, Callable[[Float64s, Rope], Frequencies]] = {
    "default": _default,
    "linear": _linear,
    "dynamic": _dynamic,
    "llama3": _llama3,
    "yarn": _yarn,
    "longrope": _longrope,
}


def _rounded(inv_freq: Float64s, rope: Rope, scale: float = 1.0) -> Frequencies:
    """In float32; a source's own ``attention_factor`` goes before ``scale``, where the kind has one."""
    if rope.kind in ("yarn", "longrope"):
        scale = number(rope.values or {}, "attention_factor", default=scale)
    return Frequencies(tuple(inv_freq.astype(np.float32).tolist()), float(np.float32(scale * rope.scale)))


def _value(rope: Rope, key: str) -> float:
    return number(rope.values or {}, key)


def _original(rope: Rope) -> int:
    """Positions before scaling; two at least, so that its logarithm is no zero."""
    original = integer(rope.values or {}, "original_max_position_embeddings", default=rope.context)
    if original < 2 or rope.theta <= 1:
        got = f"{original} positions with the base {rope.theta}"
        raise ModelError("rope scaling", "it must be of 2 positions or more, with a base above 1", got)
    return original
