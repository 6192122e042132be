"""Loading a table model: the file is mapped, every weight is read where it lies."""

from collections.abc import Callable
from pathlib import Path
from typing import Unpack

from tabulae.artifact.reader import TableModelFile, open_table_model
from tabulae.runtime.binding import Binding
from tabulae.runtime.language_model import LanguageModel, Options
from tabulae.text.data import TokenizerData
from tabulae.workflows.check import CheckReport, check
from tabulae.workflows.open_tab import program_of, vocabulary_of, weights_of


class TableModel(LanguageModel):
    """A language model that runs from a file; besides text and logits it can be checked."""

    def __init__(
        self,
        path: Path,
        binding: Binding,
        vocabulary: TokenizerData | None,
        on_close: Callable[[], None],
        **options: Unpack[Options],
    ) -> None:
        super().__init__(binding, vocabulary, on_close=on_close, **options)
        self.path = path

    def check(self) -> CheckReport:
        """Hashes, widths, kernels and the hash of the logits: see :func:`tabulae.check`."""
        return check(self.path)


def load(path: str | Path, *, verify: bool = False, **options: Unpack[Options]) -> TableModel:
    """The language model of a table model.

    >>> with tabulae.load(table, threads=1) as lm:
    ...     lm.logits([5, 6, 7]).shape, lm.generate("the", max_tokens=4).stopped
    ((3, 300), 'max tokens')

    ``options``: ``context`` (tokens; default 2,048 or what the model was trained for), ``threads`` (default: all
    cores), ``arithmetic`` (auto, multiply, lookup), ``isa`` (default: the best that runs here). ``verify`` checks
    every hash and proves the widths anew first.

    :raises FileError: the file is missing
    :raises TableModelError: it is malformed or altered
    """
    file = open_table_model(path, verify=verify)
    return from_file(file, **options)


def from_file(file: TableModelFile, *, decoded: bool = False, **options: Unpack[Options]) -> TableModel:
    """The same from an open file; ``decoded``: tables as the float32 weights they stand for, activations float."""
    binding = Binding(program_of(file), weights_of(file, decoded=decoded))
    return TableModel(file.path, binding, vocabulary_of(file), file.close, **options)
