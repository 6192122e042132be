"""A trained model seen through its architecture: canonical tensors, the program, and the float model to run."""

import math
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Unpack

from tabulae.arithmetic.arrays import Float32s
from tabulae.artifact.container import ALIGN, MAGIC
from tabulae.closing import Closing
from tabulae.errors import UsageError
from tabulae.program import architectures
from tabulae.runtime.binding import Binding
from tabulae.runtime.language_model import LanguageModel, Options
from tabulae.sources import open_source
from tabulae.workflows.build import Progress, build


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

    @cached_property
    def fingerprint(self) -> str:
        """xxh3-128 of the program and of the hashes of the source's files: equal for equal models, whatever their path.

        Reads every file once (a gigabyte takes a fraction of a second where it is cached).
        """
        import msgspec
        import xxhash

        files = self.source.provenance()["xxh3_128"]
        return xxhash.xxh3_128_hexdigest(msgspec.json.encode(self.program) + files.encode())

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

    def load(self, **options: Unpack[Options]) -> LanguageModel:
        """The float model, run by the same executor as a table model; ``options`` as of :func:`tabulae.load`.

        Holds all weights in float32: four bytes each.
        """
        return LanguageModel(Binding(self.program, dict(self.tensors())), self.source.vocabulary(), **options)

    def build(
        self, path: str | Path, *, formats: Sequence[str] = (), threads: int = 1, progress: Progress | None = None
    ) -> Path:
        """Write the table model; see :func:`tabulae.workflows.build.build`."""
        return build(self, path, formats=formats, threads=threads, progress=progress)

    def close(self) -> None:
        """Let go of the file."""
        self.source.close()


def open_trained(path: str | Path) -> TrainedModel:
    """Open a trained model: a GGUF file or a Hugging Face folder.

    :raises FileError: nothing is there
    :raises ModelError: it is no model, or of an unknown architecture, or lacks a tensor
    """
    if is_table_model(Path(path)):
        hint = "it is built already: tabulae run, check, bench, or tabulae.load"
        raise UsageError(str(path), "it must be a trained model (GGUF, Hugging Face)", "a table model", hint)
    return TrainedModel(path)


def is_table_model(path: Path) -> bool:
    """By its seal, or where there is no such file by its name."""
    if not path.is_file():
        return path.suffix == ".tab"
    with path.open("rb") as file:
        file.seek(max(path.stat().st_size - ALIGN, 0))
        return path.suffix == ".tab" or file.read(len(MAGIC)) == MAGIC
