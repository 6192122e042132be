from itertools import combinations

import pytest

from tabulae.calibration import Draft, bridge, column_scales, fold_norms, rotate_heads, rotate_residual, untie
from tabulae.calibration.order import ORDER, check, check_split
from tabulae.errors import UsageError

LEGAL = tuple(name for name in ORDER if name != "untie")


def test_only_one_order_of_all_passes_is_legal() -> None:
    for first, second in combinations(LEGAL, 2):
        with pytest.raises(UsageError, match=r"must come before|must have run before"):
            check(first, (second,))


def test_the_legal_order_is_legal_with_any_passes_left_out_but_those_needed() -> None:
    for number, name in enumerate(LEGAL):
        check(name, LEGAL[:number])
    check("rotate_heads", ())
    check("column_scales", ("untie",))


@pytest.mark.parametrize(
    "name, done, message",
    [
        ("fold_norms", ("fold_norms",), "only once"),
        ("bridge", ("untie",), "combined with untie"),
        ("untie", ("bridge",), "combined with bridge"),
        ("rotate_residual", (), "fold_norms must have run before"),
        ("rotate_residual", ("fold_norms", "column_scales"), "norms with scales in their gains"),
        ("column_scales", ("rotate_heads",), "does not survive a rotation"),
        ("sort_hidden", ("split_rows",), "can no longer change places"),
    ],
)
def test_what_is_refused_says_why(name: str, done: tuple[str, ...], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        check(name, done)


def test_the_passes_themselves_refuse(tiny) -> None:
    draft = Draft.of(tiny("llama"))
    with pytest.raises(UsageError, match="fold_norms"):
        fold_norms(column_scales(draft))
    with pytest.raises(UsageError, match="rotate_residual"):
        rotate_residual(draft)
    with pytest.raises(UsageError, match="column_scales"):
        column_scales(rotate_heads(draft))
    with pytest.raises(UsageError, match="combined"):
        bridge(untie(draft))


def test_split_or_rotate(tiny) -> None:
    draft = rotate_heads(Draft.of(tiny("llama")))
    check_split(draft, "model.layers.0.mlp.down_proj.weight")
    with pytest.raises(UsageError, match="not both"):
        check_split(draft, "model.layers.0.self_attn.o_proj.weight")
