"""Makes ``tests/fixtures/tiny_models.py`` importable, which the fixture script imports as its neighbour."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "fixtures"))
