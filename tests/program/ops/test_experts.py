"""Mixtures of experts: routing, the linears of those chosen, their sum."""

from typing import Any

import numpy as np
import pytest

from tabulae.arithmetic.linear import float_linear
from tabulae.arithmetic.polynomials import exp
from tabulae.arithmetic.reductions import lanes_sum
from tabulae.errors import ModelError
from tabulae.program.checking import Check
from tabulae.program.env import Env
from tabulae.program.graph import Decoder
from tabulae.program.operation import Operation
from tabulae.program.ops.combine import Combine
from tabulae.program.ops.project_routed import Experts, ProjectRouted
from tabulae.program.ops.route import Route, routed
from tabulae.program.value import Int, Value

EXPERTS, TOP, WIDTH, N = 5, 2, 8, 7
rng = np.random.default_rng(2)
X = rng.standard_normal((N, WIDTH)).astype(np.float32)
ROUTER = rng.standard_normal((EXPERTS, WIDTH)).astype(np.float32)
BANK = tuple(f"w{expert}" for expert in range(EXPERTS))
WEIGHTS = {name: rng.standard_normal((4, WIDTH)).astype(np.float32) for name in BANK} | {"router": ROUTER}
VALUES = {
    "x": WIDTH,
    "chosen": Value(("positions", TOP), Int(0, EXPERTS - 1)),
    "shares": Value(("positions", TOP)),
    "y": Value(("positions", TOP, 4)),
    "out": 4,
}
ROUTE = Route("router", "x", "chosen", "shares", TOP)


def env_after(*operations: Operation, values: dict[str, Any] = VALUES) -> Env:
    made = Decoder.of(operations, values, 3, 9)
    env = Env(made.values, made.constants, WEIGHTS, 9)
    env.values["x"] = X
    for op in operations:
        op.run(env)
    return env


def test_shares_are_of_all_experts_unless_normalised() -> None:
    env = env_after(ROUTE)
    scores = float_linear(ROUTER, X)
    e = exp(scores - scores.max(1, keepdims=True))
    shares = e / lanes_sum(e)[:, None]
    expected = np.sort(np.argsort(-shares, axis=1)[:, :TOP], axis=1)
    np.testing.assert_array_equal(env.values["chosen"], expected)
    np.testing.assert_array_equal(env.values["shares"], np.take_along_axis(shares, expected, 1))
    normalised = env_after(Route("router", "x", "chosen", "shares", TOP, True, 2.5)).values["shares"]
    np.testing.assert_allclose(normalised.sum(1), 2.5, rtol=1e-6)


def test_of_equal_experts_the_lowest_is_chosen() -> None:
    chosen, shares = routed(np.float32([[1, 2, 1, 1], [0, 0, 0, 0]]), 2, True)
    np.testing.assert_array_equal(chosen, [[0, 1], [0, 1]])
    np.testing.assert_array_equal(shares[1], [0.5, 0.5])


def test_every_choice_goes_through_its_expert_and_the_sum_is_in_their_order() -> None:
    env = env_after(ROUTE, ProjectRouted("x", "chosen", (Experts(BANK, "y"),)), Combine("y", "shares", "out"))
    for p in range(N):
        total = np.zeros(4, np.float32)
        for expert, share in zip(env.values["chosen"][p], env.values["shares"][p], strict=True):
            total = total + share * float_linear(WEIGHTS[f"w{expert}"], X[p : p + 1])[0]
        np.testing.assert_array_equal(env.values["out"][p], total)


def test_experts_of_one_number_share_their_inputs() -> None:
    op = ProjectRouted("x", "chosen", (Experts(("a0", "a1"), "a"), Experts(("b0", "b1"), "b")))
    seen = [(one.input, [linear.weight for linear in one.linears]) for one in op.projections()]
    assert seen == [("x", ["a0", "b0"]), ("x", ["a1", "b1"])]


@pytest.mark.parametrize(
    ("op", "values", "message"),
    [
        (Route("router", "x", "chosen", "shares", 6), {}, "at most 5 experts can be chosen, but got 6"),
        (Route("router", "x", "chosen", "shares", 1), {}, r"there must be 1 choices, a share each, but got \[2, 2\]"),
        (Route("router", "x", "shares", "shares", 2), {}, "shares must be of integers, but got float32"),
        (ProjectRouted("x", "chosen", (Experts(BANK[1:], "y"),)), {}, "there must be 5 experts, but got 4"),
        (ProjectRouted("x", "chosen", (Experts(BANK, "out"),)), {}, "out must have 2 choices in a position"),
        (ProjectRouted("y", "chosen", (Experts(BANK, "y"),)), {}, "must be different values"),
        (Combine("y", "shares", "out"), {"out": 3}, "the input must have 2 choices of 3 columns"),
    ],
)
def test_what_does_not_fit_is_refused(op: Operation, values: dict[str, Any], message: str) -> None:
    names = {name: value if isinstance(value, Value) else Value(("positions", value)) for name, value in VALUES.items()}
    names |= {name: Value(("positions", width)) for name, width in values.items()}
    with pytest.raises(ModelError, match=message):
        op.check(Check("op", names, {}, 9))
