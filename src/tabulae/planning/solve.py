"""The best formats for a budget, with a certificate: how near their predicted loss is to the least.

``size``, ``memory`` (or both) and ``bits`` limit bytes, and the predicted loss is minimised; ``kl`` limits the loss,
and the bytes of the file are minimised. The certificate is a lower bound on the predicted loss of every plan with these
candidates that takes no more bytes: duality proves it (see ``dual``), however the plan was found. It is about the
*predicted* loss; what a model really loses is measured.

>>> options = {"a": [Candidate("x", 10, 10, 4.0), Candidate("y", 20, 20, 1.0)],
...            "b": [Candidate("x", 10, 10, 2.0), Candidate("y", 20, 20, 1.5)]}
>>> found = solve(options, Fixed(file=5, memory=0, counted=0, parameters=80), Budget(size=35))
>>> [candidate.storage for candidate in found.chosen.values()], found.loss, found.gap
(['y', 'x'], 3.0, 0.0)
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import fsum

from tabulae.errors import UsageError
from tabulae.planning.budget import Budget
from tabulae.planning.candidates import Candidate
from tabulae.planning.dual import solve_dual
from tabulae.planning.items import Chosen, Inputs, Items, Options, Value
from tabulae.planning.rounding import round_choice
from tabulae.planning.sizes import Fixed

ROUNDING = 1e-12  # sums of losses are kept so far below their limit


@dataclass(frozen=True)
class Limit:
    """One limit on a sum over the tensors."""

    name: str  # of the option that asked for it
    most: float  # what it leaves to the tensors that are planned
    weight: Value


@dataclass(frozen=True)
class Solution:
    """A format for every tensor."""

    chosen: Chosen
    loss: float  # predicted, in nats
    bound: float  # no plan of these candidates and no more bytes has a lower predicted loss

    @property
    def gap(self) -> float:
        """The share of the predicted loss that a better plan could save at most."""
        return max(0.0, 1 - self.bound / self.loss) if self.loss > 0 else 0.0


def solve(options: Options, fixed: Fixed, budget: Budget, inputs: Inputs | None = None) -> Solution:
    """The least loss within the budget, or the fewest bytes for its ``kl``; always the same for the same input.

    Tensors of one of ``inputs`` agree on what they ask of it; others have inputs of their own.

    :raises UsageError: no plan keeps to the budget; the message has the interval that plans can reach
    """
    items = Items.of(options, inputs or {})
    wanted = limits(budget, fixed)
    found = _minimised(items, loss_of if budget.kl is None else file_bytes, wanted)
    if found is None:
        raise _infeasible(items, fixed, budget)
    if budget.kl is None:
        return Solution(*found)
    size = fixed.file + int(sum_of(file_bytes, found[0]))
    return _no_larger(items, fixed, size, found[0])


def limits(budget: Budget, fixed: Fixed) -> list[Limit]:
    """What a budget leaves to the tensors that are planned."""
    found = []
    if budget.size is not None:
        found.append(Limit("size", budget.size - fixed.file, file_bytes))
    if budget.memory is not None:
        found.append(Limit("memory", budget.memory - fixed.memory, lambda c: c.memory))
    if budget.bits is not None:
        found.append(Limit("bits", int(budget.bits * fixed.parameters / 8) - fixed.counted, file_bytes))
    if budget.kl is not None:
        found.append(Limit("kl", budget.kl * (1 - ROUNDING), loss_of))
    return found


def loss_of(candidate: Candidate) -> float:
    """Its predicted loss."""
    return candidate.loss


def file_bytes(candidate: Candidate) -> float:
    """What a candidate adds to the file."""
    return candidate.file + candidate.header


def sum_of(value: Value, chosen: Mapping[str, Candidate]) -> float:
    """The sum over all tensors, rounded once."""
    return fsum(value(candidate) for candidate in chosen.values())


def average_bits(chosen: Mapping[str, Candidate], fixed: Fixed) -> float:
    """Bits per parameter: every byte of the file but the tokenizer; norms, scales and header count."""
    return 8 * (sum_of(file_bytes, chosen) + fixed.counted) / fixed.parameters


def _minimised(items: Items, cost: Value, wanted: Sequence[Limit]) -> tuple[Chosen, float, float] | None:
    """A candidate for every tensor, what they cost together and a lower bound of it; None if nothing fits."""
    problem = items.problem(cost, [limit.weight for limit in wanted], [limit.most for limit in wanted])
    dual = solve_dual(problem)
    if dual is None or (choice := round_choice(problem, dual)) is None:
        return None
    chosen = items.chosen(choice)
    total = sum_of(cost, chosen)
    return chosen, total, min(total, dual.bound)


def _no_larger(items: Items, fixed: Fixed, size: int, chosen: Chosen) -> Solution:
    """A choice that was made for its bytes, or one of no more bytes that loses less; with its certificate."""
    found = _minimised(items, loss_of, limits(Budget(size=size), fixed))
    loss = sum_of(loss_of, chosen)
    if found is None or found[1] > loss:
        return Solution(chosen, loss, min(loss, found[2]) if found else 0.0)
    return Solution(*found)


def _infeasible(items: Items, fixed: Fixed, budget: Budget) -> UsageError:
    """The error for a budget that no plan keeps to, with what plans can reach."""
    wanted = limits(budget, fixed)
    tight = [limit for limit in wanted if sum_of(limit.weight, _ends(items, limit)[0]) > limit.most] or wanted
    what = " and ".join(limit.name for limit in tight)
    got = " and ".join(f"{getattr(budget, limit.name):.10g}" for limit in tight)
    spans = "; ".join(_span(items, fixed, limit) for limit in tight)
    return UsageError(what, "some plan must keep to it", got, f"plans reach {spans}")


def _ends(items: Items, limit: Limit) -> tuple[Chosen, Chosen]:
    """The least of what a limit is on, and what it takes to lose least."""
    problem = items.problem(loss_of, [limit.weight], [limit.most])
    (weights,) = problem.weights
    least, best = problem.least(weights, weights), problem.least(problem.costs, weights)
    return items.chosen(least), items.chosen(best)


def _span(items: Items, fixed: Fixed, limit: Limit) -> str:
    """What can be reached, in bytes and in bits per parameter, or in nats."""
    ends = _ends(items, limit)
    low, high = (sum_of(limit.weight, chosen) for chosen in ends)
    if limit.name == "kl":
        most = sum_of(loss_of, {name: max(one, key=loss_of) for name, one in items.options.items()})
        return f"{low:.4g} to {most:.4g} nats"
    low_bits, high_bits = (average_bits(chosen, fixed) for chosen in ends)
    bits = f"{low_bits:.3f} to {high_bits:.3f} bits per parameter"
    if limit.name == "bits":
        return bits
    other = fixed.file if limit.name == "size" else fixed.memory
    return f"{other + low:.0f} to {other + high:.0f} bytes ({bits})"
