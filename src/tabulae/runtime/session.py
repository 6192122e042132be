"""One sequence through a bound program: the key/value cache, batches, taps.

Batches are cut here and not in the native core, so that a long prompt can be interrupted between two of them; what
a position gives does not depend on the cut.
"""

import os
import weakref
from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal

import numpy as np

from tabulae import _native
from tabulae.arithmetic.arrays import Float32s
from tabulae.errors import ModelError, UsageError
from tabulae.program.operations import Attention, Program
from tabulae.runtime.binding import Binding
from tabulae.runtime.turns import Turns

Arithmetic = Literal["auto", "multiply", "lookup"]
Tap = Callable[[Float32s], Float32s | None]  # inputs [n, cols] of one linear; may return others


class Session:
    """A sequence that grows by :meth:`feed`.

    ``threads`` and ``arithmetic`` and the ISA change the speed, never the logits. Calls from several threads take
    turns; a call from inside a tap, and a tap set during a run, are refused. A forked child may go on with it.
    """

    def __init__(
        self, binding: Binding, *, context: int, threads: int = 1, arithmetic: Arithmetic = "auto", isa: str = ""
    ) -> None:
        self.isa = check_options(threads, arithmetic, isa)
        self._binding = binding
        try:
            self._executor = _native.Executor(binding.native, context, threads, arithmetic == "lookup", self.isa)
        except (RuntimeError, MemoryError) as error:
            got = f"{threads} threads, {context} tokens: {error}"
            must = "there must be room for its threads and its cache"
            raise UsageError("session", must, got, "use fewer threads or a shorter context") from None
        self.context = context
        self.arithmetic = arithmetic
        self._turns = Turns()
        self.tokens: list[int] = []  # fed so far; what the cache holds
        self._taps: dict[str, Tap] = {}

    def feed(self, tokens: Sequence[int], wanted: int | None = None) -> Float32s:
        """Append tokens; logits float32 [len(tokens) - wanted, vocabulary] of those from ``wanted`` on.

        Default: of the last one.

        :raises UsageError: a token that the vocabulary does not have, or no room in the context
        """
        with self._turns.turn():
            return self._feed(self._checked(tokens), wanted)

    def _feed(self, ids: np.ndarray, wanted: int | None) -> Float32s:
        wanted = len(ids) - 1 if wanted is None else wanted
        if not 0 <= wanted <= len(ids):
            raise UsageError("logits", f"the first position wanted must lie in 0..{len(ids)}", wanted)
        pieces = []
        for begin in range(0, len(ids), _native.BATCH):
            batch = ids[begin : begin + _native.BATCH]
            pieces.append(self._forward(batch, min(max(wanted - begin, 0), len(batch))))
            self.tokens += batch.tolist()
        return np.concatenate(pieces) if len(pieces) > 1 else pieces[0]

    def tap(self, linear: str, callback: Tap | None) -> None:
        """Show every input of a linear to ``callback``, which may replace it; None takes the tap off.

        :raises UsageError: there is no such linear, or the session runs
        """
        if linear not in self._binding.program.linears():
            some = ", ".join(self._binding.program.linears()[:3])
            raise UsageError("tap", "the linear must exist", linear, f"linears are named like {some}")
        index = self._binding.indices[linear]
        with self._turns.turn(wait=False):
            if callback is None:
                self._executor.tap(index, None)
                self._taps.pop(linear, None)
            else:
                self._executor.tap(index, partial(_tapped, weakref.ref(self), linear))
                self._taps[linear] = callback

    def read_plainly(self, cached: int) -> int:
        """Read what one token reads with ``cached`` positions in the cache, by the same threads, and compute nothing.

        The number of bytes: all of every linear, as it lies in memory, and the cache. The yardstick of speed figures.

        :raises UsageError: more positions than the context has
        """
        if not 0 <= cached <= self.context:
            raise UsageError("plain read", f"the cached positions must lie in 0..{self.context}", cached)
        with self._turns.turn():
            return self._executor.read_plainly(cached)

    @property
    def program(self) -> Program:
        """What it runs."""
        return self._binding.program

    @property
    def position(self) -> int:
        """How many tokens were fed so far."""
        return len(self.tokens)

    @property
    def cache_bytes_per_token(self) -> int:
        """What every token adds to the key/value cache."""
        layers = (op for op in self._binding.program.operations if isinstance(op, Attention))
        return sum(2 * 4 * op.kv_heads * op.head for op in layers)

    def rewind(self, position: int = 0) -> None:
        """Forget all tokens from ``position`` on; the cache before it stays."""
        with self._turns.turn():
            if not isinstance(position, int) or not 0 <= position <= self.position:
                raise UsageError("rewind", f"the position must lie in 0..{self.position}", position)
            del self.tokens[position:]

    def _forward(self, batch: np.ndarray, wanted: int) -> Float32s:
        try:
            logits: Float32s = self._executor.forward(batch, self.position, wanted)
        except _native.NotFiniteError:
            hint = "the weights overflow, or a tap gave NaN or infinity"
            raise ModelError("run", "every input of a linear must be finite", "NaN or infinity", hint) from None
        return logits

    def _checked(self, tokens: Sequence[int]) -> np.ndarray:
        ids = np.asarray(list(tokens))
        vocabulary = self._binding.program.vocabulary
        if ids.ndim != 1 or (ids.size and ids.dtype.kind not in "iu"):
            got = f"{ids.dtype} {list(ids.shape)}"
            raise UsageError("tokens", "they must be a list of integers", got, "encode text with model.tokenizer")
        if not len(ids):
            raise UsageError("tokens", "there must be at least one token", "none")
        if ids.min() < 0 or ids.max() >= vocabulary:
            worst = int(ids.min() if ids.min() < 0 else ids.max())
            raise UsageError("tokens", f"every token must lie in 0..{vocabulary - 1}", worst)
        if self.position + len(ids) > self.context:
            have = self.position + len(ids)
            raise UsageError("context", f"the sequence must fit {self.context} tokens", have, "give a larger context")
        return ids.astype(np.int32)


def _tapped(session: "weakref.ref[Session]", linear: str, inputs: Float32s) -> Float32s | None:
    """Call a tap; the executor knows it only through its session, which it does not own.

    A callback that holds its session would make a circle through native code, which Python's collector cannot see.
    """
    owner = session()
    return None if owner is None else owner._taps[linear](inputs)


def check_options(threads: int, arithmetic: str, isa: str = "") -> str:
    """Refuse what cannot be run; the instruction set that ``isa`` ("": TABULAE_ISA, else the best) stands for."""
    if not isinstance(threads, int) or not 1 <= threads <= 1024:
        raise UsageError("threads", "there must be 1 to 1024 threads", threads)
    if arithmetic not in ("auto", "multiply", "lookup"):
        raise UsageError("arithmetic", "it must be known", arithmetic, "accepted: auto, multiply, lookup")
    isa = isa or os.environ.get("TABULAE_ISA", "")
    if isa not in ("", *_native.isas()):
        raise UsageError("isa", "it must run on this machine", isa, f"accepted: {', '.join(_native.isas())}")
    return isa or _native.isas()[0]
