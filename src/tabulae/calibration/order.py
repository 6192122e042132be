"""The order of passes, enforced: a pass that would undo or spoil an earlier one is refused.

Fold norms before any scale is computed; rotate the residual stream while its norms are still ones; scale columns by
importance before heads are rotated, because a mean x^2 per column does not survive a rotation; change rows and columns
before tables are split into bands of rows; and rotate *or* split a tensor's range, because a rotated tensor is Normal
and has no outliers to split off.
"""

from dataclasses import replace

from tabulae.calibration.draft import Draft
from tabulae.errors import UsageError

ORDER = (
    "untie",
    "bridge",
    "fold_norms",
    "rotate_residual",
    "spread_residual",
    "sort_hidden",
    "column_scales",
    "rotate_heads",
    "split_rows",
)
WHY_FIRST = {
    "untie": "the last norm's gain can only be folded into a head of its own",
    "bridge": "the last norm's gain is what it moves",
    "fold_norms": "folded gains would carry the scales and rotations of later passes with them",
    "rotate_residual": "norms with scales in their gains do not commute with a rotation",
    "spread_residual": "channels are ordered by what they are before scales",
    "sort_hidden": "rows that stand in bands can no longer change places",
    "column_scales": "a mean x^2 per column does not survive a rotation",
    "rotate_heads": "it needs heads whole",
    "split_rows": "nothing may follow it",
}
NEEDS = {"rotate_residual": "fold_norms"}
EITHER = (("untie", "bridge"),)


def begin(draft: Draft, name: str) -> Draft:
    """The draft with a pass entered as done.

    :raises UsageError: it was done before, comes too late, lacks another, or excludes one

    >>> begin(begin(Draft.of(tabulae.open(model)), "fold_norms"), "rotate_heads").done
    ('fold_norms', 'rotate_heads')
    """
    check(name, draft.done)
    return replace(draft, done=(*draft.done, name))


def check(name: str, done: tuple[str, ...]) -> None:
    """Refuse a pass that cannot follow those done."""
    if name in done:
        raise UsageError(name, "a pass must run only once", " -> ".join((*done, name)))
    for pair in EITHER:
        other = next((one for one in pair if name in pair and one in done), None)
        if other:
            raise UsageError(name, f"it must not be combined with {other}", " -> ".join((*done, name)))
    late = [one for one in done if ORDER.index(one) > ORDER.index(name)]
    if late:
        must = f"it must come before {late[0]}: {WHY_FIRST[name]}"
        raise UsageError(name, must, " -> ".join((*done, name)), f"the order: {', '.join(ORDER)}")
    if name in NEEDS and NEEDS[name] not in done:
        raise UsageError(name, f"{NEEDS[name]} must have run before", " -> ".join((*done, name)))


def check_split(draft: Draft, tensor: str) -> None:
    """Refuse to split the range of a tensor whose columns are rotated.

    :raises UsageError: they are
    """
    if tensor in draft.turned:
        must = "a tensor's range must be split or its columns rotated, not both"
        raise UsageError(f"split of {tensor}", must, "rotated columns", "rotation leaves no outliers to split off")
