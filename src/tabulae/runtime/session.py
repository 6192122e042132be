"""One sequence through a bound program: the key/value cache, taps."""

from collections.abc import Sequence

import numpy as np

from tabulae.arithmetic.arrays import Float32s
from tabulae.errors import UsageError
from tabulae.program.value import Int
from tabulae.runtime.buffers import stands
from tabulae.runtime.engine import Engine, Growth, Tap


class Session:
    """A sequence that grows by :meth:`feed`, on an engine that it may share with others.

    Calls from several threads take turns; a call from inside a tap, and a tap set during a run, are refused. A forked
    child may go on with it.
    """

    def __init__(self, engine: Engine, context: int) -> None:
        self.program, self.engine, self.context = engine.binding.decoder, engine, context
        self.sequence = engine.sequence(context)
        self.tokens: list[int] = []  # fed so far; what the cache holds
        self.taps: dict[int, Tap] = {}  # by weight

    def feed(self, tokens: Sequence[int], wanted: int | None = None) -> Float32s:
        """Append tokens; logits float32 [len(tokens) - wanted, vocabulary] of those from ``wanted`` on.

        Default: of the last one.

        :raises UsageError: a token that the vocabulary does not have, or no room in the context
        """
        with self.engine.turns.turn():
            growth = self.growth(self.checked(tokens), wanted)
            return self.engine.run([growth], "tokens", self.program.logits, taps=self.taps)[0]

    def run(self, value: str, rows: np.ndarray, *, begin: int, end: int, out: str, wanted: int = 0) -> Float32s:
        """Run operations ``begin`` to ``end`` alone on ``rows`` [n, width] of ``value``; the rows of ``out``.

        Of the states only those of these operations change; the sequence grows by n positions, whose tokens are not
        known (-1). ``wanted`` is the first position that operations behind a selection run on.

        :raises UsageError: no such value or operations; operations that read more than it, or an output that is not
            theirs; rows of another type or width; no room in the context
        """
        with self.engine.turns.turn():
            self._check_run(value, rows, begin, end, out)
            return self.engine.run([self.growth(rows, wanted)], value, out, slice(begin, end), self.taps)[0]

    def growth(self, rows: np.ndarray, wanted: int | None = None) -> Growth:
        """By ``rows`` that were checked; outputs of those from ``wanted`` on, by default of the last."""
        wanted = len(rows) - 1 if wanted is None else wanted
        if not 0 <= wanted <= len(rows):
            raise UsageError("logits", f"the first position wanted must lie in 0..{len(rows)}", wanted)
        return Growth(self.sequence, self.tokens, rows, wanted)

    def _check_run(self, value: str, rows: np.ndarray, begin: int, end: int, out: str) -> None:
        program, have = self.program, self.program.values
        for name in (value, out):
            if name not in have:
                raise UsageError("run", "the program must have the value", name, f"accepted: {', '.join(have)}")
        if not 0 <= begin <= end <= len(program.operations):
            raise UsageError("run", f"operations must lie in 0..{len(program.operations)}", f"{begin}:{end}")
        lacking = [name for name in program.needs(begin, end) if name != value]
        if lacking:
            raise UsageError("run", f"operations {begin}:{end} must read {value} alone", ", ".join(lacking[:3]))
        if not stands(program, self.engine.binding.buffers, value, out, begin, end):
            must = f"{out} must be given or written by then, and no other value stand in its memory since"
            raise UsageError("run", must, f"operations {begin}:{end}")
        kind, width = have[value].type, have[value].width
        dtype = np.int32 if isinstance(kind, Int) else np.float32
        if rows.dtype != dtype or rows.ndim != 2 or rows.shape[1] != width or not len(rows):
            must = f"rows must be {np.dtype(dtype)} [n, {width}]"
            raise UsageError("run", must, f"{rows.dtype} {list(rows.shape)}")
        if isinstance(kind, Int) and not (rows.min() >= kind.interval()[0] and rows.max() <= kind.interval()[1]):
            raise UsageError("run", f"{value} must lie in {kind.interval()}", (int(rows.min()), int(rows.max())))
        self._must_have_room(len(rows))

    def tap(self, linear: str, callback: Tap | None) -> None:
        """Show every input of a linear to ``callback``, which may replace it; None takes the tap off.

        :raises UsageError: there is no such linear, or the session runs
        """
        if linear not in self.program.linears():
            some = ", ".join(self.program.linears()[:3])
            raise UsageError("tap", "the linear must exist", linear, f"linears are named like {some}")
        index = self.engine.binding.indices[linear]
        with self.engine.turns.turn(wait=False):
            if callback is None:
                self.taps.pop(index, None)
            else:
                self.taps[index] = callback

    def read_plainly(self, cached: int) -> int:
        """Read what one token reads with ``cached`` positions in the cache, by the same threads, and compute nothing.

        The number of bytes: all of every linear, as it lies in memory, and the cache. The yardstick of speed figures.

        :raises UsageError: more positions than the context has
        """
        if not 0 <= cached <= self.context:
            raise UsageError("plain read", f"the cached positions must lie in 0..{self.context}", cached)
        return self.engine.read_plainly(self.sequence, cached)

    @property
    def position(self) -> int:
        """How many tokens were fed so far."""
        return len(self.tokens)

    @property
    def cache_bytes_per_token(self) -> int:
        """What every token adds to the key/value cache."""
        return sum(4 * state.width for state in self.program.states.values() if state.per_position)

    def rewind(self, position: int = 0) -> None:
        """Forget all tokens from ``position`` on; the cache before it stays."""
        with self.engine.turns.turn():
            if not isinstance(position, int) or not 0 <= position <= self.position:
                raise UsageError("rewind", f"the position must lie in 0..{self.position}", position)
            del self.tokens[position:]

    def _must_have_room(self, more: int) -> None:
        if self.position + more > self.context:
            have = self.position + more
            raise UsageError("context", f"the sequence must fit {self.context} tokens", have, "give a larger context")

    def checked(self, tokens: Sequence[int]) -> np.ndarray:
        """Tokens as the engine takes them, int32 [n].

        :raises UsageError: none, no integers, one that the vocabulary does not have, or no room in the context
        """
        ids = np.asarray(list(tokens))
        vocabulary = self.program.vocabulary
        if ids.ndim != 1 or (ids.size and ids.dtype.kind not in "iu"):
            got = f"{ids.dtype} {list(ids.shape)}"
            raise UsageError("tokens", "they must be a list of integers", got, "encode text with model.tokenizer")
        if not len(ids):
            raise UsageError("tokens", "there must be at least one token", "none")
        if ids.min() < 0 or ids.max() >= vocabulary:
            worst = int(ids.min() if ids.min() < 0 else ids.max())
            raise UsageError("tokens", f"every token must lie in 0..{vocabulary - 1}", worst)
        self._must_have_room(len(ids))
        return ids.astype(np.int32)
