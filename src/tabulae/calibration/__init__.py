"""Adjusting weights before they get their formats: lossless passes, and statistical pre-calibration.

A pass rewrites a program and its tensors so that the float model computes the same, and its tensors lose less when they
are rounded. Nothing here runs a model; programs, tensors and importance come in as data.
"""

from tabulae.calibration.column_scales import column_scales
from tabulae.calibration.draft import Draft
from tabulae.calibration.fold_norms import fold_norms
from tabulae.calibration.passes import parse_pass, run
from tabulae.calibration.rotate_heads import rotate_heads
from tabulae.calibration.rotate_residual import rotate_residual
from tabulae.calibration.sort_hidden import sort_hidden
from tabulae.calibration.split_rows import split_rows
from tabulae.calibration.spread_residual import spread_residual
from tabulae.calibration.untie import bridge, untie

__all__ = [
    "Draft",
    "bridge",
    "column_scales",
    "fold_norms",
    "parse_pass",
    "rotate_heads",
    "rotate_residual",
    "run",
    "sort_hidden",
    "split_rows",
    "spread_residual",
    "untie",
]
