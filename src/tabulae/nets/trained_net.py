"""A trained net as readers give it: nodes in floating point, in order, and how its data come in."""

from collections.abc import Mapping
from dataclasses import dataclass

from tabulae.nets.node import Floats, Node


@dataclass(frozen=True, eq=False)
class TrainedNet:
    """``nodes`` from ``inputs`` (name -> shape of an example) to ``outputs``."""

    inputs: Mapping[str, tuple[int, ...]]
    nodes: tuple[Node, ...]
    outputs: tuple[str, ...]
    labels: tuple[str, ...] | None = None  # what the numbers of the one output are of, where the largest is the answer

    def run(self, data: Mapping[str, Floats]) -> dict[str, Floats]:
        """All values on examples [n, ...]."""
        values = dict(data)
        for node in self.nodes:
            values[node.out] = node.run(values)
        return values

    def last(self) -> frozenset[str]:
        """Values that no node reads: outputs that stay sums."""
        read = {name for node in self.nodes for name in node.reads()}
        return frozenset(name for name in self.outputs if name not in read)
