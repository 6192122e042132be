"""What a net lost on the way to integers: its answers beside those of the trained net."""

import msgspec
import numpy as np

from tabulae.nets.builder import Built
from tabulae.nets.compile import ANSWER
from tabulae.nets.data import Data
from tabulae.nets.node import Floats
from tabulae.nets.trained_net import TrainedNet
from tabulae.runtime.net import NetModel


class Judged(msgspec.Struct, frozen=True):
    """Shares of examples, where there are answers; else how far the outputs are apart."""

    examples: int
    same: float | None = None  # answers that are the trained net's
    right: float | None = None  # answers that are the labels
    right_before: float | None = None  # the trained net's
    error: float | None = None  # of all outputs: the L2 norm of the differences over that of the trained net's


def judge(net: TrainedNet, built: Built, data: Data, *, threads: int = 1) -> Judged:
    """Both nets on the same examples."""
    before, model = net.run(data.inputs), NetModel(*built, threads=threads)
    outputs = model(data.inputs)
    if not net.labels:
        numbers = model.numbers(outputs)
        pairs = zip(net.outputs, built.program.outputs, strict=True)
        return Judged(len(data), error=_apart([(before[a], numbers[b]) for a, b in pairs]))
    answers, wanted = outputs[ANSWER].reshape(len(data), -1), before[net.outputs[0]].argmax(axis=-1)
    wanted = wanted.reshape(len(data), -1)
    same = float((answers == wanted).mean())
    if data.labels is None:
        return Judged(len(data), same)
    right, right_before = (float((one[:, 0] == data.labels).mean()) for one in (answers, wanted))
    return Judged(len(data), same, right, right_before)


def _apart(pairs: list[tuple[Floats, Floats]]) -> float:
    apart = sum(float(np.square(a.reshape(b.shape) - b).sum()) for a, b in pairs)
    whole = sum(float(np.square(a).sum()) for a, _ in pairs)
    return float(np.sqrt(apart / whole)) if whole else 0.0
