"""Tables in bands of rows that matter alike, so that each can have a format of its own.

Two kinds of tables have rows that matter unlike by far. Of the *embedding* (and of the head, be it the same table or
not) the rows of frequent tokens: merges are numbered as they were found, the most frequent first, so bands are of token
numbers, each twice as long as the one before. Of the linears that make *hidden* units the loudest, once they are sorted
(``sort_hidden``). What that is worth: docs/formats.md, benchmarks/bench_plans.py --whole.

A band is a tensor of its own, named after its rows: ``model.embed_tokens.weight[768:1536]``. Bands are exact: the
rewritten program's logits are those of the program, to the bit.

>>> draft = split_rows(Draft.of(tabulae.open(model)), least=1 << 10)
>>> [name.removeprefix("lm_head.weight") for name in draft.names if "lm_head" in name]
['[0:16]', '[16:32]', '[32:80]', '[80:144]', '[144:300]']
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final, TypeVar

import msgspec

from tabulae.arithmetic.activations import BLOCK
from tabulae.arithmetic.widths import PANEL
from tabulae.calibration.draft import Draft, Tensor
from tabulae.calibration.order import begin
from tabulae.calibration.sort_hidden import hidden_layers
from tabulae.program.graph import Decoder
from tabulae.program.operation import Linear, Operation
from tabulae.program.ops.embed import Band, Embed
from tabulae.program.ops.project import Project
from tabulae.program.value import Rows

# Where bands end, in parts of the rows.
TOKENS: Final = (1 / 64, 1 / 32, 1 / 16, 1 / 8, 1 / 4, 1 / 2)
UNITS: Final = (1 / 48, 1 / 12, 1 / 4)
LEAST: Final = 1 << 14  # weights of a band: with 7 bits 14 KB, and .5 KB of header and padding

BAND: Final = re.compile(r"\[[0-9]+:[0-9]+\]$")

Bands = Mapping[str, Sequence[Rows]]
T = TypeVar("T")
Used = TypeVar("Used", Band, Linear)


def split_rows(draft: Draft, *, least: int = LEAST, group: int = BLOCK) -> Draft:
    """Embedding, head and the linears of hidden units in bands of at least so many weights; importance follows.

    Units whose number is no multiple of ``group`` cannot have been sorted, and stay together.
    """
    draft = begin(draft, "split_rows")
    bands = {name: rows for name, rows in _bands(draft, least, group) if len(rows) > 1}
    tensors = {band_name(name, rows): _band(draft.tensors.tensor(name), rows) for name in bands for rows in bands[name]}
    return replace(
        draft,
        program=_with_bands(draft.program, bands),
        tensors=draft.tensors.changed(tensors, dropped=frozenset(bands)),
        inputs=_spread(draft.inputs, bands),
        scaled=frozenset(_spread(dict.fromkeys(draft.scaled), bands)),
    )


def band_name(name: str, rows: Rows) -> str:
    """What some rows of a tensor are called.

    >>> band_name("lm_head.weight", (0, 16))
    'lm_head.weight[0:16]'
    """
    return f"{name}[{rows[0]}:{rows[1]}]"


def whole_name(name: str) -> str:
    """The tensor that a band is of.

    >>> whole_name("lm_head.weight[0:16]"), whole_name("lm_head.weight")
    ('lm_head.weight', 'lm_head.weight')
    """
    return BAND.sub("", name)


def token_bands(program: Decoder) -> list[list[str]]:
    """The bands of every table whose rows are tokens, where it has some."""
    found: dict[str, list[str]] = {}
    for name in _of_tokens(program):
        found.setdefault(whole_name(name), []).append(name)
    return [names for names in found.values() if len(names) > 1]


def _bands(draft: Draft, least: int, group: int) -> Iterator[tuple[str, list[Rows]]]:
    units = [one.weight for layer in hidden_layers(draft) if layer.width % group == 0 for one in layer.makers]
    for names, shares in ((_of_tokens(draft.program), TOKENS), (units, UNITS)):
        for name in names:
            yield name, _cut(draft.shape(name), shares, least)


def _of_tokens(program: Decoder) -> tuple[str, ...]:
    """The tables whose rows are tokens."""
    embeddings = [band.weight for op in program.operations if isinstance(op, Embed) for band in op.bands]
    heads = [one.weight for seen in program.projections() for one in seen.linears if one.out == program.logits]
    return tuple(dict.fromkeys([*embeddings, *heads]))


def _cut(shape: tuple[int, ...], shares: Sequence[float], least: int) -> list[Rows]:
    """Ends at the shares of the rows, without bands that were too small."""
    rows, cols = shape
    ends = [0]
    for end in (round(share * rows / PANEL) * PANEL for share in shares):
        if min(end - ends[-1], rows - end) * cols >= least:
            ends.append(end)
    return list(zip(ends, [*ends[1:], rows], strict=True))


def _band(whole: Tensor, rows: Rows) -> Tensor:
    return Tensor((rows[1] - rows[0], *whole.shape[1:]), lambda: whole.read()[slice(*rows)].copy())


def _spread(values: Mapping[str, T], bands: Bands) -> dict[str, T]:
    """What is known of tensors, known of their bands."""
    return {one: value for name, value in values.items() for one in _names_of(name, bands)}


def _names_of(name: str, bands: Bands) -> list[str]:
    """The bands of a tensor, or itself."""
    return [band_name(name, rows) for rows in bands[name]] if name in bands else [name]


def _with_bands(program: Decoder, bands: Bands) -> Decoder:
    return msgspec.structs.replace(program, operations=tuple(_rewritten(op, bands) for op in program.operations))


def _rewritten(op: Operation, bands: Bands) -> Operation:
    match op:
        case Embed():
            return msgspec.structs.replace(op, bands=_in_bands(op.bands, bands))
        case Project():
            return msgspec.structs.replace(op, linears=_in_bands(op.linears, bands))
        case _:
            return op


def _in_bands(users: Sequence[Used], bands: Bands) -> tuple[Used, ...]:
    """What uses a weight that is in bands now uses each of them."""
    return tuple(
        msgspec.structs.replace(one, weight=band_name(one.weight, rows), rows=rows) if rows else one
        for one in users
        for rows in bands.get(one.weight, [None])
    )
