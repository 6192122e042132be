"""Nets in table models: the same program and integers come back; damaged ones are refused."""

import msgspec
import numpy as np
import pytest

from nets_at_random import NETS, dense
from tabulae.artifact.reader import open_table_model
from tabulae.errors import ModelError, TableModelError
from tabulae.program.value import Int, Value
from tabulae.workflows.load import load
from tabulae.workflows.nets import open_net, read_net, write_net


@pytest.mark.parametrize("name", NETS)
def test_a_net_comes_back_as_it_was(name, tmp_path) -> None:
    built = NETS[name]()
    write_net(built, tmp_path / "net.tab", {"source": "at random"})
    found = read_net(tmp_path / "net.tab")
    assert found.program == built.program
    assert list(found.arrays) == list(built.arrays)
    for key, array in built.arrays.items():
        assert found.arrays[key].dtype == array.dtype and (found.arrays[key] == array).all()
    with open_table_model(tmp_path / "net.tab", verify=True) as file:
        assert file.document.provenance["source"] == "at random"


def test_the_same_bytes_every_time(tmp_path) -> None:
    for name in "ab":
        write_net(dense(), tmp_path / f"{name}.tab")
    assert (tmp_path / "a.tab").read_bytes() == (tmp_path / "b.tab").read_bytes()


def test_a_type_that_is_not_proved_is_refused(tmp_path) -> None:
    built = dense()
    name = built.program.outputs[0]
    values = {**built.program.values, name: Value(("positions", 5), Int(0, 1))}
    write_net(built._replace(program=msgspec.structs.replace(built.program, values=values)), tmp_path / "net.tab")
    with pytest.raises(ModelError, match=rf"\[value {name}\] it must lie in \(0, 1\)"):
        read_net(tmp_path / "net.tab")


def test_selections_of_no_table_are_refused(tmp_path) -> None:
    built = dense()
    select = next(name for name in built.arrays if name.endswith("select"))
    built.arrays[select] = np.full_like(built.arrays[select], 99)
    write_net(built, tmp_path / "net.tab")
    with pytest.raises(ModelError, match=r"must name tables, but got 99"):
        read_net(tmp_path / "net.tab")


def test_a_net_is_no_language_model_and_the_other_way_round(tmp_path, tiny_tab) -> None:
    write_net(dense(), tmp_path / "net.tab")
    with pytest.raises(TableModelError, match="it must be a language model, but got a net; it takes arrays"):
        load(tmp_path / "net.tab")
    with pytest.raises(TableModelError, match="it must be a net, but got a language model"):
        read_net(tiny_tab)


def test_other_files_are_no_trained_nets(tmp_path) -> None:
    with pytest.raises(ModelError, match=r"a trained net must be an ONNX file, but got \.pkl; scikit-learn"):
        open_net(tmp_path / "net.pkl")
