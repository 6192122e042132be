"""ONNX files as nets: the numbers of onnxruntime; what is not read, and what means harm, is refused in one line."""

import numpy as np
import onnx
import onnxruntime
import pytest

from onnx_files import RNG, constant, integers, node, saved
from tabulae.errors import FileError, ModelError
from tabulae.nets.compile import compile
from tabulae.nets.lowering import Choices
from tabulae.nets.readers import onnx_file


def same(path, shape, outputs=("y",), n=3, tolerance=2e-5):
    """The reader's numbers and those of onnxruntime."""
    x = RNG.uniform(-1.5, 1.5, (n, *shape)).astype(np.float32)
    wanted = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"]).run(list(outputs), {"x": x})
    net = onnx_file.read(path)
    values = net.run({"x": x})
    for name, expected in zip(net.outputs, wanted, strict=True):
        found = values[name].reshape(expected.shape)
        assert np.abs(found - expected).max() <= tolerance * max(1.0, np.abs(expected).max())
    return net


IMAGE = (4, 7, 6)
CONVOLUTIONS = {
    "plain": ({}, (5, 4, 3, 3)),
    "padded": ({"pads": [1, 2, 0, 1]}, (5, 4, 3, 3)),
    "strided": ({"strides": [2, 3], "pads": [1, 1, 1, 1]}, (5, 4, 3, 3)),
    "dilated": ({"dilations": [2, 1]}, (5, 4, 3, 2)),
    "grouped": ({"group": 2, "pads": [1, 1, 1, 1]}, (6, 2, 3, 3)),
    "of every channel": ({"group": 4}, (8, 1, 3, 3)),
    "of one tap": ({}, (5, 4, 1, 1)),
    "of one tap, strided": ({"strides": [2, 2]}, (5, 4, 1, 1)),
    "same, upper": ({"auto_pad": "SAME_UPPER", "strides": [2, 2]}, (5, 4, 3, 3)),
    "same, lower": ({"auto_pad": "SAME_LOWER", "strides": [2, 2]}, (5, 4, 2, 2)),
}


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_convolutions(name, tmp_path) -> None:
    attributes, shape = CONVOLUTIONS[name]
    nodes = [node("Conv", ["x", "w", "b"], kernel_shape=list(shape[2:]), **attributes)]
    same(saved(tmp_path / "m.onnx", nodes, IMAGE, [constant("w", *shape), constant("b", shape[0])]), IMAGE)


def test_convolutions_along_one_axis(tmp_path) -> None:
    nodes = [node("Conv", ["x", "w"], pads=[2, 1], strides=[2], group=2)]
    same(saved(tmp_path / "m.onnx", nodes, (4, 11), [constant("w", 6, 2, 3)]), (4, 11))


POOLS = {
    "max": ("MaxPool", {"kernel_shape": [2, 2], "strides": [2, 2]}),
    "max, padded": ("MaxPool", {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]}),
    "max, ceiled": ("MaxPool", {"kernel_shape": [2, 2], "strides": [2, 2], "ceil_mode": 1}),
    "max, dilated": ("MaxPool", {"kernel_shape": [2, 2], "dilations": [2, 2]}),
    "mean": ("AveragePool", {"kernel_shape": [2, 3]}),
    "mean, pads left out": ("AveragePool", {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]}),
    "mean, pads counted": (
        "AveragePool",
        {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1], "count_include_pad": 1},
    ),
    "mean, ceiled": ("AveragePool", {"kernel_shape": [2, 2], "strides": [2, 2], "ceil_mode": 1}),
    "mean of all": ("GlobalAveragePool", {}),
    "max of all": ("GlobalMaxPool", {}),
}


@pytest.mark.parametrize("name", POOLS)
def test_pools(name, tmp_path) -> None:
    operator, attributes = POOLS[name]
    same(saved(tmp_path / "m.onnx", [node(operator, ["x"], **attributes)], IMAGE), IMAGE)


PLACES = {
    "flatten": [node("Flatten", ["x"])],
    "transpose": [node("Transpose", ["x"], perm=[0, 2, 3, 1])],
    "transposed twice": [node("Transpose", ["x"], "t", perm=[0, 3, 1, 2]), node("Transpose", ["t"], perm=[0, 2, 1, 3])],
    "reshape": [node("Reshape", ["x", "shape"])],
    "pad": [node("Pad", ["x", "pads"])],
    "concat": [
        node("Transpose", ["x"], "t", perm=[0, 1, 3, 2]),
        node("Transpose", ["t"], "u", perm=[0, 1, 3, 2]),
        node("Concat", ["x", "u", "x"], axis=2),
    ],
    "unsqueeze and squeeze": [node("Unsqueeze", ["x", "one"], "u"), node("Squeeze", ["u", "one"])],
    "mean of rows": [node("ReduceMean", ["x", "two"], keepdims=0)],
    "max, kept": [node("ReduceMax", ["x", "two"])],
}


