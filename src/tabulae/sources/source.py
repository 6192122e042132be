"""What every kind of trained model offers."""

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from tabulae.arithmetic.arrays import Float32s
from tabulae.text.data import TokenizerData


class Source(Protocol):
    """A trained model on disk, opened lazily: read-only, memory-mapped, never more than what is asked for."""

    kind: str
    """``"gguf"`` or ``"huggingface"``: whose names and keys it uses, of which architectures hold a map per kind."""
    family: Any
    """What the model calls its architecture (``"llama"``), as its metadata says it; None where they do not."""
    path: Path
    metadata: Mapping[str, Any]
    """GGUF: the key-value fields without the tokenizer's arrays; Hugging Face: ``config.json``."""
    names: tuple[str, ...]
    """All tensors, in file order."""

    def shape(self, name: str) -> tuple[int, ...]:
        """NumPy order: ``(rows, columns)``."""
        ...

    def dtype(self, name: str) -> str:
        """How the file stores it: ``"F32"``, ``"BF16"``, ``"Q4_1"``."""
        ...

    def nbytes(self, name: str) -> int:
        """Bytes of the tensor in the file."""
        ...

    def read(self, name: str, rows: slice | None = None) -> Float32s:
        """Dequantise the tensor, or only ``rows`` of its first axis (step 1), into memory of its own.

        Raises :class:`ModelError` for an unknown name, a type that cannot be dequantised, and NaN or Inf (naming
        the tensor and the first index).
        """
        ...

    def vocabulary(self) -> TokenizerData | None:
        """The tokenizer, or None where the model brings none."""
        ...

    def provenance(self, *, sampled: bool = False) -> dict[str, str]:
        """``name``, ``licence``, ``organisation`` as far as known; ``file``, ``bytes``, ``xxh3_128``: one per file.

        ``sampled``: large files are not hashed as a whole, but some blocks of them.
        """
        ...

    def close(self) -> None: ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
