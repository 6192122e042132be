"""A folder imports only from those above it (docs/architecture.md), and nothing imports what it must not."""

import ast
import re
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src" / "tabulae"
PAGE = (SOURCE.parents[1] / "docs" / "architecture.md").read_text("utf-8")
LISTED = re.search(r"^src/tabulae/\n(.*?)^native/\n", PAGE, re.MULTILINE | re.DOTALL)[1]
ORDER = re.findall(r"^  (\w+)/ ", LISTED, re.MULTILINE)
BASE = {*re.findall(r"^  (\w+)\.py ", LISTED, re.MULTILINE), "_native"}


def imports(path):
    """Names of the folders of tabulae that a file imports at its top level or inside functions."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "tabulae":
            parts = node.module.split(".")
            yield from [parts[1]] if len(parts) > 1 else [a.name for a in node.names]
        elif isinstance(node, ast.Import):
            yield from (a.name.split(".")[1] for a in node.names if a.name.startswith("tabulae."))


@pytest.mark.parametrize("folder", [name for name in ORDER if (SOURCE / name).is_dir()])
def test_imports_go_up(folder):
    allowed = BASE | set(ORDER[: ORDER.index(folder) + 1])
    for path in (SOURCE / folder).rglob("*.py"):
        wrong = set(imports(path)) - allowed
        assert not wrong, f"{path.relative_to(SOURCE)} imports {wrong}"


def test_every_folder_has_its_place():
    folders = {path.name for path in SOURCE.iterdir() if path.is_dir() and not path.name.startswith("_")}
    assert folders == set(ORDER)
    assert {path.stem for path in SOURCE.glob("*.py")} - {"__init__"} == BASE - {"_native"}


def test_types_of_arrays_have_one_home():
    """Nobody says them otherwise, and everybody has them from where they are defined."""
    home = SOURCE / "arithmetic" / "arrays.py"
    types = dict(re.findall(r"^(\w+) = (npt\.NDArray\[.*\])$", home.read_text(), re.MULTILINE))
    assert len(types) > 5
    root = SOURCE.parents[1]
    for path in (path for folder in ("src", "tests", "benchmarks") for path in (root / folder).rglob("*.py")):
        said = [kind for kind in types.values() if kind in path.read_text() and path != home]
        places = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ImportFrom)]
        borrowed = {node.module for node in places for name in node.names if name.name in types}
        assert not said and borrowed <= {"tabulae.arithmetic.arrays"}, f"{path}: {said}, {borrowed}"
