import math
from collections.abc import Callable

import msgspec
import numpy as np
import pytest

from tabulae.errors import ModelError, UsageError
from tabulae.evaluation import Candidate, Quality, Windows, cut, difference, evaluate, evaluate_all, perplexity, record

Make = Callable[..., object]


def test_known_distributions(unigram: Make) -> None:
    windows = cut([0, 1, 1] * 9, bos=0, length=9, first=5)
    quality = evaluate(unigram(0.75, 0.25), unigram(0.5, 0.5), windows, kind="weights alone", whole=True)
    assert quality.kl and quality.whole_perplexity
    assert quality.kl.mean == pytest.approx(0.5 * math.log(2 / 3) + 0.5 * math.log(2), rel=1e-6)
    assert quality.kl_topk is None  # one measure: nothing to mix up
    assert (quality.agreement.mean, quality.windows, quality.tokens) == (1, 3, 9)
    assert quality.reference_perplexity.mean == pytest.approx(2)
    scored = [token for window in windows.tokens[:, 6:] for token in window]
    everything = [token for window in windows.tokens[:, 1:] for token in window]
    for value, tokens in ((quality.perplexity, scored), (quality.whole_perplexity, everything)):
        surprise = np.mean([math.log(4 / 3) if token == 0 else math.log(4) for token in tokens])
        assert value.mean == pytest.approx(math.exp(surprise), rel=1e-6)


def test_a_model_loses_nothing_against_itself(bigram: Make, windows: Windows) -> None:
    quality = evaluate(bigram(), bigram(), windows, kind="complete")
    assert quality.kl and quality.kl.mean == 0
    assert quality.agreement.mean == 1
    assert quality.perplexity == quality.reference_perplexity
    assert quality.whole_perplexity is None


def test_perplexity_is_that_of_evaluate(bigram: Make, windows: Windows) -> None:
    quality = evaluate(bigram(0.5), bigram(), windows, kind="complete", whole=True)
    assert perplexity(bigram(0.5), windows) == quality.whole_perplexity
    assert perplexity(bigram(0.5), windows, first=windows.first) == quality.perplexity


def test_a_stored_reference_gives_the_figures_of_the_model(bigram: Make, windows: Windows) -> None:
    live = evaluate(bigram(0.5), bigram(), windows, kind="complete", against="me")
    stored = evaluate(bigram(0.5), record(bigram(), windows, "me"), kind="complete")
    assert stored.kl is None and live.kl_topk is None and stored.against == "me"
    assert (stored.agreement, stored.perplexity) == (live.agreement, live.perplexity)
    assert stored.reference_perplexity.mean == pytest.approx(live.reference_perplexity.mean, rel=1e-6)
    assert live.kl and stored.kl_topk and 0 < stored.kl_topk.mean <= live.kl.mean


def test_the_reference_runs_once_for_all_candidates(bigram: Make, windows: Windows) -> None:
    reference = bigram()
    candidates = {str(noise): Candidate(bigram(noise), "complete") for noise in (0.1, 0.4)}
    qualities = evaluate_all(candidates, reference, windows)
    assert reference.runs == len(windows)  # type: ignore[attr-defined]
    for noise in (0.1, 0.4):
        assert qualities[str(noise)] == evaluate(bigram(noise), reference, windows, kind="complete")


def test_paired_differences(bigram: Make, windows: Windows) -> None:
    a, b = (evaluate(bigram(noise), bigram(), windows, kind="complete") for noise in (0.4, 0.1))
    change = difference(a, b)
    assert a.kl and b.kl and change.se and a.kl.se
    assert change.mean == pytest.approx(a.kl.mean - b.kl.mean)
    assert difference(a, a, "surprise").mean == 0


def test_differences_of_other_windows_or_unknown_measures_are_refused(bigram: Make, windows: Windows) -> None:
    live = evaluate(bigram(0.1), bigram(), windows, kind="complete", against="me")
    stored = evaluate(bigram(0.1), record(bigram(), windows, "me"), kind="complete")
    with pytest.raises(UsageError, match="accepted: agreement, "):
        difference(live, stored)
    other = evaluate(bigram(0.1), bigram(), Windows(windows.tokens[:2], windows.first), kind="complete", against="me")
    with pytest.raises(UsageError, match="same windows"):
        difference(live, other)


def test_progress_counts_windows(bigram: Make, windows: Windows) -> None:
    seen: list[tuple[str, int, int]] = []
    evaluate(bigram(), bigram(), windows, kind="complete", progress=lambda *at: seen.append(at))
    assert seen == [("windows", done, 3) for done in (1, 2, 3)]


def test_a_quality_is_a_record(bigram: Make, windows: Windows) -> None:
    quality = evaluate(bigram(0.2), bigram(), windows, kind="complete")
    assert msgspec.json.decode(msgspec.json.encode(quality), type=Quality) == quality


def test_windows_must_be_given_and_be_the_recorded_ones(bigram: Make, windows: Windows) -> None:
    with pytest.raises(UsageError, match="there must be windows"):
        evaluate(bigram(), bigram(), kind="complete")
    with pytest.raises(UsageError, match="those of the stored reference"):
        other = Windows(windows.tokens[:1], windows.first)
        evaluate(bigram(), record(bigram(), windows, "me"), other, kind="complete")


def test_vocabularies_must_be_the_same(bigram: Make, windows: Windows) -> None:
    with pytest.raises(UsageError, match="same vocabulary, 300 tokens, but got 301"):
        evaluate(bigram(vocabulary=301), bigram(), windows, kind="complete")


def test_a_model_must_answer_every_position(bigram: Make, windows: Windows) -> None:
    class Lazy:
        def logits(self, tokens: list[int], first: int = 0) -> np.ndarray:
            return np.zeros((1, 300), np.float32)

    with pytest.raises(ModelError, match=r"float32 \[5, vocabulary\], but got float32 \[1, 300\]"):
        evaluate(Lazy(), bigram(), windows, kind="complete")
