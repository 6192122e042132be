import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tabulae.evaluation.kl import normaliser
from tabulae.evaluation.top_k import K, TopK


def test_equal_logits_are_ordered_by_id() -> None:
    logits = np.float32([[0, 2, 1, 2, 1, 1]])
    top = TopK.of(logits, normaliser(logits), k=4)
    assert top.ids.tolist() == [[1, 3, 2, 4]]


@given(st.integers(0, 1000), st.integers(1, 40), st.integers(1, 60))
def test_the_ids_are_those_of_a_full_sort(seed: int, k: int, vocabulary: int) -> None:
    logits = np.random.default_rng(seed).integers(-5, 5, (3, vocabulary)).astype(np.float32)  # with many ties
    top = TopK.of(logits, normaliser(logits), k)
    np.testing.assert_array_equal(top.ids, np.argsort(-logits, axis=1, kind="stable")[:, :k])
    assert (top.log_probs <= 0).all()


def test_128_tokens_are_kept_or_the_whole_vocabulary() -> None:
    logits = np.zeros((2, 500), np.float32)
    assert TopK.of(logits, normaliser(logits)).ids.shape == (2, K)
    assert TopK.of(logits[:, :5], normaliser(logits[:, :5])).ids.shape == (2, 5)
