"""Phi-3's longrope: two lists of divisors, in a GGUF two tensors."""

from typing import Any

import numpy as np
import pytest
from tiny_families import FAMILIES
from tiny_gguf import converted
from tiny_models import FakeSource, load

from tabulae.errors import ModelError
from tabulae.program import architectures

PHI3 = FAMILIES["phi3"]
ORIGINAL = {"original_max_position_embeddings": 16}


def both(**more: Any) -> tuple[FakeSource, FakeSource]:
    """A folder of a long context, and as a converter writes it."""
    source, _ = load("phi3")
    ours = FakeSource(
        "huggingface", {**source.metadata, **ORIGINAL, "rope_parameters": {**PHI3.LONG, **ORIGINAL}}, source.tensors
    )
    theirs = converted(ours, "phi3", keys=PHI3.KEYS)
    factors = {f"rope_factors_{name}.weight": np.float32(PHI3.LONG[f"{name}_factor"]) for name in ("short", "long")}
    keys = {**theirs.metadata, **more}
    return ours, FakeSource("gguf", keys, {**theirs.tensors, **factors})


def turn(source: FakeSource) -> Any:
    return architectures.find(source).config(source).turn


@pytest.mark.parametrize("more", [{}, {"phi3.rope.scaling.attn_factor": float(np.float32(np.sqrt(1.5)))}])
def test_gguf_means_the_same(more: dict[str, Any]) -> None:
    ours, theirs = both(**more)
    assert turn(theirs) == turn(ours) and turn(ours).original == 16 and turn(ours).scale == np.float32(np.sqrt(1.5))
    architecture = architectures.find(theirs)
    architecture.tensors(theirs, architecture.config(theirs))


def test_a_list_that_is_not_there_is_named() -> None:
    _, theirs = both()
    left = {name: x for name, x in theirs.tensors.items() if "short" not in name}
    with pytest.raises(ModelError, match=r"\[short_factor\] there must be a factor for each of 4 frequencies"):
        turn(FakeSource("gguf", theirs.metadata, left))


def test_the_original_length_inside_and_outside_must_agree() -> None:
    ours, _ = both()
    wrong = FakeSource("huggingface", {**ours.metadata, "original_max_position_embeddings": 32}, ours.tensors)
    with pytest.raises(ModelError, match="spellings of one key must agree, but got original_max_position_embeddings"):
        turn(wrong)
