"""Inverse frequencies of rotary positions (Su et al. 2021): a stored table, so every scaling is precomputation."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tabulae.arithmetic.elementary import exp2, log2
from tabulae.errors import ModelError
from tabulae.program.architectures._fields import number, record
from tabulae.program.architectures._origin import Source

Float64s = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Rope:
    """Base and scaling: ``kind`` is "default", "linear", "llama3" (its four numbers in ``values``) or "factors"."""

    theta: float
    kind: str = "default"
    values: Mapping[str, Any] | None = None  # the source's own record
    factors: Float64s | None = None  # [rotary / 2], by which the frequencies are divided


def inverse_frequencies(rotary: int, rope: Rope) -> tuple[float, ...]:
    """``theta^(-2i / rotary)`` scaled, for i < rotary / 2, as float32 values.

    >>> inverse_frequencies(4, Rope(10000.0))
    (1.0, 0.009999999776482582)
    """
    frequencies = exp2(-log2(rope.theta) * (np.arange(0, rotary, 2, dtype=np.float64) / rotary))
    match rope.kind:
        case "default":
            scaled = frequencies
        case "linear":
            scaled = frequencies / _value(rope, "factor")
        case "llama3":
            scaled = _llama3(frequencies, rope)
        case "factors":
            scaled = frequencies / _factors(rope, len(frequencies))
        case other:
            raise ModelError("rope scaling", "the kind must be known", other, "accepted: default, linear, llama3")
    return tuple(scaled.astype(np.float32).tolist())


def rope_huggingface(meta: Mapping[str, Any]) -> Rope:
    """From config.json: ``rope_parameters`` (transformers 5), else ``rope_theta`` and ``rope_scaling`` (4)."""
    values = record(meta, "rope_parameters", "rope_scaling")
    theta = number({**meta, **values}, "rope_theta", default=10000.0)
    return Rope(theta, values.get("rope_type", values.get("type", "default")), values)


def rope_gguf(source: Source) -> Rope:
    """From GGUF keys, and the tensor ``rope_freqs.weight`` where a converter stored a scaling as factors."""
    meta, arch = source.metadata, source.metadata["general.architecture"]
    theta = number(meta, f"{arch}.rope.freq_base", default=10000.0)
    if "rope_freqs.weight" in source.names:
        return Rope(theta, "factors", factors=source.read("rope_freqs.weight").astype(np.float64))
    kind = meta.get(f"{arch}.rope.scaling.type", "none")
    return Rope(theta, "default" if kind == "none" else kind, {"factor": meta.get(f"{arch}.rope.scaling.factor")})


def _llama3(frequencies: Float64s, rope: Rope) -> Float64s:
    """Long waves are slowed by ``factor``, short ones kept, those between blended (Llama 3.1)."""
    low, high = _value(rope, "low_freq_factor"), _value(rope, "high_freq_factor")
    waves = _value(rope, "original_max_position_embeddings") * frequencies / (2 * math.pi)  # in the original context
    kept = np.clip((waves - low) / (high - low), 0, 1)
    return frequencies * (kept + (1 - kept) / _value(rope, "factor"))


def _factors(rope: Rope, n: int) -> Float64s:
    if rope.factors is None or rope.factors.shape != (n,):
        got = None if rope.factors is None else rope.factors.shape
        raise ModelError("rope_freqs.weight", f"there must be a factor for each of {n} frequencies", got)
    return rope.factors


def _value(rope: Rope, key: str) -> float:
    return number(rope.values or {}, key)
