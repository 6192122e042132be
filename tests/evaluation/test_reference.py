from collections.abc import Callable

import numpy as np
import pytest

from tabulae.errors import UsageError
from tabulae.evaluation import Windows, record
from tabulae.evaluation.reference import check_vocabulary

Make = Callable[..., object]


def test_a_reference_keeps_the_best_tokens_of_every_scored_position(bigram: Make, windows: Windows) -> None:
    reference = record(bigram(), windows, "me", k=3)
    assert reference.ids.shape == reference.log_probs.shape == (3, 5, 3)
    after = windows.inputs(1)[windows.first]
    row = bigram().table[after].astype(np.float64)  # type: ignore[attr-defined]
    exact = row - np.log(np.exp(row).sum())
    assert reference.ids[1, 0].tolist() == np.argsort(-row, kind="stable")[:3].tolist()
    np.testing.assert_allclose(reference.log_probs[1, 0], np.sort(exact)[::-1][:3], rtol=1e-6)
    np.testing.assert_allclose(reference.surprise[1, 0], -exact[windows.targets(1)[0]], rtol=1e-6)


def test_recording_shows_progress(bigram: Make, windows: Windows) -> None:
    seen: list[int] = []
    record(bigram(), windows, "me", progress=lambda now, done, count: seen.append(done))
    assert seen == [1, 2, 3]


@pytest.mark.parametrize("k", [0, 129])
def test_more_than_128_tokens_are_refused(bigram: Make, windows: Windows, k: int) -> None:
    with pytest.raises(UsageError, match="1 to 128 tokens"):
        record(bigram(), windows, "me", k=k)


def test_vocabularies_beyond_24_bits_are_refused() -> None:
    check_vocabulary(1 << 24)
    with pytest.raises(UsageError, match="2\\^24"):
        check_vocabulary((1 << 24) + 1)
