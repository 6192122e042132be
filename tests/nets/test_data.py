"""Data come as npz or from a function; what does not fit a net is refused in one line."""

import numpy as np
import pytest

from tabulae.errors import FileError, ModelError, UsageError
from tabulae.nets.data import read

SHAPES = {"x": (3,), "z": (2, 2)}


def arrays(**changes):
    return {"x": np.ones((4, 3)), "z": np.zeros((4, 2, 2), np.uint8), "labels": np.arange(4)} | changes


def saved(tmp_path, **changes):
    np.savez(tmp_path / "d.npz", **arrays(**changes))
    return str(tmp_path / "d.npz")


def test_arrays_by_the_names_of_inputs(tmp_path) -> None:
    data = read(saved(tmp_path), SHAPES)
    assert (len(data), sorted(data.inputs), data.labels.tolist()) == (4, ["x", "z"], [0, 1, 2, 3])


def test_a_function_gives_them_too() -> None:
    assert read(f"{__name__}:arrays", SHAPES).inputs["x"].shape == (4, 3)


@pytest.mark.parametrize(
    ("changes", "must"),
    [
        ({"y": np.ones(4)}, "arrays must be inputs of the net, but got y; accepted: x, z, labels"),
        ({"x": np.ones((4, 2))}, r"x must be numbers \[examples, 3\], but got float64 \[4, 2\]"),
        ({"x": np.full((4, 3), "a")}, r"x must be numbers"),
        ({"x": np.full((4, 3), np.nan)}, "every number of x must be finite, but got NaN or infinity"),
        ({"x": np.ones((5, 3))}, r"all arrays must have as many examples, one at least, but got \[4, 5\]"),
        ({"labels": np.ones((4, 1), int)}, "labels must be numbers of answers"),
        ({"labels": np.full(4, -1)}, "labels must be numbers of answers"),
    ],
)
def test_what_does_not_fit_is_refused(changes, must, tmp_path) -> None:
    with pytest.raises(UsageError, match=must):
        read(saved(tmp_path, **changes), SHAPES)


def test_missing_inputs_and_no_examples(tmp_path) -> None:
    np.savez(tmp_path / "d.npz", x=np.ones((4, 3)))
    with pytest.raises(UsageError, match="it must hold x, z, but got no z"):
        read(str(tmp_path / "d.npz"), SHAPES)
    np.savez(tmp_path / "e.npz", x=np.ones((0, 3)))
    with pytest.raises(UsageError, match="one at least"):
        read(str(tmp_path / "e.npz"), {"x": (3,)})


def test_files_that_are_none(tmp_path) -> None:
    with pytest.raises(FileError):
        read(str(tmp_path / "none.npz"), SHAPES)
    (tmp_path / "text.npz").write_text("no arrays")
    with pytest.raises(ModelError, match="data must be an npz file of arrays of numbers"):
        read(str(tmp_path / "text.npz"), SHAPES)
    np.savez(tmp_path / "objects.npz", x=np.array([object()], object))
    with pytest.raises(ModelError, match="data must be an npz file of arrays of numbers"):
        read(str(tmp_path / "objects.npz"), SHAPES)
    with pytest.raises(
        UsageError, match="it must be a file, or module:function that gives arrays by name, but got nowhere"
    ):
        read("nowhere:nothing", SHAPES)
