from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from tiny_tables import bound, float_model

from tabulae.errors import FileError, ModelError, UsageError
from tabulae.evaluation.windows import Windows
from tabulae.program.ops.rms_norm import rms_norm
from tabulae.runtime.binding import Binding
from tabulae.runtime.engine import Engine
from tabulae.runtime.language_model import LanguageModel
from tabulae.runtime.session import Session
from tabulae.study.inputs import KEY, Importance, gram_bytes, load, measure_inputs, save

PROGRAM, WEIGHTS = float_model("llama")
WINDOWS = Windows(np.random.default_rng(4).integers(0, 199, (3, 12)).astype(np.int32), 5)
FIRST = PROGRAM.linears()[0]


class Model:
    """A tiny model as a :class:`Tappable`."""

    def __init__(self, program=PROGRAM, weights=WEIGHTS) -> None:
        self.program, self.binding = program, bound(program, weights)

    def session(self) -> Session:
        return Session(Engine(self.binding), 64)


@pytest.fixture(scope="module")
def importance() -> Importance:
    return measure_inputs(Model(), WINDOWS, "model")


@pytest.fixture
def path(importance: Importance, tmp_path: Path) -> Path:
    save(importance, tmp_path / "i.safetensors")
    return tmp_path / "i.safetensors"


def inputs_of(linear: str) -> np.ndarray:
    """All that one linear sees, [rows, cols]."""
    seen = []
    for window in range(len(WINDOWS)):
        session = Model().session()
        session.tap(linear, lambda x: seen.append(x.copy()))
        session.feed(WINDOWS.inputs(window), wanted=WINDOWS.first)
    return np.concatenate(seen)


def test_it_is_the_mean_square_of_every_input(importance: Importance) -> None:
    assert importance.values.keys() == set(PROGRAM.linears())
    assert (importance.model, importance.text, importance.tokens) == ("model", WINDOWS.fingerprint, 33)
    for linear, known in importance.values.items():
        x, values = inputs_of(linear), known.mean_square
        assert len(x) == (3 * WINDOWS.scored if linear == "lm_head.weight" else 33)
        np.testing.assert_allclose(values, np.square(x, dtype=np.float64).mean(0), rtol=1e-6)
        assert values.dtype == np.float32 and known.gram is None


def test_the_first_linear_against_a_plain_computation(importance: Importance) -> None:
    tokens = WINDOWS.tokens[:, :-1].reshape(-1)
    embedded = WEIGHTS["model.embed_tokens.weight"][tokens]
    x = rms_norm(embedded, WEIGHTS["model.layers.0.input_layernorm.weight"], 1e-5)
    np.testing.assert_allclose(importance.values[FIRST].mean_square, (x.astype(np.float64) ** 2).mean(0), rtol=1e-6)


def test_linears_of_one_input_share_it(importance: Importance) -> None:
    at = "model.layers.1"
    q, k, v = (importance.values[f"{at}.self_attn.{x}_proj.weight"] for x in "qkv")
    assert q is k is v
    assert importance.values[f"{at}.mlp.gate_proj.weight"] is importance.values[f"{at}.mlp.up_proj.weight"]


def test_gram_matrices_where_they_are_asked_for(importance: Importance) -> None:
    q, k, down = (f"model.layers.1.{name}_proj.weight" for name in ("self_attn.q", "self_attn.k", "mlp.down"))
    found = measure_inputs(Model(), WINDOWS, "model", grams=[q, k, down])
    assert {name for name, known in found.values.items() if known.gram is not None} >= {q, k, down}
    assert found.values[q].gram is found.values[k].gram and found.values[FIRST].gram is None
    for name in (q, down):
        x, gram = inputs_of(name).astype(np.float64), found.values[name].gram
        loudest = np.abs(x).max(axis=0)
        assert (np.abs(gram - x.T @ x / len(x)) <= 2.0**-20 * np.outer(loudest, loudest)).all()
        assert (gram == gram.T).all() and gram.dtype == np.float64
    for name, known in found.values.items():
        np.testing.assert_array_equal(known.mean_square, importance.values[name].mean_square)


def test_the_memory_of_gram_matrices(monkeypatch) -> None:
    q, k, down = (f"model.layers.1.{name}_proj.weight" for name in ("self_attn.q", "self_attn.k", "mlp.down"))
    columns = {name: WEIGHTS[name].shape[1] for name in (q, down)}
    assert gram_bytes(PROGRAM, [q, k, down]) == 8 * (columns[q] ** 2 + columns[down] ** 2)
    with pytest.raises(UsageError, match="must be of linears of the model, but got none"):
        measure_inputs(Model(), WINDOWS, "model", grams=["none", q])
    monkeypatch.setattr("tabulae.study.inputs.machine_memory", lambda: 100)
    with pytest.raises(UsageError, match="must fit the 100 bytes of this machine") as error:
        measure_inputs(Model(), WINDOWS, "model", grams=[q])
    assert "fewer linears" in error.value.hint


