"""A reference model's predictions, kept so that later comparisons need not run it again.

Of each scored position the 128 most probable tokens stay, with their log-probabilities; all others are one bucket.
That is 780 bytes a scored token under the protocol (908 where token ids need 24 bits) instead of 4 bytes times the
vocabulary. The windows themselves are kept too: a stored reference is all that a comparison needs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tabulae.arithmetic.arrays import Float32s
from tabulae.errors import UsageError
from tabulae.evaluation.kl import normaliser, surprise
from tabulae.evaluation.task import Model
from tabulae.evaluation.top_k import K, TopK
from tabulae.evaluation.windows import Windows
from tabulae.progress import Progress, silent

LARGEST_VOCABULARY = 1 << 24  # token ids are stored in 16 or 24 bits


@dataclass(frozen=True, eq=False)
class Reference:
    """What :func:`record` keeps and ``reference_file`` saves and loads."""

    model: str  # what was run: a name with the hash of its file
    vocabulary: int
    windows: Windows
    ids: npt.NDArray[np.uint32]  # [windows, scored, k], the most probable first
    log_probs: Float32s  # [windows, scored, k]
    surprise: Float32s  # -ln p(target) [windows, scored]

    def top(self, window: int) -> TopK:
        """The distributions of one window."""
        return TopK(self.ids[window], self.log_probs[window])


def record(model: Model, windows: Windows, name: str, *, k: int = K, progress: Progress = silent) -> Reference:
    """Run ``model`` over all windows and keep its k most probable tokens; ``name`` says later what was run.

    :raises UsageError: k outside 1..128, or more than 2^24 tokens in the vocabulary
    """
    if not 1 <= k <= K:
        raise UsageError("reference", f"1 to {K} tokens may be kept of a distribution", k)
    tops, surprises = [], []
    for window in range(len(windows)):
        logits = windows.run(model, window)
        check_vocabulary(logits.shape[1])
        norm = normaliser(logits)
        tops.append(TopK.of(logits, norm, k))
        surprises.append(surprise(logits, windows.targets(window), norm))
        progress("windows", window + 1, len(windows))
    ids, log_probs = np.stack([top.ids for top in tops]), np.stack([top.log_probs for top in tops])
    return Reference(name, logits.shape[1], windows, ids, log_probs, np.stack(surprises).astype(np.float32))


def check_vocabulary(vocabulary: int) -> None:
    """Refuse what 24 bits cannot number."""
    if not 1 <= vocabulary <= LARGEST_VOCABULARY:
        raise UsageError("reference", "the vocabulary must have 1 to 2^24 tokens", vocabulary)
