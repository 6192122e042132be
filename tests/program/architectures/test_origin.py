"""Canonical tensors from parts of stored ones: only what is needed is read, and what is left over is refused."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tiny_models import FakeSource, load, weight

from tabulae.errors import ModelError
from tabulae.program import architectures
from tabulae.program.architectures import _origin
from tabulae.program.architectures._architecture import Architecture
from tabulae.program.architectures._names import Names, Stored
from tabulae.program.architectures._origin import Origin

FUSED, STACK = weight("fused", (12, 5)), weight("stack", (3, 8, 5))


class Reads(FakeSource):
    """Remembers what was read."""

    def __init__(self, tensors: dict[str, np.ndarray]) -> None:
        super().__init__("gguf", {}, tensors)
        self.seen: list[slice | None] = []

    def read(self, name: str, rows: slice | None = None) -> np.ndarray:
        self.seen.append(rows)
        return super().read(name, rows)


@pytest.fixture
def source() -> Reads:
    return Reads({"fused": FUSED, "stack": STACK})


def rows(*values: int) -> Any:
    return np.array(values)


PARTS = [
    (Origin("fused", rows=np.arange(4, 8)), FUSED[4:8], [slice(4, 8)]),
    (Origin("fused", rows=rows(9, 2, 7)), FUSED[[9, 2, 7]], [slice(2, 10)]),
    (Origin("fused", transposed=True, rows=rows(1, 3)), FUSED.T[1:4:2], [None]),
    (Origin("stack", 1), STACK[1], [slice(1, 2)]),
    (Origin("stack", 2, rows=np.arange(4, 8)), STACK[2, 4:], [slice(2, 3)]),
    (Origin("stack", 2, transposed=True, rows=rows(0, 4)), STACK[2].T[[0, 4]], [slice(2, 3)]),
    (Origin("fused", times=0.5, plus=1.0), FUSED * np.float32(0.5) + 1, [None]),
]


@pytest.mark.parametrize(("origin", "expected", "read"), PARTS, ids=[str(i) for i in range(len(PARTS))])
def test_parts(source: Reads, origin: Origin, expected: np.ndarray, read: list[slice | None]) -> None:
    found = origin.read(source)
    np.testing.assert_array_equal(found, expected)
    assert found.flags.c_contiguous and found.dtype == np.float32
    assert source.seen == read
    assert origin.canonical_shape(source.shape(origin.name)) == expected.shape


@pytest.mark.parametrize("few", [1, 10**6], ids=["one by one", "from the whole tensor"])
@pytest.mark.parametrize(("origin", "expected", "_"), PARTS, ids=[str(i) for i in range(len(PARTS))])
def test_some_rows_of_parts(
    source: Reads, origin: Origin, expected: np.ndarray, _: Any, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_origin, "FEW", few)
    placed = replace(origin, shape=expected.shape)
    np.testing.assert_array_equal(placed.read_rows(source, rows(0, 1)), expected[:2])


def test_names_with_numbers_of_layers_and_of_experts() -> None:
    names = Names(
        {
            "model.layers.{}.mlp.experts.{}.up_proj": Stored("blk.{}.ffn_up_exps", stacked=True),
            "model.layers.{}.mlp.experts.{}.down_proj.weight": Stored("layers.{}.experts.down_proj", stacked=True),
        }
    )
    at = "model.layers.7.mlp.experts.12"
    found = [names.origin(f"{at}.{part}_proj.weight", None) for part in ("up", "down", "gate")]
    assert [(o.name, o.index) for o in found] == [
        ("blk.7.ffn_up_exps.weight", 12),
        ("layers.7.experts.down_proj", 12),
        (f"{at}.gate_proj.weight", None),
    ]


def split(parts: dict[str, Stored]) -> tuple[Architecture, FakeSource]:
    """A llama whose gate, up and down are those ``parts`` of other tensors."""
    source, _ = load("llama")
    known = architectures.find(source)
    reading = next(r for r in known.readings if r.kind == "huggingface")
    names = Names({f"model.layers.{{}}.mlp.{part}_proj": stored for part, stored in parts.items()})
    return replace(known, readings=(replace(reading, names=names),)), source


def joined(name: str, x: dict[str, np.ndarray]) -> np.ndarray:
    return np.concatenate([x[f"{name}.mlp.{part}_proj.weight"] for part in ("gate", "up")])


def fused(source: FakeSource, stack: bool) -> FakeSource:
    """Gate and up as one tensor."""
    tensors = {name: x for name, x in source.tensors.items() if "gate_proj" not in name and "up_proj" not in name}
    for layer in range(2):
        whole = joined(f"model.layers.{layer}", source.tensors)
        tensors[f"model.layers.{layer}.mlp.gate_up.weight"] = whole.reshape(2, -1, 64) if stack else whole
    return FakeSource("huggingface", source.metadata, tensors)


NAME = "model.layers.{}.mlp.gate_up"
HALF = Stored(NAME, rows=lambda config: np.arange(172))
REST = Stored(NAME, rows=lambda config: np.arange(172) + 172)


def test_a_fused_tensor_gives_the_same_weights() -> None:
    architecture, source = split({"gate": HALF, "up": REST})
    one = fused(source, stack=False)
    config = architecture.config(one)
    origins = architecture.tensors(one, config)
    for name, x in source.tensors.items():
        np.testing.assert_array_equal(origins[name].read(one), x)


@pytest.mark.parametrize(
    ("parts", "stack", "message"),
    [
        ({"gate": HALF, "up": HALF}, False, r"gate_up.weight\] .* each of its 344 rows once, but got 172 that are not"),
        ({"gate": REST, "up": REST}, False, r"but got 172 that are not, the first 0"),
        ({"gate": REST, "up": Stored(NAME)}, False, "gate_up.weight] .* but got 172 that are not"),
        ({"gate": HALF, "up": Stored(NAME, stacked=True)}, False, r"gate_up.weight\] it must be a stack of matrices"),
        ({"gate": Stored(NAME, stacked=True), "up": REST}, True, "each of its 344 rows once"),
    ],
)
def test_a_tensor_of_which_parts_are_left_over(parts: dict[str, Stored], stack: bool, message: str) -> None:
    architecture, source = split(parts)
    one = fused(source, stack)
    with pytest.raises(ModelError, match=message):
        architecture.tensors(one, architecture.config(one))
