"""Nets at the command line: from an ONNX file and examples to a checked table model and sources in C."""

import json
import shutil
import subprocess

import numpy as np
import pytest

from onnx_files import constant, node, saved


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A classifier of three features, and examples with its own answers as labels."""
    folder, rng = tmp_path_factory.mktemp("net"), np.random.default_rng(0)
    nodes = [node("Gemm", ["x", "w", "b"], "h"), node("Relu", ["h"], "r"), node("Gemm", ["r", "v"], "l")]
    constants = [constant("w", 3, 8), constant("b", 8), constant("v", 8, 4)]
    saved(folder / "net.onnx", [*nodes, node("Softmax", ["l"])], (3,), constants)
    x = rng.normal(size=(300, 3)).astype(np.float32)
    np.savez(folder / "d.npz", x=x)
    np.savez(folder / "labelled.npz", x=x, labels=rng.integers(0, 4, 300))
    return folder


def test_from_a_file_to_answers(tabulae, made, tmp_path):
    words = ("--to", "net", "--data", made / "labelled.npz", "--value-bits", 6, "--weights", "int:6/row/search")
    code, out, err = tabulae("build", made / "net.onnx", *words, "-o", tmp_path / "net.tab")
    assert (code, err) == (0, "") and "answers are the trained net's" in out and "value" in out and "edge" in out
    assert "edges: x [3]" in tabulae("info", tmp_path / "net.tab")[1]
    code, out, _ = tabulae("check", tmp_path / "net.tab")
    assert code == 0 and "ok; ranges of" in out
    code, out, _ = tabulae("run", tmp_path / "net.tab", "--inputs", made / "d.npz")
    assert code == 0 and len(out.splitlines()) == 300 and set(out.split()) <= set("0123")
    code, out, _ = tabulae("run", tmp_path / "net.tab", "--inputs", made / "labelled.npz", "-o", tmp_path / "y.npz")
    assert code == 0 and "of 300 answers are right" in out
    assert np.load(tmp_path / "y.npz")["answer"].shape == (300, 1)


def test_json(tabulae, made, tmp_path):
    words = ("--to", "net", "--data", made / "d.npz", "-o", tmp_path / "net.tab", "--json")
    code, out, _ = tabulae("build", made / "net.onnx", *words)
    found = json.loads(out)
    assert code == 0 and found["judged"]["same"] > 0.8 and found["layers"][0]["edges"] == 24
    assert json.loads(tabulae("check", tmp_path / "net.tab", "--json")[1])["ok"]
    found = json.loads(tabulae("run", tmp_path / "net.tab", "--inputs", made / "d.npz", "--json")[1])
    assert found["examples"] == len(found["answers"]) == 300


def test_every_rung_gives_the_same_answers(tabulae, made, tmp_path):
    answers = set()
    for rung in ("value", "input", "row", "edge"):
        words = ("--to", "net", "--data", made / "d.npz", "--tables", rung, "-o", tmp_path / f"{rung}.tab")
        assert tabulae("build", made / "net.onnx", *words)[0] == 0
        answers.add(tabulae("run", tmp_path / f"{rung}.tab", "--inputs", made / "d.npz")[1])
    assert len(answers) == 1


@pytest.mark.skipif(shutil.which("gcc") is None or shutil.which("make") is None, reason="needs gcc and make")
def test_sources_in_c_test_themselves(tabulae, made, tmp_path):
    tabulae("build", made / "net.onnx", "--to", "net", "--data", made / "d.npz", "-o", tmp_path / "net.tab")
    code, out, err = tabulae("export", tmp_path / "net.tab", "--to", "c", "-o", tmp_path / "c")
    assert (code, err) == (0, "") and "of tables" in out
    subprocess.run(["make", "-C", tmp_path / "c", "test"], check=True, capture_output=True)


def test_mistakes_are_one_line(tabulae, made, tmp_path, tiny_tab):
    tabulae("build", made / "net.onnx", "--to", "net", "--data", made / "d.npz", "-o", tmp_path / "net.tab")
    build = ("build", made / "net.onnx", "--to", "net", "--data", made / "d.npz")
    for words, says in {
        build[:4]: "a net needs examples to be made with, but got no --data",
        (*build[:2], "--to", "c", *build[4:]): "what is built must be known, but got c",
        (*build[:2], *build[4:]): "such options must come with --to net, but got --data",
        (*build[:5], "none.npz"): "no such file or folder",
        ("build", made / "d.npz", *build[2:]): "a trained net must be an ONNX file",
        (*build, "--tables", "x"): "the rung must be known",
        (*build, "--input", "x"): "must be NAME=SHAPE",
        ("run", tmp_path / "net.tab", "a text"): "it must be a language model, but got a net; it takes arrays",
        ("run", tiny_tab, "--inputs", made / "d.npz"): "it must be a net, but got a language model",
        ("run", tmp_path / "net.tab", "--inputs", made / "d.npz", "-o", "y.txt"): "outputs must go to an npz file",
        ("export", tiny_tab, "-o", tmp_path / "c"): "it must be a net, but got a language model",
        ("export", tmp_path / "net.tab", "--to", "rust", "-o", tmp_path): "the target must be known, but got rust",
        ("export", tmp_path / "net.tab", "-o", tmp_path): "the folder must be empty",
    }.items():
        code, _, err = tabulae(*words)
        assert code and len(err.splitlines()) == 1 and says in err, (words, err)
