"""Statistics of whole models."""

import math

import pytest

from tabulae.errors import FileError
from tabulae.statistics import describe_tensor
from tabulae.workflows.survey import survey
from tabulae.workflows.trained import open_trained


def test_every_tensor_once(tiny_folder):
    found = survey(tiny_folder)
    with open_trained(tiny_folder) as model:
        assert tuple(found.tensors) == model.names
        for name in (model.names[0], model.names[-1]):
            assert found.tensors[name] == describe_tensor(model.read(name))
    assert found.all_zero == ()


def test_progress_counts_weights(tiny_folder):
    calls = []
    found = survey(tiny_folder, lambda *call: calls.append(call))
    total = sum(math.prod(one.shape) for one in found.tensors.values())
    names, done, totals = zip(*calls, strict=True)
    assert names == (*found.tensors, "") and set(totals) == {total}
    assert done[0] == 0 and done[-1] == total and list(done) == sorted(done)


def test_a_table_model(tiny_tab, tiny_folder):
    assert survey(tiny_tab).tensors.keys() == survey(tiny_folder).tensors.keys()


def test_nothing_there(tmp_path):
    with pytest.raises(FileError):
        survey(tmp_path / "none.gguf")
