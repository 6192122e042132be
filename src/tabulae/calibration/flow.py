"""Who reads what: buffers of a program are written again and again, each writing is a *value* of its own.

>>> flow = Flow(tabulae.open(model).program)
>>> flow.program.operations[1].weight, [flow.program.operations[i].__struct_config__.tag for i in flow.users((1, "h"))]
('model.layers.0.input_layernorm.weight', ['project'])
"""

from collections import Counter, defaultdict

from tabulae.program.graph import Decoder
from tabulae.program.operation import Linear
from tabulae.program.ops.project import Project

Value = tuple[int, str]  # the operation that writes it (-1: an input of the graph), and its name


class Flow:
    """Values, their users, and the linears between them."""

    def __init__(self, program: Decoder) -> None:
        self.program = program
        self.reads: list[dict[str, Value]] = []  # of every operation: buffer -> value
        self._users: dict[Value, list[int]] = defaultdict(list)
        self._places: Counter[str] = Counter()
        current: dict[str, Value] = {name: (-1, name) for name in program.inputs}
        for number, op in enumerate(program.operations):
            self.reads.append({name: current[name] for name in op.reads()})
            for value in set(self.reads[-1].values()):
                self._users[value].append(number)
            current |= {name: (number, name) for name in op.writes()}
            self._places.update(op.names("table", "vector"))
        self.logits = current[program.logits]

    def users(self, value: Value) -> list[int]:
        """The operations that read a value, in order."""
        return self._users[value]

    def alone(self, tensor: str) -> bool:
        """Whether just one place of the program reads a tensor."""
        return self._places[tensor] == 1

    def linears_of(self, value: Value) -> tuple[Linear, ...] | None:
        """The linears that read a value; None if anything else does too, or nothing does."""
        users = [self.program.operations[number] for number in self.users(value)]
        projects = [op for op in users if isinstance(op, Project)]
        if not projects or len(projects) != len(users) or value == self.logits:
            return None
        return tuple(linear for op in projects for linear in op.linears)

    def linear_writing(self, value: Value) -> Linear | None:
        """The linear whose output a value is, if it is one's."""
        op = self.program.operations[value[0]] if value[0] >= 0 else None
        return next((one for one in op.linears if one.out == value[1]), None) if isinstance(op, Project) else None

    def linear_feeding(self, value: Value) -> Linear | None:
        """The same, if one operation alone reads the value."""
        return self.linear_writing(value) if len(self.users(value)) == 1 else None
