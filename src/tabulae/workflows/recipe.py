"""What a table model is built of: tensors after all passes, and how each of them is stored."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import msgspec
import numpy as np
import xxhash

from tabulae.arithmetic.arrays import Float32s
from tabulae.artifact.records import FloatRecord, TensorRecord
from tabulae.calibration import Draft
from tabulae.calibration.split_rows import whole_name
from tabulae.errors import UsageError
from tabulae.formats import InputStatistics, Storage
from tabulae.planning.plan import Plan
from tabulae.planning.sizes import Fixed, fixed_sizes, planned_record, table_sizes
from tabulae.program.graph import Decoder
from tabulae.sources import Source
from tabulae.text.data import TokenizerData
from tabulae.workflows.choice import choose, parse_rules
from tabulae.workflows.prepared import in_bands, prepared
from tabulae.workflows.stored import TOKENIZER


class Trained(Protocol):
    """What building needs of a trained model; :class:`tabulae.workflows.trained.TrainedModel` is one."""

    source: Source
    program: Decoder

    @property
    def names(self) -> tuple[str, ...]:
        """Canonical names."""
        ...

    @property
    def vocabulary(self) -> TokenizerData | None:
        """The tokenizer, if it has one."""
        ...

    def shape(self, name: str) -> tuple[int, ...]:
        """Shape of one tensor."""
        ...

    def read(self, name: str) -> Float32s:
        """One tensor in float32."""
        ...

    def parameters(self) -> int:
        """Number of weights."""
        ...

    def provenance(self, *, sampled: bool = False) -> dict[str, str]:
        """Where it comes from."""
        ...


@dataclass(frozen=True, eq=False)
class Recipe:
    """Tensors and how each is stored."""

    draft: Draft
    storages: Mapping[str, Storage | None]  # of all tensors, in order; None: float32
    inputs: Mapping[str, InputStatistics] = field(default_factory=dict)  # that weigh errors
    strength: float = 0.0  # with which columns were scaled
    scaled: frozenset[str] = frozenset()  # whose columns

    @property
    def hash(self) -> str:
        """Of all that changes bytes and is neither a format nor the trained model; "" if there is nothing."""
        if not self.inputs:
            return ""
        digest = xxhash.xxh3_128(repr(self.strength).encode())
        for name in sorted(self.inputs):
            digest.update(name.encode() + np.ascontiguousarray(self.inputs[name].mean_square, "<f4").tobytes())
        return digest.hexdigest()


def by_rules(model: Trained, formats: Sequence[str] = ()) -> Recipe:
    """``formats`` as in :mod:`tabulae.workflows.choice`.

    :raises UsageError: an unknown format, or a pattern that matches nothing
    """
    return Recipe(Draft.of(model), choose(model.program, model.names, parse_rules(formats)))


def by_plan(model: Trained, plan: Plan, inputs: Mapping[str, InputStatistics]) -> Recipe:
    """What a plan says; ``inputs`` are those of its calibration text.

    :raises UsageError: columns to be scaled that cannot be, or nothing known of inputs
    """
    bands, scaled = in_bands(model, plan.storages()), plan.scaled()
    if not inputs and (scaled or not set(plan.storages()) <= set(model.names)):
        raise UsageError("plan", "with bands or column_scale it must name its calibration", "none", "plan anew")
    only = {whole_name(name) for name in scaled}
    draft = prepared(model, inputs, bands=bands, strength=plan.column_strength, only=only)
    unlike = sorted(draft.scaled.symmetric_difference(scaled))
    if unlike:
        must = "all bands of a tensor must have column_scale, or none"
        raise UsageError("plan", must, f"{unlike[0]} {'without' if unlike[0] in draft.scaled else 'with'} it")
    return by_storages(draft, plan)


def by_storages(draft: Draft, plan: Plan) -> Recipe:
    """A draft, its columns scaled already, as a plan stores them."""
    storages = plan.storages()
    chosen = {name: storages.get(name) for name in draft.names}
    return Recipe(draft, chosen, draft.inputs, plan.column_strength, plan.scaled())


def records_of(recipe: Recipe) -> list[TensorRecord]:
    """The records of all tensors before they are encoded."""
    return [_record(recipe, name, storage) for name, storage in recipe.storages.items()]


def _record(recipe: Recipe, name: str, storage: Storage | None) -> TensorRecord:
    shape = recipe.draft.shape(name)
    if storage is None:
        return FloatRecord(name=name, shape=shape)
    planned = planned_record(name, (shape[0], shape[1]), storage)
    return msgspec.structs.replace(planned, column_scale=name in recipe.scaled)


def blobs_of(model: Trained) -> Mapping[str, bytes]:
    """What a table model holds beside tensors: the tokenizer."""
    vocabulary = model.vocabulary
    return {} if vocabulary is None else {TOKENIZER: msgspec.json.encode(vocabulary)}


def fixed_of(model: Trained, draft: Draft, planned: Collection[str]) -> tuple[Fixed, int]:
    """What no choice of formats for the tensors ``planned`` changes, and the digits of an offset in the header."""
    digits = len(str(5 * model.parameters() + 10**6))  # no file is longer
    fixed = fixed_sizes(
        [FloatRecord(name=name, shape=draft.shape(name)) for name in draft.names if name not in planned],
        model.parameters(),
        program=msgspec.json.encode(draft.program),
        provenance=model.provenance(sampled=True),  # its size alone counts here
        blobs={name: len(data) for name, data in blobs_of(model).items()},
        scaled=len(draft.scaled.intersection(planned)),
        digits=digits,
    )
    return fixed, digits


def expected_bytes(model: Trained, recipe: Recipe) -> int:
    """How long the file will be, all of it, at most."""
    names = {name: str(storage) for name, storage in recipe.storages.items() if storage is not None}
    fixed, digits = fixed_of(model, recipe.draft, names)
    shapes = {name: (recipe.draft.shape(name)[0], recipe.draft.shape(name)[1]) for name in names}
    sizes = [table_sizes(name, shapes[name], storage, digits=digits) for name, storage in names.items()]
    return fixed.file + sum(one.file + one.header for one in sizes)
