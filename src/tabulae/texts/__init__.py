"""Texts that come with the package: one to calibrate with, where a user brings none.

It is small and mixed on purpose (articles, stories, talk, instructions, code, arithmetic, lists), written for this
package and used nowhere else: no test of any model has it, so nothing is measured on what was calibrated with.

>>> text = calibration()
>>> text.isascii(), len(text) // 1000
(True, 34)
"""

from importlib.resources import files


def calibration() -> str:
    """The text to calibrate with: 34 kB of English in ASCII, 8,700 tokens of SmolLM2's tokenizer."""
    return files(__name__).joinpath("calibration.txt").read_text(encoding="ascii")
