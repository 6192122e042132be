"""The best *flat* plan: one format for all tensors but the embedding. What a plan must beat to be worth its name.

>>> from tabulae.planning.candidates import Candidate
>>> options = {
...     "a": [Candidate("x", 10, 10, 4.0), Candidate("y", 20, 20, 1.0)],
...     "e": [Candidate("x", 10, 10, 4.0), Candidate("y", 20, 20, 3.0)],
... }
>>> fixed = Fixed(file=0, memory=0, counted=0, parameters=80)
>>> found = best_flat(options, fixed, Budget(size=35), others={"e": "x"})
>>> {name: candidate.storage for name, candidate in found.items()}
{'a': 'y', 'e': 'x'}
"""

from collections.abc import Iterator, Mapping

from tabulae.planning.budget import Budget
from tabulae.planning.items import Chosen, Options
from tabulae.planning.sizes import Fixed
from tabulae.planning.solve import limits, loss_of, sum_of


def best_flat(options: Options, fixed: Fixed, budget: Budget, others: Mapping[str, str]) -> Chosen | None:
    """The flat plan within the budget that is predicted to lose least; None if there is none.

    ``others``: the format of the tensors that have one of their own, the embedding and the head; plans in which they
    have the common format are tried too. All-zero tensors have a single candidate, which they keep.
    """
    wanted = limits(budget, fixed)
    plans = [
        plan
        for plan in _flat_plans(options, others)
        if all(sum_of(limit.weight, plan) <= limit.most for limit in wanted)
    ]
    return min(plans, key=lambda plan: sum_of(loss_of, plan), default=None)


def _flat_plans(options: Options, others: Mapping[str, str]) -> Iterator[Chosen]:
    """Every format that all tensors can have, with and without ``others``."""
    by_name = {name: {candidate.storage: candidate for candidate in one} for name, one in options.items()}
    free = [set(one) for one in by_name.values() if len(one) > 1]
    for form in sorted(set.intersection(*free) if free else set()):
        for own in (others, {}):
            wanted = {name: own.get(name, form) for name in by_name}
            if all(wanted[name] in one or len(one) == 1 for name, one in by_name.items()):
                yield {name: one.get(wanted[name]) or next(iter(one.values())) for name, one in by_name.items()}
