"""A trained model on its way to its formats: a program and tensors that are read, and changed, when asked for.

Passes take a draft and give the next one. Nothing is computed before a tensor is read, but for the small vectors that a
pass decides on, so a draft of any model fits in memory, and reading a tensor twice gives the same bits.

>>> draft = Draft.of(tabulae.open(model))
>>> halved = draft.tensors.changed({"lm_head.weight": draft.tensors.tensor("lm_head.weight").then(lambda w: w / 2)})
>>> bool((halved["lm_head.weight"] * 2 == draft.tensors["lm_head.weight"]).all())
True
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from tabulae.arithmetic.arrays import Float32s, Float64s
from tabulae.arithmetic.matrix import row_chunks
from tabulae.errors import UsageError
from tabulae.formats.input_statistics import InputStatistics
from tabulae.program.graph import Decoder
from tabulae.program.trained import Trained


@dataclass(frozen=True)
class Tensor:
    """One tensor that has not been read yet."""

    shape: tuple[int, ...]
    read: Callable[[], Float32s]

    def then(self, change: Callable[[Float32s], Float32s]) -> "Tensor":
        """The same tensor, changed by a function that keeps its shape."""
        return Tensor(self.shape, lambda: change(self.read()))


class Tensors(Mapping[str, Float32s]):
    """Tensors by name, each read anew when it is asked for."""

    def __init__(self, tensors: Mapping[str, Tensor]) -> None:
        self._tensors = dict(tensors)

    def __getitem__(self, name: str) -> Float32s:
        return self._tensors[name].read()

    def __iter__(self) -> Iterator[str]:
        return iter(self._tensors)

    def __len__(self) -> int:
        return len(self._tensors)

    def __contains__(self, name: object) -> bool:
        return name in self._tensors

    def tensor(self, name: str) -> Tensor:
        """One tensor, unread."""
        return self._tensors[name]

    def shape(self, name: str) -> tuple[int, ...]:
        """Shape of one tensor, unread."""
        return self._tensors[name].shape

    def changed(self, changes: Mapping[str, Tensor], dropped: frozenset[str] = frozenset()) -> "Tensors":
        """These tensors with others in their place or beside them, and without those dropped."""
        return Tensors({name: t for name, t in {**self._tensors, **changes}.items() if name not in dropped})


@dataclass(frozen=True)
class Draft:
    """What passes take and give; it offers what a trained model does, so what can be built of one can be of a draft."""

    program: Decoder
    tensors: Tensors
    inputs: Mapping[str, InputStatistics] = field(default_factory=dict)  # of linears, as far as they are known
    done: tuple[str, ...] = ()  # passes, in order
    turned: frozenset[str] = frozenset()  # linears and embeddings whose columns are rotated
    scaled: frozenset[str] = frozenset()  # linears whose columns are scaled
    notes: tuple[str, ...] = ()  # what a pass had to leave as it was, and why

    @property
    def names(self) -> tuple[str, ...]:
        """Tensors in the order in which the program first uses them."""
        return self.program.weights()

    def shape(self, name: str) -> tuple[int, ...]:
        """Shape of one tensor."""
        return self.tensors.shape(name)

    def read(self, name: str) -> Float32s:
        """One tensor after all passes."""
        return self.tensors[name]

    @property
    def importance(self) -> dict[str, Float32s]:
        """Linear -> mean x^2 of its input [cols], as far as it is known."""
        return {name: known.mean_square for name, known in self.inputs.items()}

    def loudness(self, name: str) -> Float64s:
        """Of every column of a linear [cols] the sum of its squares times importance, which must be known."""
        weights = self.tensors[name]
        energy = np.zeros(weights.shape[1])
        for rows in row_chunks(*weights.shape):
            energy += np.square(weights[rows], dtype=np.float64).sum(axis=0)
        return energy * self.inputs[name].mean_square

    def noted(self, note: str) -> "Draft":
        """With one note more."""
        return replace(self, notes=(*self.notes, note))

    @staticmethod
    def of(model: Trained, inputs: Mapping[str, InputStatistics] | None = None) -> "Draft":
        """The trained model as it is; ``inputs``: what is known of those of its linears.

        :raises UsageError: importance that does not fit its linear, or is not finite and positive or zero
        """
        tensors = Tensors({name: Tensor(model.shape(name), partial(model.read, name)) for name in model.names})
        for name, known in (inputs or {}).items():
            _check_importance(name, known.mean_square, tensors)
        return Draft(model.program, tensors, dict(inputs or {}))


def _check_importance(name: str, values: Float32s, tensors: Tensors) -> None:
    if name not in tensors:
        raise UsageError("importance", "it must be that of a tensor of the model", name)
    cols = tensors.shape(name)[-1:]
    if values.shape != cols or not (values >= 0).all() or not (values < float("inf")).all():
        got = f"shape {list(values.shape)}, {values.min(initial=0)} to {values.max(initial=0)}"
        raise UsageError(f"importance of {name}", f"it must be {list(cols)} finite numbers, none negative", got)
