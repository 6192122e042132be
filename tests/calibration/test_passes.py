import pytest
from tiny_models import CONFIGS

from tabulae.calibration import Draft, run
from tabulae.calibration.order import ORDER
from tabulae.calibration.passes import ACCEPTED
from tabulae.errors import UsageError

ALL = [
    "split_rows",
    "spread_residual",
    "rotate_heads",
    "column_scales=sinkhorn",
    "rotate_residual",
    "fold_norms",
    "bridge",
]


@pytest.mark.parametrize("name", ["llama", "llama_biased", "qwen2", "qwen3"])
def test_all_passes_in_any_order_given(name, tiny, deviation) -> None:
    draft = run(Draft.of(tiny(name)), ALL)
    assert draft.done == (
        "bridge",
        "fold_norms",
        "rotate_residual",
        "spread_residual",
        "column_scales",
        "rotate_heads",
        "split_rows",
    )
    assert deviation(name, draft) < 1


@pytest.mark.parametrize("name", CONFIGS)
def test_all_passes_that_every_architecture_allows(name, tiny, deviation) -> None:
    assert deviation(name, run(Draft.of(tiny(name)), ["rotate_heads", "column_scales=sinkhorn", "fold_norms"])) < 1


def test_every_pass_has_its_place() -> None:
    assert {name.partition("=")[0] for name in ACCEPTED} == set(ORDER)


@pytest.mark.parametrize(
    "names, message",
    [
        (["fold"], "accepted: untie, bridge"),
        (["column_scales"], "accepted: untie, bridge"),
        (["column_scales=importance:-1"], "accepted: untie, bridge"),
        (["untie", "bridge"], "combined"),
        (["rotate_residual"], "fold_norms must have run"),
        (["column_scales=sinkhorn", "column_scales=importance"], "only once"),
    ],
)
def test_unknown_and_impossible_passes(names, message, tiny) -> None:
    with pytest.raises(UsageError, match=message):
        run(Draft.of(tiny("llama")), names)
