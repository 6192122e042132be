"""A kind of trained model that nobody knew: one file, found by its folder, and all of the house runs it."""

import json
import sys

import numpy as np
import pytest
from tiny_folder import write_folder

import tabulae
from tabulae import sources
from tabulae.sources import open_source

ARCHIVE = '''
"""Arrays in an .npz archive with the names of Hugging Face, and their config.json as text."""

import json

import numpy as np

from tabulae.closing import Closing

ACCEPTS = "an archive (*.npz)"


def accepts(path):
    return path.suffix == ".npz"


def open_model(path):
    return Archive(path)


class Archive(Closing):
    kind = "huggingface"

    def __init__(self, path):
        self.path, self._arrays = path, dict(np.load(path))
        self.metadata = json.loads(str(self._arrays.pop("config")))
        self.family, self.names = self.metadata["model_type"], tuple(self._arrays)

    def shape(self, name):
        return self._arrays[name].shape

    def dtype(self, name):
        return "F32"

    def nbytes(self, name):
        return self._arrays[name].nbytes

    def read(self, name, rows=None):
        return self._arrays[name][rows or slice(None)].copy()

    def vocabulary(self):
        return None

    def provenance(self, *, sampled=False):
        return {"file": self.path.name, "bytes": "0", "xxh3_128": "0" * 32}

    def close(self):
        pass
'''


@pytest.fixture
def archive(tmp_path, monkeypatch):
    """A folder's model as an archive, and the file that reads such ones among the sources."""
    (tmp_path / "kinds").mkdir()
    (tmp_path / "kinds" / "archive.py").write_text(ARCHIVE)
    monkeypatch.setattr(sources, "__path__", [*sources.__path__, str(tmp_path / "kinds")])
    monkeypatch.delitem(sys.modules, "tabulae.sources.archive", raising=False)
    with open_source(write_folder(tmp_path / "phi3", "phi3")) as folder:
        config = {**folder.metadata, "eos_token_id": None}
        arrays = {name: folder.read(name) for name in folder.names}
    np.savez(tmp_path / "model.npz", config=np.array(json.dumps(config)), **arrays)
    yield tmp_path / "model.npz", tmp_path / "phi3"
    sys.modules.pop("tabulae.sources.archive", None)


def test_it_is_opened_built_and_run(archive, tmp_path):
    path, folder = archive
    with tabulae.open(path) as ours, tabulae.open(folder) as theirs:
        assert ours.names == theirs.names and ours.program == theirs.program
        with ours.load(threads=1) as a, theirs.load(threads=1) as b:
            assert np.array_equal(a.logits([5, 6, 7]), b.logits([5, 6, 7]))
        built = ours.build(tmp_path / "ours.tab"), theirs.build(tmp_path / "theirs.tab")
    with tabulae.load(built[0], threads=1) as a, tabulae.load(built[1], threads=1) as b:
        assert np.array_equal(a.logits([5, 6, 7]), b.logits([5, 6, 7]))
