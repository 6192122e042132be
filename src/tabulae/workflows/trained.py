"""A trained model seen through its architecture: canonical tensors, the program, and the float model to run."""

import math
from collections.abc import Collection, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Unpack

from tabulae.arithmetic.arrays import Float32s, Int64s
from tabulae.artifact.container import MAGIC
from tabulae.artifact.record import ALIGN
from tabulae.closing import Closing
from tabulae.errors import ModelError, UsageError
from tabulae.planning.plan import Plan
from tabulae.program import architectures
from tabulae.progress import Progress, silent
from tabulae.runtime.binding import Binding
from tabulae.runtime.language_model import LanguageModel, Options
from tabulae.sources import find_kind, open_source
from tabulae.text.data import TokenizerData
from tabulae.text.fits import fitted
from tabulae.workflows.ask import Wanted, ask, check_text_counts, recipe_of
from tabulae.workflows.build import build
from tabulae.workflows.contest import Built, build_within
from tabulae.workflows.recipe import by_rules

WITHOUT = "or go without one, on token ids: build --without-tokenizer, tabulae.open(MODEL, tokenizer=False)"


class TrainedModel(Closing):
    """What a user brings, opened read-only: nothing is dequantised before it is asked for.

    >>> with tabulae.open(model) as trained:
    ...     trained.parameters(), trained.shape("lm_head.weight"), trained.dtype("lm_head.weight")
    (129344, (300, 64), 'F32')
    """

    def __init__(self, path: str | Path, *, ignore_keys: Collection[str] = (), tokenizer: bool = True) -> None:
        self.source = open_source(path)
        self._tokenizer = tokenizer
        self._ignored = ", ".join(sorted(ignore_keys))
        try:
            self.architecture = architectures.find(self.source)
            config = self.architecture.config(self.source, ignore_keys)
            self.program = self.architecture.program(config)
            self._origins = self.architecture.tensors(self.source, config)
        except BaseException:
            self.source.close()
            raise

    @cached_property
    def vocabulary(self) -> TokenizerData | None:
        """The tokenizer, checked against the embedding; None where there is none or none is wanted.

        :raises ModelError: it would give other ids than the model was trained with, or ids that the model does not have
        """
        try:
            data = self.source.vocabulary() if self._tokenizer else None
            return data and fitted(data, self.program.vocabulary)
        except ModelError as error:
            hint = f"{error.hint}; {WITHOUT}" if error.hint else WITHOUT
            raise ModelError(error.what, error.must, error.got, hint) from None

    @cached_property
    def fingerprint(self) -> str:
        """xxh3-128 of the program and of the hashes of the source's files: equal for equal models, whatever their path.

        Of files larger than 16 MiB 4096 blocks count: planning a large model reads little of it. What a table model
        records of its source is the hash of all of it.
        """
        import msgspec
        import xxhash

        files = self.source.provenance(sampled=True)["xxh3_128"]
        return xxhash.xxh3_128_hexdigest(msgspec.json.encode(self.program) + files.encode())

    @property
    def path(self) -> Path:
        """Where it lies."""
        return self.source.path

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

    def read_rows(self, name: str, rows: Int64s) -> Float32s:
        """Some rows of a matrix, ascending, without reading the others where that is possible."""
        return self._origins[name].read_rows(self.source, rows)

    def provenance(self, *, sampled: bool = False) -> dict[str, str]:
        """That of the source (see :meth:`tabulae.sources.Source.provenance`), and the keys that were ignored."""
        ignored = {"ignored_keys": self._ignored} if self._ignored else {}
        return self.source.provenance(sampled=sampled) | ignored

    def tensors(self) -> Iterator[tuple[str, Float32s]]:
        """All canonical tensors, one after the other."""
        return ((name, self.read(name)) for name in self._origins)

    def parameters(self) -> int:
        """Number of weights, tied tensors once."""
        return sum(math.prod(self.shape(name)) for name in self.names)

    def load(self, **options: Unpack[Options]) -> LanguageModel:
        """The float model, run by the same engine as a table model; ``options`` as of :func:`tabulae.load`.

        Holds all weights in float32: four bytes each.
        """
        vocabulary = self.vocabulary  # before all weights are read
        return LanguageModel(Binding(self.program, dict(self.tensors())), vocabulary, **options)

    def plan(self, **wanted: Unpack[Wanted]) -> Plan:
        """The formats that lose least for ``size``, ``memory``, ``bits`` or ``kl``; see :class:`Wanted`.

        >>> with tabulae.open(model) as trained:
        ...     found = trained.plan(bits=9.0, by="data-free")
        >>> found.totals.bits <= 9.0, len(found.entries)
        (True, 16)
        """
        check_text_counts(wanted)
        asked = ask(self, **wanted)
        return asked.planner().plan(asked.budget)

    def build(
        self,
        path: str | Path,
        *,
        formats: Sequence[str] = (),
        plan: Plan | str | Path | None = None,
        calibration: str | Path | None = None,
        threads: int = 1,
        progress: Progress | None = None,
    ) -> Path:
        """Write the table model in ``formats`` (see :mod:`tabulae.workflows.recipe`) or as a plan or its file says.

        ``calibration``: the text file with which the plan was made, if it was another than the one that comes with
        tabulae. See :func:`tabulae.workflows.build.build`.
        """
        progress = progress or silent
        if plan is None:
            recipe = by_rules(self, formats)
        else:
            recipe = recipe_of(self, plan, calibration=calibration, threads=threads, progress=progress)
        return build(self, path, recipe, threads=threads, progress=progress)

    def build_planned(
        self, path: str | Path, *, verify: bool | str | Path | None = None, **wanted: Unpack[Wanted]
    ) -> Built:
        """Plan and write the table model at ``path``.

        ``verify``: run the result beside the best flat plan of no more bytes, and ship that one where it is not worse;
        on a text file, or if True on the calibration text. Done for models of up to a billion parameters if nothing is
        said.
        """
        asked = ask(self, path, **wanted)
        return build_within(path=path, **asked.contest(verify))

    def close(self) -> None:
        """Let go of the file."""
        self.source.close()


