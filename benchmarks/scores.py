"""Full KL window by window, one model in memory at a time; what is done is not done again.

A large vocabulary makes large logits (256 positions of 151,936 tokens: 155 MB a window), and two float models of a
billion parameters need not fit beside each other. So the reference's logits are written once, a file for each window,
and every candidate is then run alone; each window that is scored is a line of ``scores.jsonl``. Interrupted, the same
command goes on behind the last line.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from copy import copy
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tabulae.epoch import CODE
from tabulae.evaluation import Kind, Value, Windows, evaluate
from tabulae.evaluation.task import Model
from tabulae.evaluation.value import mean_of
from tabulae.study.journal import Journal

Open = Callable[[], AbstractContextManager[Model]]


@dataclass(frozen=True)
class Kept:
    """Logits of the scored positions of one window, as a model that was run; nothing else can be asked of it."""

    path: Path

    def logits(self, tokens: Sequence[int], first: int = 0) -> np.ndarray:
        """What was written."""
        return np.load(self.path)


class Scores:
    """A folder with a reference's logits and what candidates scored against them."""

    def __init__(self, folder: Path, windows: Windows, reference: str) -> None:
        """``reference``: its fingerprint; each has a folder of its own, and scores of another epoch are refused."""
        folder.mkdir(parents=True, exist_ok=True)
        self.windows = windows
        self._folder = folder / reference[:16]
        self._folder.mkdir(exist_ok=True)
        self._journal = Journal(self._folder / "scores.jsonl", f"{CODE}, {reference}")

    def first(self, count: int) -> "Scores":
        """The same with the first windows alone."""
        few = copy(self)
        few.windows = Windows(self.windows.tokens[:count], self.windows.first)
        return few

    def record(self, reference: Open) -> None:
        """Run the reference over the windows whose logits are not there yet."""
        with ExitStack() as stack:
            model = None
            for at in range(len(self.windows)):
                path, one = self._logits(at), self._one(at)
                if path.exists():
                    continue
                model = model or stack.enter_context(reference())
                with (part := path.with_suffix(".part")).open("wb") as file:
                    np.save(file, model.logits(one.inputs(0), one.first))
                part.replace(path)

    def kl(self, name: str, kind: Kind, candidate: Open) -> Value:
        """Mean and standard error over windows; ``name`` must say all that tells one candidate from another."""
        return mean_of(self.by_window(name, kind, candidate))

    def by_window(self, name: str, kind: Kind, candidate: Open) -> list[float]:
        """The mean of every window, to be paired with another candidate's."""
        found = []
        with ExitStack() as stack:
            model = None
            for at in range(len(self.windows)):
                key = f"{name} {kind} {self._one(at).fingerprint}"
                if self._journal.get(key) is None:
                    model = model or stack.enter_context(candidate())
                    self._journal.put(key, self._score(model, kind, at))
                value = self._journal.get(key)
                assert value is not None
                found.append(value.mean)
        return found

    def _score(self, model: Model, kind: Kind, at: int) -> Value:
        quality = evaluate(model, Kept(self._logits(at)), self._one(at), kind=kind)
        assert quality.kl is not None
        return quality.kl

    def _one(self, at: int) -> Windows:
        return Windows(self.windows.tokens[at : at + 1], self.windows.first)

    def _logits(self, at: int) -> Path:
        return self._folder / f"{self._one(at).fingerprint}.npy"
