"""Quality of a running model: KL, agreement and perplexity against a reference, live or stored.

>>> import numpy as np
>>> class Unigram:  # says the same at every position
...     def __init__(self, *probabilities):
...         self.row = np.log(np.float32(probabilities))
...     def logits(self, tokens, first=0):
...         return np.tile(self.row, (len(tokens) - first, 1))
>>> windows = cut([0, 1] * 8, bos=None, length=8, first=4)
>>> quality = evaluate(Unigram(0.75, 0.25), Unigram(0.5, 0.5), windows, kind="weights alone")
>>> print(quality.kl, quality.agreement, quality.tokens)
0.14384 +- 0 1 +- 0 6
"""

from tabulae.evaluation.activations import activations_alone
from tabulae.evaluation.evaluate import Candidate, Kind, Quality, difference, evaluate, evaluate_all, perplexity
from tabulae.evaluation.reference import Reference, record
from tabulae.evaluation.value import Value
from tabulae.evaluation.windows import Windows, cut, cut_text
from tabulae.runtime.tapped import Tapped

__all__ = [
    "Candidate",
    "Kind",
    "Quality",
    "Reference",
    "Tapped",
    "Value",
    "Windows",
    "activations_alone",
    "cut",
    "cut_text",
    "difference",
    "evaluate",
    "evaluate_all",
    "perplexity",
    "record",
]
