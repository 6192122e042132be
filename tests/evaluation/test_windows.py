import numpy as np
import pytest

from tabulae.errors import UsageError
from tabulae.evaluation import cut, cut_text


def test_the_protocol_has_40_windows_of_511_tokens_behind_a_bos() -> None:
    windows = cut(np.arange(30_000), bos=7)
    assert windows.tokens.shape == (40, 512)
    assert (windows.tokens[:, 0] == 7).all()
    np.testing.assert_array_equal(windows.tokens[:, 1:].reshape(-1), np.arange(20_440))


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

    class data:
        bos = 26

    def encode(self, text: str, bos: bool | None = None) -> list[int]:
        assert bos is False
        return [ord(letter) - 97 for letter in text]


def test_text_is_tokenised_without_bos_and_each_window_gets_its_own() -> None:
    windows = cut_text("abcdef", Letters(), length=4, first=1)  # type: ignore[arg-type]
    assert windows.tokens.tolist() == [[26, 0, 1, 2], [26, 3, 4, 5]]
