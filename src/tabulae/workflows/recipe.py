"""What a table model is built of: tensors after all passes, and how each of them is stored.

What is stored how, a plan says, or rules that a user typed: one format for all, or ``PATTERN=FORMAT`` for some.

>>> rules = parse_rules(["normal:3/g64/signmax", "*.down_proj.*=int:8/row/absmax"])
>>> [(rule.pattern, str(rule.storage)) for rule in rules]
[('*', 'normal:3/g64/signmax'), ('*.down_proj.*', 'int:8/row/absmax')]
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

import msgspec
import numpy as np
import xxhash

from tabulae.artifact.records import FloatRecord, TensorRecord
from tabulae.calibration import Draft
from tabulae.calibration.prepared import in_bands, prepared
from tabulae.calibration.split_rows import whole_name
from tabulae.errors import UsageError
from tabulae.formats import InputStatistics, Storage
from tabulae.planning.plan import Plan
from tabulae.planning.sizes import Fixed, fixed_sizes, planned_record, table_sizes
from tabulae.program.graph import Decoder
from tabulae.program.trained import Trained
from tabulae.workflows.open_tab import TOKENIZER

LINEAR = "normal:4/g64/signmax"
EMBEDDING = "int:8/row/absmax"  # and the head: a fifth of a small model's weights, and sensitive
FLOAT = "float32"  # leaves a tensor as it is


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
    """``formats`` as in :mod:`tabulae.workflows.recipe`.

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


@dataclass(frozen=True)
class Rule:
    """Tensors whose name matches the shell pattern are stored so; None: they stay float32."""

    pattern: str
    storage: Storage | None


def parse_rules(texts: Sequence[str]) -> tuple[Rule, ...]:
    """``FORMAT`` or ``PATTERN=FORMAT``, later ones first to be obeyed."""
    return tuple(_rule(text) for text in texts)


def _rule(text: str) -> Rule:
    """A format name may hold ``=`` itself (``sparse=.001``): what parses as a format is one."""
    pattern, equals, name = text.partition("=")
    if equals and not _is_storage(text):
        return Rule(pattern, _storage(name))
    return Rule("*", _storage(text))


def _is_storage(text: str) -> bool:
    try:
        Storage.parse(text)
    except UsageError:
        return False
    return True


def _storage(name: str) -> Storage | None:
    if name == FLOAT:
        return None
    storage = Storage.parse(name)
    storage.check()
    return storage


def choose(program: Decoder, names: Sequence[str], rules: Sequence[Rule] = ()) -> dict[str, Storage | None]:
    """The storage of every tensor, None for those that stay float32 (norms and biases always do).

    :raises UsageError: a pattern that matches no tensor that can have a format
    """
    storages = _defaults(program)
    for rule in rules:
        matching = [name for name in storages if fnmatchcase(name, rule.pattern)]
        if not matching:
            hint = f"such as {', '.join(list(storages)[:4])}"
            raise UsageError("format", "a pattern must match the name of a linear or embedding", rule.pattern, hint)
        storages |= dict.fromkeys(matching, rule.storage)
    return {name: storages.get(name) for name in names}


def _defaults(program: Decoder) -> dict[str, Storage | None]:
    """Linears, then over them embeddings and the head."""
    storages: dict[str, Storage | None] = dict.fromkeys(program.linears(), Storage.parse(LINEAR))
    heads = {one.weight for seen in program.projections() for one in seen.linears if one.out == program.logits}
    tables = (name for op in program.operations for name in op.names("table"))
    return storages | {name: Storage.parse(EMBEDDING) for name in tables if name in heads or name not in storages}
