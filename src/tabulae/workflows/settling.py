"""A plan whose sizes are expected, made to keep to its budget once they are known: codes have variable length."""

from collections.abc import Callable
from typing import Final

import msgspec

from tabulae.formats import Storage
from tabulae.planning.budget import Budget
from tabulae.planning.items import Options
from tabulae.planning.plan import Plan
from tabulae.planning.rebalance import Known, certain, corrected
from tabulae.planning.sizes import resident_bytes
from tabulae.workflows.build import Encoder, Storages
from tabulae.workflows.curves import Planner
from tabulae.workflows.recipe import by_storages

ROUNDS: Final = 4  # of planning with real lengths; formats rarely change after the first


class Settling:
    """The plan, and its storages once an encoder can say how long codes are."""

    def __init__(self, planner: Planner, budget: Budget) -> None:
        self._planner, self._budget = planner, budget
        self.plan = planner.plan(budget)
        self._known: dict[str, dict[str, tuple[int, int]]] = {}  # bytes in the file, resident

    def uncertain(self) -> bool:
        """Whether any codes have variable length, and bytes a limit."""
        return self._budget.kl is None and any(
            Storage.parse(entry.format).format.entropy for entry in self.plan.entries
        )

    def __call__(self, encoder: Encoder) -> Storages:
        for _ in range(ROUNDS):
            self._encode(encoder)
            before, self.plan = self.plan, self._again(corrected)
            if _stored(before) == _stored(self.plan):
                break
        else:
            self.plan = self._again(certain)
        return by_storages(self._planner.draft, self.plan).storages

    def _encode(self, encoder: Encoder) -> None:
        """Encode what has codes of variable length, and note how long they are."""
        for entry in self.plan.entries:
            storage, known = Storage.parse(entry.format), self._known.setdefault(entry.name, {})
            if storage.format.entropy and entry.format not in known:
                record = encoder.settled(entry.name, storage)
                known[entry.format] = record.stored, resident_bytes(record)

    def _again(self, sizes: Callable[[Options, Known], Options]) -> Plan:
        """Planned with known sizes; the bound is the lower one, because they are not those of all plans."""
        found = self._planner.plan(self._budget, sizes(self._planner.options, self._known))
        bound = min(found.bound or 0.0, self.plan.bound or 0.0)
        gap = max(0.0, 1 - bound / found.loss) if found.loss else 0.0
        return msgspec.structs.replace(found, bound=bound, gap=float(f"{gap:.6g}"))


def _stored(plan: Plan) -> list[str]:
    return [entry.format for entry in plan.entries]