def test_progress_counts_windows() -> None:
    calls = []
    measure_inputs(Model(), WINDOWS, "model", progress=lambda *call: calls.append(call))
    assert calls == [("importance", done, 3) for done in (1, 2, 3)]


def test_inputs_that_overflow_when_squared_are_reported() -> None:
    name = "model.layers.0.mlp.up_proj.weight"
    huge = WEIGHTS | {name: WEIGHTS[name] * np.float32(1e38)}
    with pytest.raises(ModelError, match="finite"):
        measure_inputs(Model(PROGRAM, huge), WINDOWS, "model")


def test_what_is_saved_is_loaded_exactly(importance: Importance, path: Path, tmp_path: Path) -> None:
    found = load(path, "model", PROGRAM)
    assert (found.model, found.text, found.tokens) == (importance.model, importance.text, importance.tokens)
    assert found.values.keys() == importance.values.keys()
    for name, known in importance.values.items():
        np.testing.assert_array_equal(found.values[name].mean_square, known.mean_square, strict=True)
    save(found, tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == path.read_bytes()


Arrays = dict[str, np.ndarray]
MALFORMED: dict[str, tuple[Callable[[Arrays], object], str]] = {
    "missing linear": (lambda a: a.pop(FIRST), f"none for {FIRST}"),
    "unknown linear": (lambda a: a.update(more=a[FIRST]), "a linear of the model, but got more"),
    "NaN": (lambda a: a[FIRST].__setitem__(3, np.nan), "got nan at column 3"),
    "infinite": (lambda a: a[FIRST].__setitem__(0, np.inf), "got inf at column 0"),
    "negative": (lambda a: a[FIRST].__setitem__(63, -1), "got -1.0 at column 63"),
    "too short": (lambda a: a.update({FIRST: a[FIRST][:-1].copy()}), r"float32 \[64\], but got float32 \[63\]"),
    "a matrix": (lambda a: a.update({FIRST: a[FIRST][None]}), r"got float32 \[1, 64\]"),
    "another type": (lambda a: a.update({FIRST: a[FIRST].astype(np.float64)}), "got float64"),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_malformed_values_are_refused(path: Path, case: str) -> None:
    change, message = MALFORMED[case]
    from safetensors import safe_open

    with safe_open(path, framework="numpy") as file:
        metadata = file.metadata()
    arrays = load_file(path)
    change(arrays)
    save_file(arrays, path, metadata)
    with pytest.raises(UsageError, match=message) as error:
        load(path, "model", PROGRAM)
    assert error.value.hint == "measure the importance anew"


def test_another_model_and_other_records_are_refused(path: Path) -> None:
    with pytest.raises(UsageError, match="of the model other, but got one of model"):
        load(path, "other", PROGRAM)
    later = '{"version":2,"model":"model","text":"t","tokens":1}'
    cases = {None: "must hold a record", "[]": "must hold a record", "no": "must hold a record", later: "version"}
    arrays = load_file(path)
    for record, message in cases.items():
        save_file(arrays, path, None if record is None else {KEY: record})
        with pytest.raises(UsageError, match=message):
            load(path, "model", PROGRAM)


def test_files_that_are_none(importance: Importance, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no tensors at all")
    with pytest.raises(FileError, match="must be a safetensors file"):
        load(tmp_path / "text", "model", PROGRAM)
    with pytest.raises(FileError, match="must be readable"):
        load(tmp_path / "none", "model", PROGRAM)
    with pytest.raises(FileError, match="must be writable"):
        save(importance, tmp_path / "no" / "folder")


def test_an_expert_that_is_never_chosen_has_inputs_that_count_alike() -> None:
    program, weights = float_model("qwen3_moe")
    with LanguageModel(Binding(program, weights), None, threads=1) as model:
        found = measure_inputs(model, Windows(np.zeros((1, 3), np.int32), 1), "").values
    columns = {name: weights[name].shape[1] for name in found}
    assert {name: statistics.mean_square.shape for name, statistics in found.items()} == {
        name: (cols,) for name, cols in columns.items()
    }
    unseen = [name for name, statistics in found.items() if (statistics.mean_square == 1).all()]
    assert unseen and all(".experts." in name for name in unseen)
