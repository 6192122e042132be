import numpy as np
import pytest

from tabulae.arithmetic.activations import encode
from tabulae.arithmetic.rotation import random_rotation
from tabulae.errors import UsageError
from tabulae.evaluation.activations import Coding, activations_alone
from tabulae.program.graph import Decoder
from tabulae.program.operation import Linear
from tabulae.program.ops.embed import Embed
from tabulae.program.ops.project import Project
from tabulae.program.ops.select import Select
from tabulae.runtime.binding import Binding
from tabulae.runtime.language_model import LanguageModel

COLS, VOCABULARY = 48, 20


@pytest.fixture
def x() -> np.ndarray:
    return np.random.default_rng(0).standard_t(3, (5, COLS)).astype(np.float32)


@pytest.mark.parametrize("exponents", [0, 4])
def test_inputs_become_what_their_codes_stand_for(x: np.ndarray, exponents: int) -> None:
    np.testing.assert_array_equal(Coding(exponents)(x), encode(x, exponents).decode(COLS))


def test_rotated_inputs_come_back_rotated(x: np.ndarray) -> None:
    rotation = random_rotation(COLS, 3)
    codes = encode(rotation.rotate(x), 0).decode(COLS)
    np.testing.assert_array_equal(Coding(0, seed=3)(x), rotation.unrotate(codes))
    np.testing.assert_allclose(Coding(0, seed=3)(x), x, atol=np.abs(x).max() / 20)


def test_linears_of_one_input_share_the_work(x: np.ndarray) -> None:
    coding = Coding()
    first = coding(x)
    assert coding(x.copy()) is first
    assert coding(x + 1) is not first
    np.testing.assert_array_equal(coding(x), first)


def test_inputs_that_cannot_be_rotated_are_refused() -> None:
    with pytest.raises(UsageError, match="rotat"):
        Coding(0, seed=0)(np.ones((1, 86), np.float32))


@pytest.fixture
def model() -> LanguageModel:
    """Embedding, one linear in the middle, head."""
    rng = np.random.default_rng(1)
    linears = [Project("x", (Linear("w", "y"),)), Select("y", "last"), Project("last", (Linear("e", "logits"),))]
    buffers = {"x": COLS, "y": COLS, "last": COLS, "logits": VOCABULARY}
    program = Decoder.of((Embed.of("e", "x"), *linears), buffers, VOCABULARY, 64)
    shapes = {"e": (VOCABULARY, COLS), "w": (COLS, COLS)}
    weights = {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    with LanguageModel(Binding(program, weights), None, threads=1) as model:
        model.weights = weights  # type: ignore[attr-defined]
        yield model


def test_all_linears_of_a_model_are_tapped_in_every_call(model: LanguageModel) -> None:
    e, w = model.weights["e"].astype(np.float64), model.weights["w"].astype(np.float64)  # type: ignore[attr-defined]
    coding = Coding(4)
    inputs = coding(np.float32(e[[3, 4, 5]]))
    expected = coding(np.float32(inputs @ w.T)) @ e.T
    coded = activations_alone(model, 4)
    for _ in range(2):
        np.testing.assert_allclose(coded.logits([3, 4, 5], 1), expected[1:], rtol=1e-4, atol=1e-3)


def test_the_model_itself_stays_untapped(model: LanguageModel) -> None:
    before = model.logits([1, 2, 3])
    assert not np.array_equal(activations_alone(model, 0).logits([1, 2, 3]), before)
    np.testing.assert_array_equal(model.logits([1, 2, 3]), before)
