"""Several sequences in one batch: every pass over the weights serves all of them."""

from collections.abc import Sequence

from tabulae.arithmetic.arrays import Float32s
from tabulae.errors import UsageError
from tabulae.runtime.session import Session


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
        growths = [session.growth(session.checked(tokens)) for session, tokens in requests]
        return [rows[0] for rows in engine.run(growths, "tokens", sessions[0].program.logits)]


def _must(what: str, holds: bool) -> None:
    if not holds:
        raise UsageError("batch", f"its sessions must {what}", "others")
