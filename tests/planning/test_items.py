"""Tables of one input agree on what they ask of it: against all plans there are, and on many tables."""

from dataclasses import replace
from itertools import product

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planning_options import FIXED, as_options, model, small, span

from tabulae.errors import UsageError
from tabulae.formats import Storage
from tabulae.planning.budget import Budget
from tabulae.planning.candidates import Candidate
from tabulae.planning.items import Items
from tabulae.planning.sizes import Fixed
from tabulae.planning.solve import file_bytes, loss_of, solve, sum_of

SIDES = [Storage.parse(f"int:4/row/absmax{end}").input for end in ("", "/rotate=0", "/rotate=1")]
NOTHING = Fixed(0, 0, 0, 1)


def agree(plan, inputs):
    """Whether the tables of every input ask the same of it."""
    asked = {}
    return all(asked.setdefault(inputs.get(name, name), c.input) == c.input for name, c in plan.items())


def asking(candidate, side):
    return msgspec.structs.replace(candidate, input=SIDES[side])


def sided(options, rng):
    """The same options, and turned ones of which some are better."""
    return {
        name: [asking(c, 0) for c in one]
        + [asking(msgspec.structs.replace(c, loss=float(c.loss * rng.uniform(0.7, 1.4))), 1) for c in one]
        for name, one in options.items()
    }


@settings(max_examples=300, deadline=None)
@given(
    small,
    st.lists(st.integers(0, 2), min_size=16, max_size=16),
    st.lists(st.integers(0, 1), min_size=4),
    st.floats(0, 1.1),
)
def test_certificate_and_agreement_against_all_plans(drawn, sides, owners, part):
    numbers = iter(sides)
    options = {name: [asking(c, next(numbers)) for c in one] for name, one in as_options(drawn).items()}
    inputs = {name: str(owners[int(name)]) for name in options}
    plans = [dict(zip(options, plan, strict=True)) for plan in product(*options.values())]
    lawful = [plan for plan in plans if agree(plan, inputs)]
    if not lawful:
        with pytest.raises(UsageError, match="must have candidates that ask the same of it"):
            solve(options, NOTHING, Budget(size=10**6), inputs)
        return
    sizes = [sum_of(file_bytes, plan) for plan in lawful]
    budget = int(min(sizes) + part * (max(sizes) - min(sizes)))
    found = solve(options, NOTHING, Budget(size=budget), inputs)
    best = min(sum_of(loss_of, plan) for plan, size in zip(lawful, sizes, strict=True) if size <= budget)
    assert agree(found.chosen, inputs) and sum_of(file_bytes, found.chosen) <= budget
    assert found.bound <= best + 1e-9 and best <= found.loss + 1e-9


@pytest.mark.parametrize("seed", range(4))
def test_where_nothing_is_asked_inputs_change_no_plan(seed):
    options = {name: [asking(c, 0) for c in one] for name, one in model(seed).items()}
    inputs = {name: str(int(name) // 3) for name in options}
    low, high = span(options, file_bytes)
    for budget in (
        Budget(size=int(FIXED.file + low + 0.4 * (high - low))),
        Budget(kl=0.5),
        Budget(size=int((low + high) / 2), memory=int(sum(c.memory for one in options.values() for c in one) / 12)),
    ):
        assert solve(options, FIXED, budget, inputs) == solve(options, FIXED, budget)


@pytest.mark.parametrize("seed", range(6))
def test_many_inputs_have_hardly_a_gap(seed):
    options = sided(model(seed), np.random.default_rng(seed))
    inputs = {name: str(int(name) // 3) for name in options}
    low, high = span(options, file_bytes)
    budget = Budget(size=int(FIXED.file + low + (high - low) * (0.2 + seed / 10)))
    found, free = solve(options, FIXED, budget, inputs), solve(options, FIXED, budget)
    plain = solve({name: [c for c in one if c.input == SIDES[0]] for name, one in options.items()}, FIXED, budget)
    assert agree(found.chosen, inputs) and not agree(free.chosen, inputs)
    assert FIXED.file + sum_of(file_bytes, found.chosen) <= budget.size
    assert free.bound <= found.bound <= found.loss < plain.loss and found.gap < 0.02
    both = replace(FIXED, memory=0)  # two limits
    memory = int(sum(c.memory for c in found.chosen.values()) * 0.99)
    tight = solve(options, both, Budget(size=budget.size, memory=memory), inputs)
    assert agree(tight.chosen, inputs) and sum(c.memory for c in tight.chosen.values()) <= memory
    assert (
        found.bound * (1 - 1e-9) <= tight.bound <= tight.loss and tight.gap < 0.1
    )  # sides are not searched for two limits


def test_what_is_said_to_be_in_reach_is():
    options = sided(model(3), np.random.default_rng(0))
    for name in ("0", "1"):  # a small file only if they disagree
        options[name] = [c for c in options[name] if (c.input == SIDES[0]) == (name == "0") or c.file > 10**4]
    inputs = {"0": "x", "1": "x"}
    with pytest.raises(UsageError, match=r"plans reach \d+ to") as error:
        solve(options, FIXED, Budget(size=1), inputs)
    least = int(error.value.hint.split()[2])
    assert agree(solve(options, FIXED, Budget(size=least), inputs).chosen, inputs)
    with pytest.raises(UsageError):
        solve(options, FIXED, Budget(size=least - 1), inputs)


def test_candidates_that_nobody_can_follow_are_left_out():
    options = {
        "q": [Candidate("a", 1, 1, 1.0, 0, side) for side in SIDES],
        "k": [Candidate("a", 1, 1, 1.0, 0, SIDES[1])],
    }
    kept = Items.of(options, {"k": "q"}).options
    assert [c.input for c in kept["q"]] == [SIDES[1]] and len(Items.of(options, {}).options["q"]) == 3