@pytest.mark.parametrize("name", PLACES)
def test_places(name, tmp_path) -> None:
    constants = [integers("shape", 0, 6, -1), integers("pads", 0, 1, 0, 2, 0, 0, 3, 1)]
    constants += [integers("one", 1), integers("two", 2)]
    same(saved(tmp_path / "m.onnx", PLACES[name], IMAGE, constants), IMAGE)


def test_split(tmp_path) -> None:
    nodes = [node("Split", ["x", "sizes"], ["y", "z"], axis=2)]
    path = saved(tmp_path / "m.onnx", nodes, IMAGE, [integers("sizes", 3, 4)], ("y", "z"))
    same(path, IMAGE, ("y", "z"))


@pytest.mark.parametrize(
    "operator",
    [
        *("Relu", "Sigmoid", "Tanh", "HardSigmoid", "Elu", "Selu", "LeakyRelu", "Softplus", "Softsign", "Exp", "Erf"),
        *("Floor", "Ceil", "Round", "Abs", "Neg", "Sin", "Cos", "HardSwish", "Mish", "Reciprocal", "Atan", "Sign"),
    ],
)
def test_functions(operator, tmp_path) -> None:
    same(saved(tmp_path / "m.onnx", [node(operator, ["x"])], (8,)), (8,))


@pytest.mark.parametrize("approximate", ["none", "tanh"])
def test_gelu(approximate, tmp_path) -> None:
    same(saved(tmp_path / "m.onnx", [node("Gelu", ["x"], approximate=approximate)], (8,), opset=20), (8,))


@pytest.mark.parametrize("operator", ["Add", "Sub", "Mul", "Div"])
@pytest.mark.parametrize("what", ["a number", "channels", "channels before", "another value"])
def test_two(operator, what, tmp_path) -> None:
    c = constant("c", *((4, 1, 1) if "channels" in what else (1,)), low=0.5)
    other = node("Exp", ["x"], "c")
    nodes, constants = ([other], []) if what == "another value" else ([], [c])
    inputs = ["c", "x"] if what == "channels before" else ["x", "c"]
    if what == "channels before" and operator == "Div":
        nodes.append(node("Exp", ["x"], "e"))  # no division by what is nearly 0
        inputs = ["c", "e"]
    same(saved(tmp_path / "m.onnx", [*nodes, node(operator, inputs)], IMAGE, constants), IMAGE)


def test_a_net_of_all_that(tmp_path) -> None:
    """A small image classifier with a residual, from file to integers."""
    nodes = [
        node("Conv", ["x", "w"], "c", pads=[1, 1, 1, 1]),
        node("BatchNormalization", ["c", "gamma", "beta", "mean", "var"], "n"),
        node("Relu", ["n"], "r"),
        node("Conv", ["r", "d"], "e", pads=[1, 1, 1, 1], group=4),
        node("Add", ["e", "r"], "a"),
        node("MaxPool", ["a"], "p", kernel_shape=[2, 2], strides=[2, 2]),
        node("Flatten", ["p"], "f"),
        node("Gemm", ["f", "g", "h"], "l", transB=1),
        node("Softmax", ["l"]),
    ]
    constants = [constant("w", 4, 4, 3, 3), constant("d", 4, 1, 3, 3), constant("g", 3, 36), constant("h", 3)]
    constants += [constant(name, 4, low=0.5) for name in ("gamma", "var")]
    constants += [constant(name, 4) for name in ("beta", "mean")]
    path = saved(tmp_path / "m.onnx", nodes, IMAGE, constants)
    net = onnx_file.read(path)
    assert net.labels == ("0", "1", "2")
    x = RNG.normal(size=(50, *IMAGE)).astype(np.float32)
    wanted = onnxruntime.InferenceSession(path).run(None, {"x": x})[0]
    scores = net.run({"x": x})[net.outputs[0]]
    assert np.abs(np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True) - wanted).max() < 1e-5
    built = compile(net, {"x": x}, Choices(bits=8, weights="int:8/row/search"))
    assert built.program.outputs[-1] == "answer"


def test_gemm_with_factors_and_constants_of_constants(tmp_path) -> None:
    nodes = [node("Add", ["b", "b"], "bb"), node("Gemm", ["x", "w", "bb"], alpha=0.5, beta=2.0)]
    same(saved(tmp_path / "m.onnx", nodes, (5,), [constant("w", 5, 3), constant("b", 3)]), (5,))


