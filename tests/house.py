"""Sizes of the house: how long functions and files are. Prints; fails only where nobody could have meant it.

Aim: functions mostly under 10 lines, nine in ten under 35, files of 100 to 300 lines.
"""

import ast
import statistics
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
LONGEST_FUNCTION, LONGEST_FILE = 60, 400


def functions(path: Path) -> list[tuple[int, str]]:
    """Length and place of every function of a file."""
    tree = ast.parse(path.read_text())
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return [
        (n.end_lineno - n.lineno + 1, f"{path}:{n.lineno} {n.name}") for n in ast.walk(tree) if isinstance(n, kinds)
    ]


def main() -> int:
    """Print the sizes; 1 where a function or file is far too long."""
    files = sorted((ROOT / "src").rglob("*.py"))
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
    return 1 if long_files or long_functions or tenth > 35 else 0


if __name__ == "__main__":
    sys.exit(main())
