"""The best flat plan."""

from tabulae.planning.budget import Budget
from tabulae.planning.candidates import Candidate
from tabulae.planning.flat import best_flat
from tabulae.planning.sizes import Fixed
from tabulae.planning.solve import file_bytes, solve, sum_of

NOTHING = Fixed(0, 0, 0, 1)


def tensor(scale, *losses):
    return [Candidate(f"f{k}", 10 * k * scale, 10 * k * scale, loss) for k, loss in enumerate(losses, 1)]


OPTIONS = {"a": tensor(1, 9.0, 3.0, 1.0), "b": tensor(2, 5.0, 4.0, 0.5), "e": tensor(3, 8.0, 6.0, 0.1)}


def formats(budget, others):
    found = best_flat(OPTIONS, NOTHING, budget, others)
    return found and {name: candidate.storage for name, candidate in found.items()}


def test_one_format_and_the_embedding_has_its_own():
    assert formats(Budget(size=150), {"e": "f3"}) == {"a": "f2", "b": "f2", "e": "f3"}


def test_the_embedding_gives_way():
    assert formats(Budget(size=119), {"e": "f3"}) == {"a": "f1", "b": "f1", "e": "f1"}
    assert formats(Budget(size=120), {}) == {"a": "f2", "b": "f2", "e": "f2"}


def test_nothing_fits():
    assert formats(Budget(size=59), {}) is None


def test_every_limit_counts():
    assert formats(Budget(size=1000, memory=120), {}) == {"a": "f2", "b": "f2", "e": "f2"}


def test_zero_tensors_keep_what_they_have():
    options = OPTIONS | {"z": [Candidate("zero", 1, 1, 0.0)]}
    found = best_flat(options, NOTHING, Budget(size=200), {"z": "f3"})
    assert found["z"].storage == "zero" and found["a"].storage == "f3"


def test_a_plan_is_never_predicted_to_be_worse():
    for size in range(60, 190, 10):
        flat = best_flat(OPTIONS, NOTHING, Budget(size=size), {"e": "f3"})
        planned = solve(OPTIONS, NOTHING, Budget(size=size))
        assert planned.loss <= sum(candidate.loss for candidate in flat.values())
        assert sum_of(file_bytes, flat) <= size
