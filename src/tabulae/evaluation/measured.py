"""Sensitivity, measured: the KL from storing one tensor at a time in a poor format, all others exact.

Runs begin at the layer of the changed tensor (``stretches``): a tensor costs half a run of the model on average.
"""

from collections.abc import Callable, Collection, Mapping

import numpy as np

from tabulae.arithmetic.arrays import Float32s
from tabulae.epoch import EPOCH
from tabulae.errors import UsageError
from tabulae.evaluation.journal import Journal
from tabulae.evaluation.kl import near_kl, normaliser
from tabulae.evaluation.sensitivity import Sensitivity, relative_error, tables
from tabulae.evaluation.stretches import Rerun
from tabulae.evaluation.value import Value, mean_of
from tabulae.evaluation.windows import Windows
from tabulae.formats import InputStatistics, Storage
from tabulae.formats.input_statistics import importance_of
from tabulae.program.graph import Decoder

FORMAT = "normal:4/g64/search"
Progress = Callable[[str, int, int], object]  # tensor that comes next, tensors done, tensors in all


class OneAtATime:
    """The KL of a float model from itself with one tensor replaced; the reference runs once."""

    def __init__(self, program: Decoder, weights: Mapping[str, Float32s], windows: Windows, threads: int = 1) -> None:
        self._rerun = Rerun(program, weights, windows, threads)
        self._logits = list(self._rerun.logits())
        self._probabilities = [np.exp(x - normaliser(x)[:, None]).astype(np.float32) for x in self._logits]

    def kl(self, name: str, values: Float32s) -> tuple[float, ...]:
        """Mean KL of every window, in nats, where ``values`` stand in place of the tensor."""
        runs = zip(self._logits, self._probabilities, self._rerun.replaced(name, values), strict=True)
        return tuple(float(near_kl(logits, p, candidate).mean()) for logits, p, candidate in runs)


def measured(
    program: Decoder,
    weights: Mapping[str, Float32s],
    windows: Windows,
    *,
    model: str,
    inputs: Mapping[str, InputStatistics] | None = None,
    form: str = FORMAT,
    names: Collection[str] | None = None,
    threads: int = 1,
    journal: Journal | None = None,
    progress: Progress | None = None,
) -> Sensitivity:
    """KL / R^2 of every tensor stored in ``form``, with its standard error over windows.

    ``weights`` are those of the float model, ``model`` its fingerprint; ``names`` limits it to some tensors. What
    ``journal`` has is not measured again.

    :raises UsageError: a format that is unknown, or ``names`` that are not tables of the model
    """
    wanted = [name for name in tables(program) if names is None or name in names]
    if names is not None and len(wanted) < len(set(names)):
        raise UsageError("measured", "names must be linears or embeddings", sorted(set(names) - set(wanted))[:5])
    inputs, meter = inputs or {}, OneAtATime(program, weights, windows, threads)
    values: dict[str, Value] = {}
    for done, name in enumerate(wanted):
        if progress:
            progress(name, done, len(wanted))
        known = journal and journal.get(f"{form} {name}")
        values[name] = known or _one(meter, name, weights[name], inputs.get(name), form)
        if journal and not known:
            journal.put(f"{form} {name}", values[name])
    se = {name: value.se for name, value in values.items() if value.se is not None}
    means = {name: value.mean for name, value in values.items()}
    return Sensitivity(EPOCH, model, "measured", windows.fingerprint, means, se or None)


def _one(meter: OneAtATime, name: str, weights: Float32s, inputs: InputStatistics | None, form: str) -> Value:
    """KL / R^2; 0 for a tensor that the format stores exactly."""
    decoded = Storage.parse(form).encode(weights, inputs).decode()
    error = relative_error(weights, decoded, importance_of(inputs))
    return mean_of([kl / error for kl in meter.kl(name, decoded)]) if error else Value(0.0, None)
