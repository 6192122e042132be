import numpy as np
import pytest

from tabulae.errors import ModelError, UsageError
from tabulae.evaluation import cut, cut_text
from tabulae.text.data import TokenizerData


def test_bos_takes_the_place_of_the_first_token_of_every_window() -> None:
    windows = cut(np.arange(30_000), bos=7)
    assert windows.tokens.shape == (40, 512)
    assert (windows.tokens[:, 0] == 7).all()
    text = np.arange(40 * 512).reshape(40, 512)  # the last token of each window makes room for the next BOS
    np.testing.assert_array_equal(windows.tokens[:, 1:], text[:, :-1])


def test_the_protocol_scores_what_positions_256_to_510_predict() -> None:
    windows = cut(np.arange(1000), bos=7, count=1)
    assert windows.scored == 255
    np.testing.assert_array_equal(windows.targets(0), windows.tokens[0, 257:])
    np.testing.assert_array_equal(windows.targets(0, 0), windows.tokens[0, 1:])
    assert windows.inputs(0) == windows.tokens[0, :511].tolist()


def test_without_bos_windows_are_text_alone() -> None:
    assert cut(range(8), bos=None, length=4, first=0).tokens.tolist() == [[0, 1, 2, 3], [4, 5, 6, 7]]


def test_a_short_text_gives_the_windows_it_fills() -> None:
    assert len(cut(range(511 * 3 - 1), bos=0)) == 2


def test_a_text_shorter_than_one_window_is_refused() -> None:
    with pytest.raises(UsageError, match=r"one window of 511 tokens, but got 510 tokens"):
        cut(range(510), bos=0)


@pytest.mark.parametrize("wrong", [{"count": 0}, {"length": 1, "first": 0}, {"first": -1}, {"first": 511}])
def test_sizes_that_leave_nothing_to_score_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(UsageError, match="windows"):
        cut(range(1000), bos=0, **wrong)


def test_the_fingerprint_tells_measurements_apart() -> None:
    prints = {
        cut(range(20), bos=1, length=5, first=2).fingerprint,
        cut(range(1, 21), bos=1, length=5, first=2).fingerprint,
        cut(range(20), bos=1, length=5, first=1).fingerprint,
        cut(range(20), bos=1, length=5, first=2, count=1).fingerprint,
    }
    assert len(prints) == 4
    assert cut(range(20), bos=1, length=5, first=2).fingerprint in prints


class Letters:
    """A tokenizer of lower-case letters."""

    def __init__(self, add_bos: bool) -> None:
        self.data = TokenizerData(json="", bos=26, add_bos=add_bos)

    def encode(self, text: str, bos: bool | None = None) -> list[int]:
        assert bos is False
        return [ord(letter) - 97 for letter in text]


def test_bos_stands_in_windows_only_where_the_tokenizer_adds_one() -> None:
    windows = [cut_text("abcdefgh", Letters(add_bos), length=4, first=1) for add_bos in (True, False)]  # type: ignore[arg-type]
    assert windows[0].tokens.tolist() == [[26, 0, 1, 2], [26, 4, 5, 6]]
    assert windows[1].tokens.tolist() == [[0, 1, 2, 3], [4, 5, 6, 7]]


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