BROKEN = {
    "an operator": ([node("LSTM", ["x"])], (), r"\[LSTM 0\] the operator must be one that nets are made of, .*Abs"),
    "weights that are computed": (
        [node("MatMul", ["x", "x"])],
        (),
        r"\[MatMul 0\] input 1 must be constant, but got x",
    ),
    "another width": (
        [node("MatMul", ["x", "w"])],
        [constant("w", 3, 2)],
        r"\[MatMul 0\] its input must have 3 columns",
    ),
    "examples that move": ([node("Transpose", ["x"], perm=[1, 0])], (), "the axis of the examples must stay first"),
    "a constant of places": (
        [node("Reshape", ["x", "s"], "r"), node("Add", ["r", "w"])],
        [integers("s", 0, 2, 4), constant("w", 2, 4)],
        "its constant must be one number, or one for each channel",
    ),
    "a bomb": ([node("Reshape", ["x", "s"])], [integers("s", 0, 2**40)], "numbers must fill the shape|stay that of"),
    "constants alone": (
        [node("Relu", ["w"])],
        [constant("w", 3)],
        "it must read a value of the net, but got constants",
    ),
}

positive = constant("w", 8, low=0.5)
BROKEN |= {
    "another domain": ([node("Relu", ["x"], domain="evil")], (), "it must be of the domain ai.onnx, but got evil"),
    "an attribute": (
        [node("Relu", ["x"], speed=3)],
        (),
        "all of its attributes must be ones that are read, but got speed",
    ),
    "training": ([node("BatchNormalization", ["x", *"wwww"], training_mode=1)], [positive], "got training_mode"),
    "axes of a pad": ([node("Pad", ["x", "p", "", "a"])], [integers("p", 1, 1), integers("a", 1)], "pad all axes"),
    "all axes": ([node("ReduceMean", ["x"])], (), "it must say along which axes"),
    "a constant of rows": (
        [node("Gemm", ["x", "w", "c"])],
        [constant("w", 8, 2), constant("c", 3, 1)],
        "its constant must be one number or one for each column",
    ),
    "a constant of more axes": ([node("Add", ["x", "w"])], [constant("w", 1, 1, 8)], "must have no more axes"),
    "an endless kernel": (
        [node("Reshape", ["x", "s"], "r"), node("MaxPool", ["r"], kernel_shape=[1 << 23])],
        [integers("s", 0, 1, 8)],
        "its kernel must have at most 16384 taps",
    ),
    "endless pads": (
        [node("Reshape", ["x", "s"], "r"), node("MaxPool", ["r"], kernel_shape=[2], pads=[1 << 29, 0])],
        [integers("s", 0, 1, 8)],
        "with its pads the input must have at most 67108864 places",
    ),
    "no strides": (
        [node("Reshape", ["x", "s"], "r"), node("MaxPool", ["r"], kernel_shape=[2], strides=[0])],
        [integers("s", 0, 1, 8)],
        "its strides must be 1 numbers from 1 on",
    ),
    "no kernel": (
        [node("Reshape", ["x", "s"], "r"), node("MaxPool", ["r"])],
        [integers("s", 0, 1, 8)],
        "it must be as ONNX defines it, but got KeyError",
    ),
    "a softmax of another axis": (
        [node("Reshape", ["x", "s"], "r"), node("Softmax", ["r"], axis=1)],
        [integers("s", 0, 2, 4)],
        "its axis must be the last, 2, but got 1",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_not_read_is_refused(name, tmp_path) -> None:
    nodes, constants, must = BROKEN[name]
    with pytest.raises(ModelError, match=must):
        onnx_file.read(saved(tmp_path / "m.onnx", nodes, (8,), constants))


def test_files_that_are_none_are_refused(tmp_path) -> None:
    with pytest.raises(FileError):
        onnx_file.read(tmp_path / "none.onnx")
    (tmp_path / "text.onnx").write_text("no model")
    with pytest.raises(ModelError, match=r"it must be an ONNX file|it must hold a graph"):
        onnx_file.read(tmp_path / "text.onnx")


def test_open_shapes_must_be_given(tmp_path) -> None:
    path = saved(tmp_path / "m.onnx", [node("Relu", ["x"])], ("h", 3))
    with pytest.raises(ModelError, match=r"\[input x\] all axes but .* such as --input x=3,32,32"):
        onnx_file.read(path)
    assert onnx_file.read(path, {"x": (5, 3)}).inputs == {"x": (5, 3)}


def test_data_outside_the_folder_are_refused(tmp_path) -> None:
    path = saved(tmp_path / "m.onnx", [node("MatMul", ["x", "w"])], (8,), [constant("w", 8, 2)])
    model = onnx.load(path)
    tensor = model.graph.initializer[0]
    onnx.external_data_helper.set_external_data(tensor, "../outside.bin")
    tensor.ClearField("raw_data")
    path.write_bytes(model.SerializeToString())
    with pytest.raises(
        ModelError, match=r"\[w\] what it stores outside must lie in its folder, but got ../outside.bin"
    ):
        onnx_file.read(path)
