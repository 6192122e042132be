"""The weights of a whole model, tensor by tensor: what ``tabulae info --statistics`` prints.

>>> found = survey(model)
>>> found.tensors["model.layers.0.self_attn.q_proj.weight"].fit.family, found.all_zero
('normal', ())
"""

import math
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from tabulae.arithmetic.arrays import Float32s
from tabulae.artifact.reader import open_table_model
from tabulae.progress import Progress, silent
from tabulae.statistics import TensorStatistics, describe_tensor, duplicates
from tabulae.workflows.open_tab import decoded_weight, shape_of
from tabulae.workflows.trained import is_trained_model, open_trained

Read = Callable[[str], Float32s]


class Survey(msgspec.Struct, frozen=True):
    """What :func:`survey` found."""

    tensors: dict[str, TensorStatistics]
    all_zero: tuple[str, ...]  # they cost next to nothing in any format
    duplicates: tuple[tuple[str, ...], ...]  # equal in shape and every bit


def survey(path: str | Path, progress: Progress = silent, *, ignore_keys: Collection[str] = ()) -> Survey:
    """Look at every weight of the model at ``path``, one tensor in float32 at a time; of a table model as decoded.

    ``ignore_keys``: as of :func:`tabulae.open`.

    :raises FileError: nothing is there
    :raises ModelError: it is no model that tabulae knows, or a weight is not finite
    """
    found: dict[str, TensorStatistics] = {}
    with _weights(Path(path), ignore_keys) as (shapes, read):
        done, total = 0, sum(math.prod(shape) for shape in shapes.values())
        for name, shape in shapes.items():
            progress(name, done, total)
            found[name] = describe_tensor(read(name))
            done += math.prod(shape)
    progress("", total, total)
    zero = tuple(name for name, one in found.items() if one.all_zero)
    return Survey(found, zero, tuple(duplicates(found)))


@contextmanager
def _weights(path: Path, ignore_keys: Collection[str]) -> Iterator[tuple[dict[str, tuple[int, ...]], Read]]:
    """The shapes of all tensors, and how to read one."""
    if not is_trained_model(path, ignore_keys):
        with open_table_model(path) as file:
            records = {record.name: record for record in file.document.tensors}
            shapes = {name: shape_of(record) for name, record in records.items()}
            yield shapes, lambda name: decoded_weight(file, records[name])
    else:
        with open_trained(path, ignore_keys=ignore_keys) as model:
            yield {name: model.shape(name) for name in model.names}, model.read
