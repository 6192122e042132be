"""From prices to a whole choice: what the relaxed solution splits is decided, and the room that is left is filled.

At the best prices every option of a tensor has a *regret*: what it pays more than the best option. For a choice within
the limits, cost less bound is the sum of its regrets plus the price of the room it leaves. So only choices with little
regret matter, and they are few: changes to ``light`` are combined tensor by tensor, in a dynamic program that keeps,
of all combinations of nearly the same weight, the one of least regret. Up to ``STATES`` combinations none is dropped,
and small problems are solved exactly. With one limit, what is kept depends on it only through ``light`` and ``heavy``,
so more room never costs more.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from tabulae.arithmetic.arrays import Bools, Float64s, Int64s
from tabulae.planning.dual import Dual, solve_dual
from tabulae.planning.problem import Choice, Problem

STATES = 1024  # combinations kept; with 4096 the plans of SmolLM2 get no better
REACH = 2.0  # how far from light combinations may stray on the way, in units of the way to heavy
PASSES = 6  # for two limits: every one looks closer than the one before


def round_choice(problem: Problem, dual: Dual) -> Choice | None:
    """The best choice found within all limits; None if there seems to be none.

    The sides of inputs are those of whole choices: of the two between which the limit lies, which differ in one input,
    hardly ever in more, and of the lightest.
    """
    found = [_on_sides(problem, dual, choice) for choice in _sided(problem, dual)]
    return min(
        (choice for choice in found if choice is not None),
        key=lambda choice: problem.total(problem.costs, choice),
        default=None,
    )


def _sided(problem: Problem, dual: Dual) -> Iterable[Choice]:
    """Choices that differ in the sides of their inputs."""
    if not problem.sides.any():
        return [dual.light]
    choices = [dual.light, dual.heavy, *(problem.least(plane, problem.costs) for plane in problem.weights)]
    return {problem.asked(choice).tobytes(): choice for choice in choices}.values()


def _on_sides(problem: Problem, dual: Dual, choice: Choice) -> Choice | None:
    """The best choice with the sides of a given one."""
    narrowed = problem.on_sides_of(choice)
    if narrowed is problem:
        return _rounded(problem, dual)
    own = solve_dual(narrowed)
    found = None if own is None else _rounded(narrowed, own)
    if found is None:
        return None
    kept: Choice = np.where(problem.asked(found) == problem.asked(choice), found, choice)
    return kept


def _rounded(problem: Problem, dual: Dual) -> Choice | None:
    if not dual.prices.any() and problem.fits(dual.light):
        return dual.light
    light, heavy = problem.totals(dual.light), problem.totals(dual.heavy)
    span = np.maximum(np.abs(heavy - light), np.maximum(0, light - problem.limits))
    # With more regret than that, light itself is better. Between two limits it may leave more room than heavy takes.
    most = max(float(dual.prices @ span), float(dual.prices @ (problem.limits - light)))
    best, least = None, np.inf
    for _ in range(PASSES):
        choice = _combine(problem, dual, most, span)
        cost = np.inf if choice is None else problem.total(problem.costs, choice)
        best, least = (choice, cost) if cost < least else (best, least)
        if len(span) == 1 and best is not None:
            break
        most, span = (np.inf, problem.limits) if best is None else (most, span / 2)
    return best


@dataclass(frozen=True, eq=False)
class _Step:
    """What one tensor added to the combinations: where each came from, and the option it took."""

    tensor: int
    parents: Int64s  # [states]
    options: Int64s  # [states]


def _combine(problem: Problem, dual: Dual, most: float, span: Float64s) -> Choice | None:
    """The least cost within the limits among the combinations that are kept."""
    paid = problem.costs + problem.combined(dual.prices)
    regrets = np.maximum(0, paid - paid.min(axis=1, keepdims=True))
    rows, most = np.arange(len(paid)), most * (1 + 1e-9)
    changes = problem.weights - problem.weights[:, rows, dual.light][..., None]  # [c, n, k]
    weights, regret, steps = np.zeros((len(span), 1)), np.zeros(1), []
    for tensor in _order(regrets <= most, changes):
        options = np.flatnonzero((regrets[tensor] <= most) & _first_of_its_kind(problem, tensor))
        added = regret[:, None] + regrets[tensor, options]
        moved = weights[:, :, None] + changes[:, tensor, options][:, None]
        kept = _kept(added, moved[dual.prices > 0], most, span[dual.prices > 0])
        parents, taken = np.divmod(kept, len(options))
        regret, weights = added.reshape(-1)[kept], moved.reshape(len(span), -1)[:, kept]
        steps.append(_Step(tensor, parents, options[taken]))
    return _best(problem, dual, regret, weights, steps)


def _order(near: Bools, changes: Float64s) -> list[int]:
    """Tensors with more than one option worth a thought: big changes first, so that small ones fill the room."""
    sizes = np.where(near, np.abs(changes).max(axis=0), 0).max(axis=1)
    return [int(tensor) for tensor in np.argsort(-sizes, kind="stable") if near[tensor].sum() > 1 and sizes[tensor] > 0]


def _first_of_its_kind(problem: Problem, tensor: int) -> Bools:
    """Which options [k] are not the padding of a short list."""
    first = np.ones(problem.costs.shape[1], bool)
    first[1:] = problem.costs[tensor, 1:] != problem.costs[tensor, :-1]
    first[1:] |= (problem.weights[:, tensor, 1:] != problem.weights[:, tensor, :-1]).any(axis=0)
    return first


def _kept(regret: Float64s, weights: Float64s, most: float, span: Float64s) -> Int64s:
    """Flat indices of the combinations [states, options] that go on."""
    flat = np.flatnonzero(regret.reshape(-1) <= most)
    if len(flat) <= STATES:
        return flat
    regret, weights = regret.reshape(-1)[flat], weights.reshape(len(span), -1)[:, flat]
    cells = np.zeros(len(flat), np.int64)
    side = round(STATES ** (1 / len(span)))
    for plane, reach in zip(weights, REACH * span, strict=True):
        place = (plane + reach) / (2 * reach) if reach > 0 else np.zeros_like(plane)
        cells = np.where((cells < 0) | (place < 0) | (place >= 1), -1, cells * side + (place * side).astype(np.int64))
    order = np.argsort(regret, kind="stable")[::-1]
    order = order[cells[order] >= 0]
    winners = np.full(side ** len(span), -1)
    winners[cells[order]] = order  # the last one written has the least regret
    best: Int64s = flat[np.sort(winners[winners >= 0])]
    return best


def _best(problem: Problem, dual: Dual, regret: Float64s, weights: Float64s, steps: list[_Step]) -> Choice | None:
    """The cheapest final combination within the limits, traced back to its options."""
    room = problem.limits - problem.totals(dual.light)
    fitting = np.flatnonzero((weights <= room[:, None]).all(axis=0))
    if not len(fitting):
        return None
    costs = regret[fitting] - dual.prices @ weights[:, fitting]
    state = int(fitting[costs.argmin()])
    choice = dual.light.copy()
    for step in reversed(steps):
        choice[step.tensor] = step.options[state]
        state = int(step.parents[state])
    return choice
