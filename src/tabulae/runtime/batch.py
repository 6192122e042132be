"""Several sequences in one batch: every pass over the weights serves all of them."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from tabulae.arithmetic.arrays import Float32s
from tabulae.errors import UsageError
from tabulae.runtime.engine import BATCH, Part
from tabulae.runtime.session import Session


class _Slice(NamedTuple):
    """Some of the tokens of one request."""

    request: int
    tokens: np.ndarray
    is_last: bool


def feed_together(requests: Sequence[tuple[Session, Sequence[int]]]) -> list[Float32s]:
    """Append tokens to sequences that share an engine; the logits [vocabulary] of the last token of each.

    The numbers are those of every sequence fed alone, to the bit.

    >>> with tabulae.load(table) as lm:
    ...     one, two = lm.session(), lm.session()
    ...     together = feed_together([(one, [5, 6, 7]), (two, [8])])
    ...     together[1].shape, bool((together[0] == lm.logits([5, 6, 7])[-1]).all())
    ((300,), True)

    :raises UsageError: as of :meth:`Session.feed`; sessions of several engines, one that is tapped, or one twice
    """
    if not requests:
        return []
    sessions = [session for session, _ in requests]
    engine = sessions[0].engine
    _must("share one engine", all(session.engine is engine for session in sessions))
    _must("be different", len({id(session) for session in sessions}) == len(sessions))
    _must("have no taps", not any(session.taps for session in sessions))
    with engine.turns.turn():
        ids = [session.checked(tokens) for session, tokens in requests]
        found: dict[int, Float32s] = {}
        for batch in _batches(ids):
            found |= _run(sessions, batch)
    return [found[request] for request in range(len(requests))]


def _run(sessions: list[Session], batch: list[_Slice]) -> dict[int, Float32s]:
    """Logits of the requests that end in this batch."""
    engine, program = sessions[0].engine, sessions[0].program
    parts = []
    for request, tokens, is_last in batch:
        n, session = len(tokens), sessions[request]
        parts.append(Part(session.sequence, n, session.position, n - is_last))
    ids = np.concatenate([one.tokens for one in batch])
    logits = engine.run(parts, {"tokens": ids}, program.logits)
    for request, tokens, _ in batch:
        sessions[request].tokens += tokens.tolist()
    return dict(zip((one.request for one in batch if one.is_last), logits, strict=True))


def _batches(ids: list[np.ndarray]) -> Iterator[list[_Slice]]:
    """All tokens, in order, in batches that the engine takes."""
    batch: list[_Slice] = []
    room = BATCH
    for request, tokens in enumerate(ids):
        done = 0
        while done < len(tokens):
            taken = tokens[done : done + room]
            done, room = done + len(taken), room - len(taken)
            batch.append(_Slice(request, taken, done == len(tokens)))
            if room == 0:
                yield batch
                batch, room = [], BATCH
    if batch:
        yield batch


def _must(what: str, holds: bool) -> None:
    if not holds:
        raise UsageError("batch", f"its sessions must {what}", "others")
