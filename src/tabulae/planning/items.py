"""What is planned: tensors with their candidates, those of one input with candidates that can agree on it.

>>> plain, turned = (None, 4), (0, 0)
>>> options = {"q": [Candidate("x", 10, 10, 4.0, 0, plain), Candidate("x/rotate=0", 10, 10, 1.0, 0, turned)],
...            "k": [Candidate("x", 10, 10, 2.0, 0, plain)]}
>>> [len(one) for one in Items.of(options, inputs={"k": "q"}).options.values()]  # k has no way to follow q
[1, 1]
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tabulae.errors import UsageError
from tabulae.planning.candidates import Candidate
from tabulae.planning.problem import Choice, Problem

Options = Mapping[str, Sequence[Candidate]]  # of every tensor
Inputs = Mapping[str, str]  # tensor -> the input that it multiplies, by the name of one of those that do
Chosen = dict[str, Candidate]
Value = Callable[[Candidate], float]


@dataclass(frozen=True)
class Items:
    """Tensors, and the inputs that they share; a tensor that ``inputs`` does not know has its own."""

    options: Options
    inputs: Inputs

    @staticmethod
    def of(options: Options, inputs: Inputs) -> "Items":
        """Without candidates that ask something of an input that another of its tensors has no candidate for.

        :raises UsageError: an input whose tensors have nothing in common
        """
        common: dict[str, frozenset[object]] = {}
        for name, one in options.items():
            asked, owner = frozenset(candidate.input for candidate in one), inputs.get(name, name)
            common[owner] = common.get(owner, asked) & asked
        apart = [owner for owner, asked in common.items() if not asked]
        if apart:
            must = "its tensors must have candidates that ask the same of it"
            raise UsageError(f"input of {apart[0]}", must, "none", "rotate all tensors of an input alike, or none")
        kept = {name: [c for c in one if c.input in common[inputs.get(name, name)]] for name, one in options.items()}
        return Items(kept, inputs)

    def problem(self, cost: Value, weights: Sequence[Value], limits: Sequence[float]) -> Problem:
        """The problem of the least sum of costs with sums of weights within the limits."""
        rows = [[(cost(c), *(weight(c) for weight in weights)) for c in one] for one in self.options.values()]
        numbers: dict[object, int] = {}
        sides = [[numbers.setdefault(c.input, len(numbers)) for c in one] for one in self.options.values()]
        owners: dict[str, int] = {}
        inputs = [owners.setdefault(self.inputs.get(name, name), len(owners)) for name in self.options]
        return Problem.of(rows, limits, inputs, sides)

    def chosen(self, choice: Choice) -> Chosen:
        """The candidates of a choice."""
        return {name: one[index] for (name, one), index in zip(self.options.items(), choice.tolist(), strict=True)}
