"""What long work left behind is known by the epoch of the code, and not by its version alone."""

from pathlib import Path

import tabulae
from tabulae.epoch import CODE, EPOCH

SOURCE = Path(tabulae.__file__).parent


def test_the_code_names_version_and_epoch() -> None:
    assert f"tabulae {tabulae.__version__}, epoch {EPOCH}" == CODE


def test_nothing_else_speaks_of_the_version() -> None:
    """But the command that prints it."""
    speak = {str(path.relative_to(SOURCE)) for path in SOURCE.rglob("*.py") if "__version__" in path.read_text()}
    assert speak == {"__init__.py", "version.py", "epoch.py", "cli/main.py"}