def open_trained(path: str | Path, *, ignore_keys: Collection[str] = (), tokenizer: bool = True) -> TrainedModel:
    """Open a trained model: a GGUF file or a Hugging Face folder.

    Every key of its configuration must be one that is computed or known to change nothing; the model is read as if
    those of ``ignore_keys`` (``"rope_scaling.factor"``, ``"llama.attention.sliding_window"``) were not there.
    ``tokenizer=False``: without its tokenizer; what is loaded or built then runs on token ids alone.

    :raises FileError: nothing is there
    :raises ModelError: it is no model, or of an unknown architecture, or lacks a tensor, or has an unknown key
    :raises UsageError: a key to ignore is not there
    """
    if is_table_model(Path(path)):
        hint = "it is built already: tabulae run, check, bench, or tabulae.load"
        raise UsageError(str(path), "it must be a trained model (GGUF, Hugging Face)", "a table model", hint)
    return TrainedModel(path, ignore_keys=ignore_keys, tokenizer=tokenizer)


def is_trained_model(path: Path, ignore_keys: Collection[str] = ()) -> bool:
    """Whether it is one to open, and no table model.

    :raises FileError: nothing is there
    :raises ModelError: it is neither
    :raises UsageError: keys to ignore of a table model, which has no configuration
    """
    if is_table_model(path) and ignore_keys:
        raise UsageError("ignore-key", "it must go with a trained model", f"a table model, {path}", "leave it out")
    if is_table_model(path):
        return False
    find_kind(path, "a table model (*.tab)")
    return True


def is_table_model(path: Path) -> bool:
    """By its seal, or where there is no such file by its name."""
    if not path.is_file():
        return path.suffix == ".tab"
    with path.open("rb") as file:
        file.seek(max(path.stat().st_size - ALIGN, 0))
        return path.suffix == ".tab" or file.read(len(MAGIC)) == MAGIC
