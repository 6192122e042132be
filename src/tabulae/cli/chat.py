"""``tabulae run m.tab --chat``: a conversation, a turn per line."""

import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from tabulae.cli.output import say_limit, show
from tabulae.cli.signals import signals
from tabulae.errors import Terminated, UsageError

if TYPE_CHECKING:
    from tabulae.runtime.language_model import LanguageModel
    from tabulae.runtime.session import Session
    from tabulae.text.sampling import Sampler

Message = dict[str, str]


def converse(lm: "LanguageModel", sampler: "Sampler", max_tokens: int) -> None:
    """Take turns until an empty line or the end of input; an answer that does not fit is not the end of it."""
    if sys.stdin.isatty():
        with suppress(ImportError):
            import readline  # noqa: F401  arrow keys and history
    messages: list[Message] = []
    session = lm.session()
    while text := _ask():
        turn: list[Message] = [*messages, {"role": "user", "content": text}]
        try:
            messages = [*turn, {"role": "assistant", "content": _answer(lm, session, turn, sampler, max_tokens)}]
        except UsageError as error:
            print(f"{error}; this turn is forgotten", file=sys.stderr)
        except Terminated:
            raise
        except KeyboardInterrupt:
            signals.handled()
            print("\n[stopped; this turn is forgotten]", file=sys.stderr)


def _answer(
    lm: "LanguageModel", session: "Session", messages: list[Message], sampler: "Sampler", max_tokens: int
) -> str:
    """The whole conversation is templated anew, but what the cache holds of it is not run again."""
    ids = lm.tokenizer.encode(lm.tokenizer.chat(messages), bos=False)
    session.rewind(_common(session.tokens, ids[:-1]))
    out = lm.generate(ids[session.position :], max_tokens=max_tokens, sampler=sampler, stream=show, session=session)
    print(flush=True)
    say_limit(out)
    return out.text


def _ask() -> str:
    try:
        return (input("> ") if sys.stdin.isatty() else sys.stdin.readline()).strip()
    except EOFError:
        print(flush=True)
        return ""


def _common(a: list[int], b: list[int]) -> int:
    """How many tokens two sequences begin with alike.

    >>> _common([1, 2, 3], [1, 2, 4, 5])
    2
    """
    return next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
