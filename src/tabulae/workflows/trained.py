"""A trained model seen through its architecture: canonical tensors, the program, and the float model to run."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tabulae.arithmetic.arrays import Float32s
from tabulae.closing import Closing
from tabulae.errors import UsageError
from tabulae.program import architectures
from tabulae.runtime.binding import Binding
from tabulae.runtime.language_model import LanguageModel
from tabulae.sources import open_source
from tabulae.workflows.build import build


class TrainedModel(Closing):
    """What a user brings, opened read-only: nothing is dequantised before it is asked for.

    >>> with tabulae.open(model) as trained:
    ...     trained.parameters(), trained.shape("lm_head.weight"), trained.dtype("lm_head.weight")
    (129344, (300, 64), 'F32')
    """

    def __init__(self, path: str | Path) -> None:
        self.source = open_source(path)
        try:
            self.architecture = architectures.find(self.source)
            config = self.architecture.config(self.source)
            self.program = self.architecture.program(config)
            self._origins = self.architecture.tensors(self.source, config)
        except BaseException:
            self.source.close()
            raise

    @property
    def names(self) -> tuple[str, ...]:
        """Canonical names of all tensors, in the order in which the program first uses them."""
        return tuple(self._origins)

    def shape(self, name: str) -> tuple[int, ...]:
        """Shape of one canonical tensor."""
        return self._origins[name].shape

    def dtype(self, name: str) -> str:
        """How the source stores it."""
        return self.source.dtype(self._origins[name].name)

    def read(self, name: str) -> Float32s:
        """One canonical tensor in float32.

        :raises ModelError: NaN or infinity in it
        """
        return self._origins[name].read(self.source)

    def tensors(self) -> Iterator[tuple[str, Float32s]]:
        """All canonical tensors, one after the other."""
        return ((name, self.read(name)) for name in self._origins)

    def parameters(self) -> int:
        """Number of weights, tied tensors once."""
        return sum(math.prod(self.shape(name)) for name in self.names)

    def load(self, **options: Any) -> LanguageModel:
        """The float model, run by the same executor as a table model; ``options`` as of :func:`tabulae.load`.

        Holds all weights in float32: four bytes each.
        """
        return LanguageModel(Binding(self.program, dict(self.tensors())), self.source.vocabulary(), **options)

    def build(self, path: str | Path, **options: Any) -> Path:
        """Write the table model; see :func:`tabulae.workflows.build.build`."""
        return build(self, path, **options)

    def close(self) -> None:
        """Let go of the file."""
        self.source.close()


def open_trained(path: str | Path) -> TrainedModel:
    """Open a trained model: a GGUF file or a Hugging Face folder.

    :raises FileError: nothing is there
    :raises ModelError: it is no model, or of an unknown architecture, or lacks a tensor
    """
    if Path(path).suffix == ".tab":
        raise UsageError(
            "model", "it must be a trained model (GGUF file, Hugging Face folder)", path, "a .tab is loaded"
        )
    return TrainedModel(path)
