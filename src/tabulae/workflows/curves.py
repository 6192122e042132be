"""Planning a trained model: its error curves, measured once, and a plan for any budget.

Nothing is written but what the caller does with the plan; of every tensor a sample of rows is read.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

from tabulae.calibration import Draft
from tabulae.calibration.prepared import in_bands, prepared
from tabulae.errors import UsageError
from tabulae.formats import Storage
from tabulae.planning.budget import Budget
from tabulae.planning.candidates import lines
from tabulae.planning.curves import Curve, Point, measure_curves
from tabulae.planning.flat import best_flat
from tabulae.planning.items import Inputs, Items, Options
from tabulae.planning.plan import Plan, plan_of
from tabulae.planning.rebalance import certain
from tabulae.planning.sizes import Fixed
from tabulae.planning.solve import Solution, loss_of, solve, sum_of
from tabulae.program.trained import Trained
from tabulae.progress import Progress, silent, within
from tabulae.study.sensitivity import Sensitivity
from tabulae.study.study import Study
from tabulae.workflows.recipe import choose, fixed_of

# How far columns are scaled by importance: little for formats of blocks, whose scales already follow the columns; more
# for grids with one scale a row. Chosen on the second half of wiki.valid, on which no figure is measured:
# half of either loses 6 and 23 % of KL, twice the first 11 % (benchmarks/bench_choices.py).
STRENGTH: Final = 0.25
ENTROPY_STRENGTH: Final = 0.5


@dataclass(frozen=True, eq=False)
class Planner:
    """All that planning needs: what every candidate costs and loses, and what no choice changes."""

    model: Trained
    draft: Draft  # after the passes that come before formats
    study: Study
    curves: Mapping[str, Curve]
    fixed: Fixed
    digits: int  # of an offset in the header
    strength: float  # of column scales; 0: none

    @classmethod
    def of(
        cls,
        model: Trained,
        study: Study,
        *,
        entropy: bool = False,
        any_format: bool = False,
        strength: float | None = None,
        curves: Mapping[str, Curve] | None = None,
        threads: int | None = None,
        progress: Progress = silent,
    ) -> "Planner":
        """Measure the error curves of a model; ``entropy`` and ``any_format`` as of :func:`planning.candidates.lines`.

        ``strength`` of column scales, 0 for none; default: what serves these candidates best, with importance.
        ``curves``: those that were measured before, in the same way.

        :raises ModelError: NaN or infinity in a tensor
        """
        usual = ENTROPY_STRENGTH if entropy else STRENGTH
        strength = (usual if strength is None else strength) if study.inputs else 0.0
        bands = in_bands(model, study.sensitivity.values)
        draft = prepared(model, study.inputs, bands=bands, strength=strength)
        names = draft.program.tables()
        curves = curves or measure_curves(
            {name: (draft.shape(name)[0], draft.shape(name)[1]) for name in names},
            (lambda name, rows: draft.read(name)[rows]) if draft.done else model.read_rows,
            inputs=draft.inputs,
            candidates=lines(entropy=entropy, any_format=any_format),
            threads=threads,
            progress=within(progress, "error curves"),
        )
        fixed, digits = fixed_of(model, draft, names)
        return cls(model, draft, study, curves, fixed, digits, strength)

    @cached_property
    def options(self) -> Options:
        """The candidates of every tensor."""
        values = self.study.sensitivity.values
        return {name: curve.candidates(values[name], self.digits) for name, curve in self.curves.items()}

    @property
    def inputs(self) -> Inputs:
        """The input of every linear, by the first linear that it has."""
        return self.draft.program.inputs_of_linears()

    def plan(self, budget: Budget, options: Options | None = None) -> Plan:
        """The plan that loses least; ``options`` where real sizes are known.

        :raises UsageError: no plan keeps to the budget
        """
        return self._recorded(solve(options or self.options, self.fixed, budget, self.inputs), budget)

    def flat(self, plan: Plan, size: int) -> Plan | None:
        """The best plan with one format for all (the embedding may keep its usual one) of at most ``size`` bytes.

        It is for the budget of ``plan``, on the same draft: the bound on what any plan loses is that plan's.
        """
        budget = plan.budget or Budget(size=size)
        limit = Budget(size=size, memory=budget.memory)
        options = certain(self.options, {}) if budget.memory else self.options
        usual = choose(self.draft.program, self.draft.names)
        linear = usual[self.draft.program.linears()[0]]
        others = {name: str(usual[name]) for name in self.curves if usual[name] != linear}
        found = best_flat(Items.of(options, self.inputs).options, self.fixed, limit, others)
        if found is None:
            return None
        loss = sum_of(loss_of, found)
        return self._recorded(Solution(found, loss, min(loss, plan.bound or 0.0)), budget)

    def _recorded(self, solution: Solution, budget: Budget) -> Plan:
        return plan_of(
            solution,
            self.fixed,
            budget,
            model=self.model.fingerprint,
            sensitivity=self.study.source,
            calibration=self.study.calibration,
            scaled=self.draft.scaled.intersection(self.curves),
            column_strength=self.strength,
        )

    def with_sensitivity(self, sensitivity: Sensitivity) -> "Planner":
        """The same curves with other sensitivities."""
        return replace(self, study=replace(self.study, sensitivity=sensitivity))


def check_reachable(model: Trained, budget: Budget) -> None:
    """Refuse a budget of bytes that is below every plan of fixed-length codes, before anything is measured.

    :raises UsageError: with what plans can reach
    """
    names = model.program.tables()
    fixed, digits = fixed_of(model, Draft.of(model), names)
    points = {name: Point(4.0 ** -Storage.parse(name).format.element.bits) for line in lines() for name in line.names}
    curves = {name: Curve(name, (model.shape(name)[0], model.shape(name)[1]), points) for name in names}
    try:
        solve({name: curve.candidates(1.0, digits) for name, curve in curves.items()}, fixed, budget)
    except UsageError:
        if all(model.read(name).any() for name in names):  # an all-zero tensor takes next to nothing
            raise
