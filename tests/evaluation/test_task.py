import numpy as np
import pytest

from tabulae.errors import ModelError
from tabulae.evaluation import cut


class Fixed:
    def __init__(self, logits: np.ndarray) -> None:
        self.answer = logits

    def logits(self, tokens: list[int], first: int = 0) -> np.ndarray:
        self.asked = tokens, first
        return self.answer


def test_the_last_token_is_not_fed() -> None:
    model = Fixed(np.zeros((1, 9), np.float32))
    cut([5, 6, 7], bos=1, length=4, first=2).run(model, 0)
    assert model.asked == ([1, 5, 6], 2)


@pytest.mark.parametrize("wrong", [np.zeros((2, 9), np.float32), np.zeros(9, np.float32), np.zeros((1, 9))])
def test_anything_but_one_float32_row_per_position_is_refused(wrong: np.ndarray) -> None:
    with pytest.raises(ModelError, match=r"float32 \[1, vocabulary\]"):
        cut([5, 6, 7], bos=1, length=4, first=2).run(Fixed(wrong), 0)
