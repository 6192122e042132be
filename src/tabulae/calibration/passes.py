"""Lossless passes by name, run in their legal order.

A name may say how: ``column_scales=importance:0.25`` scales by importance with a strength of 0.25.

>>> draft = run(Draft.of(tabulae.open(model)), ["rotate_heads", "fold_norms"])
>>> draft.done
('fold_norms', 'rotate_heads')
"""

import re
from collections.abc import Callable, Collection, Mapping
from functools import partial

from tabulae.calibration.column_scales import STRENGTHS, column_scales
from tabulae.calibration.draft import Draft
from tabulae.calibration.fold_norms import fold_norms
from tabulae.calibration.order import ORDER
from tabulae.calibration.rotate_heads import rotate_heads
from tabulae.calibration.rotate_residual import rotate_residual
from tabulae.calibration.sort_hidden import sort_hidden
from tabulae.calibration.split_rows import split_rows
from tabulae.calibration.spread_residual import spread_residual
from tabulae.calibration.untie import bridge, untie
from tabulae.errors import UsageError

Pass = Callable[[Draft], Draft]
PLAIN: Mapping[str, Pass] = {
    "untie": untie,
    "bridge": bridge,
    "fold_norms": fold_norms,
    "rotate_residual": rotate_residual,
    "spread_residual": spread_residual,
    "sort_hidden": sort_hidden,
    "rotate_heads": rotate_heads,
    "split_rows": split_rows,
}
SCALES = re.compile(rf"column_scales=({'|'.join(STRENGTHS)})(?::([0-9]+(?:\.[0-9]+)?))?")
ACCEPTED = (*PLAIN, *(f"column_scales={by}[:strength]" for by in STRENGTHS))


def run(draft: Draft, names: Collection[str]) -> Draft:
    """The draft after the named passes, in the order that is lawful, however they are given.

    :raises UsageError: an unknown pass, two that exclude each other, one that lacks another, or one that cannot be
        done to this model
    """
    passes = {name: parse_pass(name) for name in names}
    for name in sorted(passes, key=lambda name: ORDER.index(name.partition("=")[0])):
        draft = passes[name](draft)
    return draft


def parse_pass(name: str) -> Pass:
    """The pass of that name.

    :raises UsageError: there is none
    """
    scales = SCALES.fullmatch(name)
    if scales:
        strength = None if scales[2] is None else float(scales[2])
        return partial(column_scales, by=scales[1], strength=strength)  # type: ignore[arg-type]
    if name not in PLAIN:
        raise UsageError("pass", "it must be known", repr(name), f"accepted: {', '.join(ACCEPTED)}")
    return PLAIN[name]
