"""Who judges a plan, on which windows, and when it is better."""

import pytest
from scipy import stats

from tabulae.errors import UsageError
from tabulae.evaluation import Value
from tabulae.planning.budget import Budget
from tabulae.study.split_text import SplitText
from tabulae.study.study import SCORED
from tabulae.text.tokenizer import Tokenizer
from tabulae.workflows.verdict import Verifier, disputed, is_better

BUDGET = Budget(bits=7.5)


def test_disputed_tensors_are_those_on_which_the_prediction_rests(planned):
    plan = planned.plan(BUDGET)
    flat = planned.flat(plan, plan.totals.file)
    names, losses = disputed(plan, flat), {entry.name: entry.loss for entry in flat.entries}
    differences = {entry.name: abs(entry.loss - losses[entry.name]) for entry in plan.entries}
    assert names[0] == max(differences, key=differences.get) and len(set(names)) == len(names)


@pytest.mark.parametrize("windows", [2, 3, 8, 100])
def test_two_tries_share_the_error_of_students_t(windows):
    bound = stats.t.ppf(1 - 0.025 / 2, windows - 1)
    assert is_better(Value(0.1, 0.0999 / bound), windows) and not is_better(Value(0.1, 0.1001 / bound), windows)
    assert not is_better(Value(-0.1, 0.01), windows) and not is_better(Value(0.1, None), 1)


def cut_to(trained, text, windows):
    """The text as far as so many windows go."""
    tokenizer = Tokenizer(trained.source.vocabulary())
    return tokenizer.decode(tokenizer.encode(text, bos=False)[: windows * min(512, trained.program.context)])


@pytest.mark.parametrize("windows", [1, 2, 3])
def test_a_text_too_short_to_judge_on_is_refused(windows, trained, text):
    with pytest.raises(
        UsageError, match=rf"\[verify\] the text must fill four windows .* but got {windows}; .*--no-verify"
    ):
        Verifier(trained, cut_to(trained, text, windows))


@pytest.mark.parametrize("windows", [4, 5, 9, 30])
def test_no_window_judges_what_it_chose(windows, trained, text):
    """Importance, sensitivities and those measured anew end before the first token that is judged."""
    words = cut_to(trained, text, windows)
    split, judge = SplitText(trained, words), Verifier(trained, words)
    whole = Tokenizer(trained.source.vocabulary()).encode(words, bos=False)
    judged = judge.windows.tokens.reshape(-1).tolist()
    seen = len(split.choosing().tokens.reshape(-1))
    assert whole[seen : seen + len(judged)] == judged and 2 <= len(judge.windows) <= min(8, windows / 2)
    for choice in (split.choosing(20), split.choosing(**SCORED), judge._others):
        tokens = choice.tokens.reshape(-1).tolist()
        assert tokens in [whole[start : start + len(tokens)] for start in range(seen - len(tokens) + 1)]
