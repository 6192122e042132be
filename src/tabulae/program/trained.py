"""What all that studies, plans or builds asks of a trained model, wherever it comes from."""

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from tabulae.arithmetic.arrays import Float32s, Int64s
from tabulae.program.graph import Decoder
from tabulae.text.data import TokenizerData


class Trained(Protocol):
    """Canonical tensors and the program that names them; :class:`tabulae.workflows.trained.TrainedModel` is one."""

    program: Decoder

    @property
    def path(self) -> Path:
        """Where it lies."""
        ...

    @property
    def names(self) -> tuple[str, ...]:
        """Canonical names, in the order in which the program first uses them."""
        ...

    @property
    def vocabulary(self) -> TokenizerData | None:
        """The tokenizer, if it has one."""
        ...

    @property
    def fingerprint(self) -> str:
        """Equal for equal models."""
        ...

    def shape(self, name: str) -> tuple[int, ...]:
        """Shape of one tensor."""
        ...

    def read(self, name: str) -> Float32s:
        """One tensor."""
        ...

    def read_rows(self, name: str, rows: Int64s) -> Float32s:
        """Some rows of a matrix, ascending."""
        ...

    def tensors(self) -> Iterator[tuple[str, Float32s]]:
        """All of them, one after the other."""
        ...

    def parameters(self) -> int:
        """Number of weights, tied tensors once."""
        ...

    def provenance(self, *, sampled: bool = False) -> dict[str, str]:
        """Where it comes from; ``sampled``: hashes of some blocks of its files alone."""
        ...
