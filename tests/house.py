"""Sizes of the house, how long functions and files are, and its circles, modules that import one another.

Aim: functions mostly under 10 lines, nine in ten under 35, files of 100 to 300 lines, no circle, be it by an import
inside a function or for types alone. Prints; fails at a circle, and at sizes that nobody could have meant.
"""

import ast
import statistics
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src"
LONGEST_FUNCTION, LONGEST_FILE = 60, 400


def functions(path: Path) -> list[tuple[int, str]]:
    """Length and place of every function of a file."""
    tree = ast.parse(path.read_text())
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return [
        (n.end_lineno - n.lineno + 1, f"{path}:{n.lineno} {n.name}") for n in ast.walk(tree) if isinstance(n, kinds)
    ]


def imported(path: Path, known: set[str]) -> set[str]:
    """The modules that a file imports; a name that is none is one of its package's."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            inner = (f"{node.module}.{alias.name}" for alias in node.names)
            found |= {name if name in known else node.module for name in inner}
    return found & known


def circle() -> list[str]:
    """Modules of which each imports the one before it, if there are such."""
    paths = [*SOURCE.rglob("*.py"), *SOURCE.rglob("*.pyi")]
    names = {".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__"): path for path in paths}
    graph = {name: imported(path, set(names)) - {name} for name, path in names.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        found: list[str] = error.args[1]
        return found
    return []


def main() -> int:
    """Print sizes and circles; 1 where a function or file is far too long, or modules import one another."""
    files = sorted(SOURCE.rglob("*.py"))
    lengths = sorted(length for path in files for length, _ in functions(path))
    tenth = lengths[int(0.9 * len(lengths))]
    print(
        f"{len(lengths)} functions in {len(files)} files: "
        f"median {statistics.median(lengths):.0f} lines, 9 in 10 <= {tenth}"
    )
    sources = [*files, *(p for p in (ROOT / "native").rglob("*") if p.suffix in {".cpp", ".h", ".inl"})]
    long_files = [(n, str(path)) for path in sources if (n := len(path.read_text().splitlines())) > LONGEST_FILE]
    long_functions = [f for path in files for f in functions(path) if f[0] > LONGEST_FUNCTION]
    for length, place in sorted(long_files + long_functions, reverse=True):
        print(f"  {length} lines: {place}")
    found = circle()
    if found:
        print(f"  a circle of imports: {' <- '.join(found)}")
    return 1 if long_files or long_functions or tenth > 35 or found else 0


if __name__ == "__main__":
    sys.exit(main())
