"""The positions whose outputs are asked for."""

from tabulae.program.checking import Check
from tabulae.program.env import Env
from tabulae.program.operation import In, Operation, Out
from tabulae.program.passes import Bases


class Select(Operation, frozen=True, tag="select"):
    """Keep only the positions that are wanted: what follows runs on those alone."""

    input: In
    out: Out

    def check(self, at: Check) -> None:
        axes = [at.values[name].axis for name in (self.input, self.out)]
        at.must(axes == ["positions", "wanted"], "it must take all positions and give those wanted", axes)
        widths = [at.width(name) for name in (self.input, self.out)]
        at.must(widths[0] == widths[1], "inputs and output must be equally wide", widths)

    def run(self, at: Env) -> None:
        at.values[self.out] = at.values[self.input][at.wanted]

    def bases(self, at: Bases) -> None:
        at.join([self.input, self.out])
