"""Sensitivity, measured: the KL from storing one tensor at a time in a poor format, all others exact.

Runs begin at the layer of the changed tensor (``rerun``): a tensor costs half a run of the model on average.
"""

from collections.abc import Collection, Mapping

from tabulae.arithmetic.arrays import Float32s
from tabulae.errors import UsageError
from tabulae.evaluation.task import Task
from tabulae.evaluation.value import Value, mean_of
from tabulae.formats import InputStatistics, Storage
from tabulae.formats.input_statistics import importance_of
from tabulae.program.graph import Decoder
from tabulae.progress import Progress, silent
from tabulae.study.journal import Journal
from tabulae.study.rerun import Rerun
from tabulae.study.sensitivity import Sensitivity, relative_error

FORMAT = "normal:4/g64/search"


class OneAtATime:
    """The KL of a float model from itself with one tensor replaced; the reference runs once."""

    def __init__(self, program: Decoder, weights: Mapping[str, Float32s], task: Task, threads: int = 1) -> None:
        self._rerun = Rerun(program, weights, task, threads)
        self._divergences = [task.divergence(answers) for answers in self._rerun.logits()]

    def kl(self, name: str, values: Float32s) -> tuple[float, ...]:
        """Mean divergence of every example, in nats, where ``values`` stand in place of the tensor."""
        runs = zip(self._divergences, self._rerun.replaced(name, values), strict=True)
        return tuple(float(divergence(answers).mean()) for divergence, answers in runs)


def measured(
    program: Decoder,
    weights: Mapping[str, Float32s],
    task: Task,
    *,
    model: str,
    inputs: Mapping[str, InputStatistics] | None = None,
    form: str = FORMAT,
    names: Collection[str] | None = None,
    threads: int = 1,
    journal: Journal | None = None,
    progress: Progress = silent,
) -> Sensitivity:
    """KL / R^2 of every tensor stored in ``form``, with its standard error over examples.

    ``weights`` are those of the float model, ``model`` its fingerprint; ``names`` limits it to some tensors. What
    ``journal`` has is not measured again.

    :raises UsageError: a format that is unknown, or ``names`` that are not tables of the model
    """
    wanted = [name for name in program.tables() if names is None or name in names]
    if names is not None and len(wanted) < len(set(names)):
        raise UsageError("measured", "names must be linears or embeddings", sorted(set(names) - set(wanted))[:5])
    inputs, meter = inputs or {}, OneAtATime(program, weights, task, threads)
    values: dict[str, Value] = {}
    for done, name in enumerate(wanted):
        progress(name, done, len(wanted))
        known = journal and journal.get(f"{form} {name}")
        values[name] = known or _one(meter, name, weights[name], inputs.get(name), form)
        if journal and not known:
            journal.put(f"{form} {name}", values[name])
    return Sensitivity.of(model, "measured", task.fingerprint, values)


def _one(meter: OneAtATime, name: str, weights: Float32s, inputs: InputStatistics | None, form: str) -> Value:
    """KL / R^2; 0 for a tensor that the format stores exactly."""
    decoded = Storage.parse(form).encode(weights, inputs).decode()
    error = relative_error(weights, decoded, importance_of(inputs))
    return mean_of([kl / error for kl in meter.kl(name, decoded)]) if error else Value(0.0, None)
