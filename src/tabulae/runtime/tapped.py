"""A model whose linears are listened to, or see other inputs than they would."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from tabulae.arithmetic.arrays import Float32s
from tabulae.program.graph import Decoder
from tabulae.runtime.engine import Tap
from tabulae.runtime.session import Session


class Tappable(Protocol):
    """The part of :class:`tabulae.runtime.language_model.LanguageModel` that taps need."""

    program: Decoder

    def session(self) -> Session:
        """A new, empty sequence."""
        ...


class Tapped:
    """``model`` with a tap on every linear that ``taps`` names, in every sequence."""

    def __init__(self, model: Tappable, taps: Mapping[str, Tap]) -> None:
        self._model = model
        self._taps = taps

    def logits(self, tokens: Sequence[int], first: int = 0) -> Float32s:
        """Logits float32 [len(tokens) - first, vocabulary]."""
        session = self._model.session()
        for linear, tap in self._taps.items():
            session.tap(linear, tap)
        return session.feed(tokens, wanted=first)
