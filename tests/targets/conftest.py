"""Chips and their emulators are what benchmarks measure on, too."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
