"""Prices of the limits, and the bound that they prove (Everett 1963; Eisner and Severance 1976).

With a price on every unit of weight each input chooses for itself, and on each side each of its tensors: the option of
least cost plus price times weight, a corner of the lower convex hull of its options. No choice within the limits costs
less than what all tensors then pay, less the price of the limits; the best prices make this bound as high as it can be.

>>> problem = Problem.of([[(3.0, 1), (1.0, 2)], [(5.0, 1), (0.0, 4)]], limits=[4])
>>> found = solve_dual(problem)  # the second tensor gains 5/3 a unit, one of two units is there
>>> found.prices, round(found.bound, 6), found.light, found.heavy
(array([1.66666667]), 4.333333, array([1, 0]), array([1, 1]))
"""

from dataclasses import dataclass

import numpy as np

from tabulae.arithmetic.arrays import Float64s
from tabulae.planning.problem import Choice, Problem

STEPS = 60  # halvings of the mixture of two limits
TIE = 1e-12  # of the largest payment: what differs by less is a tie


@dataclass(frozen=True, eq=False)
class Dual:
    """The best prices, and between which two choices the limit lies."""

    prices: Float64s  # [c], cost per unit of weight
    bound: float  # no choice within the limits costs less
    light: Choice  # of least payment at these prices, the lightest
    heavy: Choice  # the heaviest; the same as light where the limit does not bind


def solve_dual(problem: Problem) -> Dual | None:
    """The best prices for one or two limits; None if no choice keeps to one of them."""
    if any(problem.total(plane, problem.least(plane, plane)) > most for plane, most in _each(problem)):
        return None
    if len(problem.limits) == 1:
        return _solve_one(problem, np.ones(1))
    return _solve_two(problem)


def _each(problem: Problem) -> list[tuple[Float64s, float]]:
    return list(zip(problem.weights, problem.limits.tolist(), strict=True))


def _solve_two(problem: Problem) -> Dual | None:
    """Two limits as one: a mixture of both, each in units of itself; the mixture that bounds best.

    Whatever keeps to both limits keeps to the mixture, so every mixture gives a bound. Its relaxed solution lies
    between light and heavy; where that breaks one limit, the better mixture has more of it.
    """
    low, high, best, units = 0.0, 1.0, None, np.maximum(problem.limits, 1)
    for share in (0.0, 1.0, *[None] * STEPS):
        share = (low + high) / 2 if share is None else share
        dual = _solve_one(problem, np.array([1 - share, share]) / units)
        if dual is None:
            return None
        best = dual if best is None or dual.bound > best.bound else best
        over = (_relaxed_totals(problem, dual, np.array([1 - share, share]) / units) - problem.limits) / units
        if over[0] <= 0 and over[1] <= 0:
            return dual
        low, high = (share, high) if over[1] > over[0] else (low, share)
    return best


def _relaxed_totals(problem: Problem, dual: Dual, mixture: Float64s) -> Float64s:
    """The weights [c] of the mixture of light and heavy that meets the mixed limit."""
    light, heavy = problem.totals(dual.light), problem.totals(dual.heavy)
    span = float(mixture @ (heavy - light))
    part = min(1.0, max(0.0, float(mixture @ (problem.limits - light)) / span)) if span > 0 else 0.0
    relaxed: Float64s = light + part * (heavy - light)
    return relaxed


def _solve_one(problem: Problem, mixture: Float64s) -> Dual | None:
    """The price of one limit, on the weights mixed by ``mixture`` [c]; exact but for rounding.

    Between a choice that is too heavy and one that fits, the price at which both pay the same is tried next; when no
    choice pays less there, it is the best price. Every try leaves out a corner of a hull at least.
    """
    weights, limit = problem.combined(mixture), float(mixture @ problem.limits)
    heavy, light = problem.least(problem.costs, weights), problem.least(weights, problem.costs)
    lightest = problem.total(weights, light)
    if lightest > limit + TIE * abs(limit):
        return None
    if problem.total(weights, heavy) <= max(limit, lightest):  # a mixture of limits may round below what keeps to both
        return Dual(0 * mixture, problem.total(problem.costs, heavy), heavy, heavy)
    while True:
        price = _equal_price(problem, weights, light, heavy)
        paid = problem.costs + price * weights
        middle = problem.least(paid, weights)
        now, before = problem.total(paid, middle), problem.total(paid, light)
        if now >= before - TIE * abs(before) or price == 0:
            break
        if problem.total(weights, middle) <= limit:
            light = middle
        else:
            heavy = middle
    first, last = (problem.least(paid, sign * weights, TIE * float(np.abs(paid).max())) for sign in (1, -1))
    return Dual(price * mixture, now - price * limit, first, last)


def _equal_price(problem: Problem, weights: Float64s, light: Choice, heavy: Choice) -> float:
    """The price at which both choices pay the same."""
    saved = problem.total(problem.costs, light) - problem.total(problem.costs, heavy)
    return max(0.0, saved / (problem.total(weights, heavy) - problem.total(weights, light)))
