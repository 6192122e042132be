import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from tabulae.errors import FileError
from tabulae.evaluation import Reference, Windows, record
from tabulae.evaluation.reference_file import KEY, _hash, load, save

Make = Callable[..., object]
HEADER = 1024  # bytes at most, once for the file


@pytest.fixture
def reference(bigram: Make, windows: Windows) -> Reference:
    return record(bigram(), windows, "a model")


@pytest.fixture
def path(reference: Reference, tmp_path: Path) -> Path:
    save(reference, tmp_path / "r.safetensors")
    return tmp_path / "r.safetensors"


def protocol(vocabulary: int) -> Reference:
    """Two windows of the protocol with the ids that a vocabulary allows."""
    rng = np.random.default_rng(0)
    tokens = rng.integers(0, vocabulary, (2, 512)).astype(np.int32)
    ids = rng.integers(0, vocabulary, (2, 255, 128)).astype(np.uint32)
    log_probs, surprise = -rng.random(ids.shape, np.float32), rng.random(ids.shape[:2], np.float32)
    return Reference("a model", vocabulary, Windows(tokens, 256), ids, log_probs, surprise)


@pytest.mark.parametrize(("vocabulary", "bytes_per_token"), [(65_536, 768), (65_537, 896), (1 << 24, 896)])
def test_a_scored_token_takes_less_than_one_kibibyte(tmp_path: Path, vocabulary: int, bytes_per_token: int) -> None:
    save(protocol(vocabulary), tmp_path / "r")
    arrays = 2 * 255 * (bytes_per_token + 4) + 2 * 512 * 4  # top k, surprise; the windows
    size = (tmp_path / "r").stat().st_size
    assert arrays < size <= arrays + HEADER
    assert size - HEADER <= 1024 * 2 * 255


@pytest.mark.parametrize("vocabulary", [300, 65_536, 65_537, 1 << 24])
def test_round_trip(tmp_path: Path, vocabulary: int) -> None:
    before = protocol(vocabulary)
    save(before, tmp_path / "r")
    after = load(tmp_path / "r")
    assert (after.model, after.vocabulary) == (before.model, before.vocabulary)
    assert after.windows.fingerprint == before.windows.fingerprint
    for name in ("ids", "log_probs", "surprise"):
        np.testing.assert_array_equal(getattr(after, name), getattr(before, name))
        assert getattr(after, name).dtype == getattr(before, name).dtype


def test_same_reference_same_bytes(reference: Reference, path: Path, tmp_path: Path) -> None:
    save(load(path), tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == path.read_bytes()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["again", "r.safetensors"]


def test_a_missing_file_and_an_unwritable_one(reference: Reference, tmp_path: Path) -> None:
    with pytest.raises(FileError, match="must be readable"):
        load(tmp_path / "none")
    with pytest.raises(FileError, match="must be writable"):
        save(reference, tmp_path / "no" / "folder")


def test_every_truncation_is_refused(path: Path, tmp_path: Path) -> None:
    data = path.read_bytes()
    for length in [*range(0, min(len(data), 900)), *range(900, len(data), 997)]:
        (tmp_path / "cut").write_bytes(data[:length])
        with pytest.raises(FileError):
            load(tmp_path / "cut")


def test_altered_data_are_refused(path: Path, tmp_path: Path) -> None:
    data = bytearray(path.read_bytes())
    start = 8 + int.from_bytes(data[:8], "little")
    for position in range(start, len(data), 211):
        altered = data.copy()
        altered[position] ^= 1
        (tmp_path / "altered").write_bytes(altered)
        with pytest.raises(FileError, match="record the reference anew"):
            load(tmp_path / "altered")


Change = Callable[[dict[str, Any], dict[str, np.ndarray]], object]
MALFORMED: dict[str, tuple[Change, str]] = {
    "version": (lambda record, arrays: record.update(version=2), "version must be 1"),
    "vocabulary too small": (lambda record, arrays: record.update(vocabulary=5), "token must be in the vocabulary"),
    "no vocabulary": (lambda record, arrays: record.update(vocabulary=0), "1 to 2\\^24"),
    "wide without high bytes": (lambda record, arrays: record.update(vocabulary=1 << 17), "tensors must be"),
    "first": (lambda record, arrays: record.update(first=11), "positions to score"),
    "negative first": (lambda record, arrays: record.update(first=-1), "positions to score"),
    "another first": (lambda record, arrays: record.update(first=5), "shapes \\[3, 6, k\\]"),
    "unknown field": (lambda record, arrays: record.update(more=1), "must hold a record"),
    "wrong type": (lambda record, arrays: record.update(model=1), "must hold a record"),
    "tensor missing": (lambda record, arrays: arrays.pop("surprise"), "tensors must be"),
    "tensor too many": (lambda record, arrays: arrays.update(more=np.zeros(1)), "tensors must be"),
    "type": (lambda record, arrays: arrays.update(surprise=np.zeros((3, 5))), "each of its type"),
    "shape": (lambda record, arrays: arrays.update(surprise=np.zeros((3, 4), np.float32)), "shapes"),
    "scalar": (lambda record, arrays: arrays.update(ids_low=np.zeros((), np.uint16)), "shapes"),
    "no tokens": (lambda record, arrays: arrays.update(tokens=np.zeros((0, 12), np.int32)), "positions to score"),
    "token": (lambda record, arrays: arrays["tokens"].__setitem__((0, 0), 300), "0 to 300|to 300"),
    "negative token": (lambda record, arrays: arrays["tokens"].__setitem__((0, 0), -1), "got -1"),
    "id": (lambda record, arrays: arrays["ids_low"].__setitem__((0, 0, 0), 300), "id must be in the vocabulary"),
    "nan": (lambda record, arrays: arrays["log_probs"].__setitem__((0, 0, 0), np.nan), "must be finite"),
    "infinite": (lambda record, arrays: arrays["surprise"].__setitem__((0, 0), np.inf), "must be finite"),
    "positive": (lambda record, arrays: arrays["log_probs"].__setitem__((0, 0, 0), 1), "at most 0"),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_malformed_files_are_refused_though_their_hash_fits(path: Path, case: str) -> None:
    change, message = MALFORMED[case]
    arrays = load_file(path)
    rewrite(path, arrays, change)
    with pytest.raises(FileError, match=message):
        load(path)


def test_other_safetensors_and_other_metadata_are_refused(path: Path, tmp_path: Path) -> None:
    arrays = load_file(path)
    for metadata in (None, {KEY: "not json"}, {KEY: "[]"}, {"other": "{}"}):
        save_file(arrays, tmp_path / "other", metadata)
        with pytest.raises(FileError, match="must hold a record"):
            load(tmp_path / "other")
    (tmp_path / "text").write_text("no model at all")
    with pytest.raises(FileError, match="must be a safetensors file"):
        load(tmp_path / "text")


def rewrite(path: Path, arrays: dict[str, np.ndarray], change: Change) -> None:
    """The same file with a change and a hash that fits it."""
    data = path.read_bytes()
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    found = json.loads(header["__metadata__"][KEY])
    change(found, arrays)
    found["hash"] = _hash(arrays)
    save_file(arrays, path, {KEY: json.dumps(found)})
