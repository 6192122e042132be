import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_models import CONFIGS

from tabulae.calibration import Draft, column_scales, fold_norms
from tabulae.calibration.column_scales import sinkhorn
from tabulae.calibration.edges import edges
from tabulae.errors import UsageError
from tabulae.formats.input_statistics import of_squares

rng = np.random.default_rng(6)


def uneven(model):
    """Importance of all linears, over many octaves."""
    linears = [name for name in model.program.linears() if name in model.weights]
    columns = {name: model.weights[name].shape[1] for name in linears}
    return {name: np.exp2(rng.uniform(-8, 8, n)).astype(np.float32) for name, n in columns.items()}


@pytest.mark.parametrize("name", CONFIGS)
def test_powers_of_two_change_no_bit(name, tiny, logits) -> None:
    model = tiny(name)
    draft = Draft.of(model, of_squares(uneven(model)))
    scaled = column_scales(draft, "importance", exact=True)
    np.testing.assert_array_equal(logits(scaled), logits(draft))
    edge = edges(draft)[0]
    assert (scaled.tensors[edge.consumers[0]] != draft.tensors[edge.consumers[0]]).mean() > 0.5


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("by", ["sinkhorn", "importance"])
def test_other_factors_leave_the_logits(name, by, tiny, deviation) -> None:
    model = tiny(name)
    draft = (
        fold_norms(Draft.of(model, of_squares(uneven(model))))
        if by == "sinkhorn"
        else Draft.of(model, of_squares(uneven(model)))
    )
    assert deviation(name, column_scales(draft, by)) < 1


def test_planted_factors_are_found_and_taken_out(tiny) -> None:
    model = tiny("llama")
    up, down = (f"model.layers.1.mlp.{part}_proj.weight" for part in ("up", "down"))
    planted = np.exp2(rng.integers(-3, 4, 172)).astype(np.float32)
    clean = column_scales(Draft.of(model), exact=True).tensors[down]
    model.weights[up] = model.weights[up] * planted[:, None]
    model.weights[down] = model.weights[down] / planted
    found = column_scales(Draft.of(model), exact=True).tensors[down]
    ratio = found / clean
    assert (ratio == ratio[0, 0]).mean() > 0.9  # but for factors that lie half way between two powers
    assert np.log2(np.sqrt(np.square(found).mean(axis=0))).std() < 0.4


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 20), st.integers(1, 20), st.integers(0, 2**32 - 1))
def test_sinkhorn_makes_columns_equally_loud_when_rows_are(rows: int, cols: int, seed: int) -> None:
    draw = np.random.default_rng(seed)
    pattern = draw.uniform(0.5, 2, (rows, cols))
    pattern *= draw.choice([-1, 1], pattern.shape)
    w = (pattern * np.exp2(draw.uniform(-4, 4, (rows, 1))) * np.exp2(draw.uniform(-4, 4, cols))).astype(np.float32)
    squares = np.square(w * sinkhorn([w], range(cols), cols))
    columns = (squares / squares.mean(axis=1, keepdims=True)).mean(axis=0)
    np.testing.assert_allclose(columns, 1, rtol=1e-3)


def test_rows_do_not_matter_and_shared_columns_share_a_factor() -> None:
    w = rng.standard_normal((40, 6)).astype(np.float32)
    one = sinkhorn([w], [0, 1, 2, 0, 1, 2], 3)
    two = sinkhorn([w * np.exp2(rng.uniform(-5, 5, (40, 1))).astype(np.float32)], [0, 1, 2, 0, 1, 2], 3)
    np.testing.assert_allclose(one / one[0], two / two[0], rtol=1e-4)


def test_dead_channels_and_rows_stay_finite(tiny, deviation) -> None:
    model = tiny("qwen3")
    down = "model.layers.0.mlp.down_proj.weight"
    model.weights[down][:, 4] = 0
    model.weights[down][9] = 0
    importance = uneven(model)
    importance[down][8] = 0
    for by in ("sinkhorn", "importance"):
        draft = column_scales(Draft.of(model, of_squares(importance)), by)
        assert all(np.isfinite(draft.tensors[name]).all() for name in draft.tensors)
        assert all(np.isfinite(x).all() for x in draft.importance.values())


def test_importance_follows(tiny) -> None:
    model = tiny("llama")
    importance = uneven(model)
    draft = column_scales(Draft.of(model, of_squares(importance)), "importance", strength=1, kinds=["hidden"])
    down, up = (f"model.layers.0.mlp.{part}_proj.weight" for part in ("down", "up"))
    x = draft.importance[down]
    inner = np.abs(np.log2(importance[down]) - np.log2(importance[down]).mean()) < 19
    np.testing.assert_allclose(x[inner] / x[inner][0], 1, rtol=1e-5)
    np.testing.assert_array_equal(draft.importance[up], importance[up])
    np.testing.assert_array_equal(draft.tensors["lm_head.weight"], model.weights["lm_head.weight"])


def test_no_strength_changes_nothing(tiny) -> None:
    model = tiny("llama")
    draft = column_scales(Draft.of(model, of_squares(uneven(model))), "importance", strength=0)
    assert all((draft.tensors[name] == w).all() for name, w in model.weights.items())


def test_importance_must_be_known(tiny) -> None:
    with pytest.raises(UsageError, match=r"importance of model.layers.0.self_attn.q_proj.weight must be known"):
        column_scales(Draft.of(tiny("llama")), "importance")


def test_only_some_linears(tiny, logits) -> None:
    model = tiny("llama")
    draft = Draft.of(model, of_squares(uneven(model)))
    edge = edges(draft)[0]
    scaled = column_scales(draft, "importance", exact=True, only=edge.consumers)
    np.testing.assert_array_equal(logits(scaled), logits(draft))
    changed = {name for name in draft.names if (scaled.read(name) != draft.read(name)).any()}
    assert changed == {*edge.consumers, *edge.producers}


def test_linears_of_one_input_go_together(tiny) -> None:
    draft = Draft.of(tiny("llama"), of_squares(uneven(tiny("llama"))))
    consumers = next(edge.consumers for edge in edges(draft) if len(edge.consumers) > 1)
    with pytest.raises(UsageError, match="all of one input together"):
        column_scales(draft, "importance", only=consumers[:1])
    with pytest.raises(UsageError, match="linears must be scalable"):
        column_scales(draft, "importance", only=["model.norm.weight"])
