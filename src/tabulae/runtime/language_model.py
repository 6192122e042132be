"""The language model that people hold: text in, text out, float or table weights alike."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypedDict

import numpy as np

from tabulae.arithmetic.arrays import Float32s
from tabulae.closing import Closing
from tabulae.cores import available_cores
from tabulae.errors import ModelError, UsageError
from tabulae.runtime.binding import Binding
from tabulae.runtime.engine import Arithmetic, Engine
from tabulae.runtime.session import Session
from tabulae.text.data import TokenizerData
from tabulae.text.sampling import Sampler
from tabulae.text.stops import Stops
from tabulae.text.stream import Stream
from tabulae.text.tokenizer import Tokenizer

DEFAULT_CONTEXT = 2048  # the key/value cache of a small model stays below 100 MB


class Options(TypedDict, total=False):
    """How a model is run; nothing here changes what it says."""

    context: int | None  # tokens; default: 2,048 or what the model was trained for
    threads: int | None  # default: all cores
    arithmetic: Arithmetic
    isa: str  # default: the best that runs here


Stopped = Literal["end of text", "stop", "max tokens", "context"]


@dataclass(frozen=True)
class Piece:
    """One token as it was chosen, and the text that is certain since."""

    text: str  # often "": half a character, or what may begin a stop string
    token: int | None  # none in the last piece, which only brings text that was held back
    logprob: float | None = None  # natural logarithm of the token's probability by the model, before sampling
    stopped: Stopped | None = None  # in the last piece: why nothing follows


@dataclass(frozen=True)
class Generation:
    """What came out, and why it ended there."""

    text: str
    tokens: tuple[int, ...]
    stopped: Stopped
    logprobs: tuple[float, ...] | None = None  # of the tokens, where they were asked for

    def __str__(self) -> str:
        return self.text


class LanguageModel(Closing):
    """A decoder that can be asked for logits and text.

    Made by :func:`tabulae.load` and ``tabulae.open(model).load()``; a context manager. A KeyboardInterrupt at any
    moment leaves it usable: every call starts a sequence of its own.
    """

    def __init__(
        self,
        binding: Binding,
        vocabulary: TokenizerData | None,
        *,
        context: int | None = None,
        threads: int | None = None,
        arithmetic: Arithmetic = "auto",
        isa: str = "",
        on_close: Callable[[], None] | None = None,
    ) -> None:
        self._vocabulary = vocabulary
        self._on_close = on_close
        self.program = binding.decoder
        self.context = checked_context(context, binding.program.context)
        self.threads = available_cores() if threads is None else threads
        self.arithmetic: Arithmetic = arithmetic
        self._engine: Engine | None = Engine(binding, threads=self.threads, arithmetic=arithmetic, isa=isa)
        self.isa = self._engine.isa

    def session(self) -> Session:
        """A new, empty sequence; those of one model share its threads, and their calls take turns."""
        if self._engine is None:
            raise UsageError("model", "it must be open", "a closed model", "load it again")
        return Session(self._engine, self.context)

    def logits(self, tokens: Sequence[int], first: int = 0) -> Float32s:
        """Logits float32 [len(tokens) - first, vocabulary] of the tokens from ``first`` on, as one sequence."""
        return self.session().feed(tokens, wanted=first)

    @cached_property
    def tokenizer(self) -> Tokenizer:
        """The model's own tokenizer."""
        if self._vocabulary is None:
            raise ModelError("tokenizer", "the model must bring one", "none", "give token ids instead of text")
        return Tokenizer(self._vocabulary)

    def generate(
        self,
        prompt: str | Sequence[int],
        *,
        max_tokens: int = 256,
        sampler: Sampler | None = None,
        stream: Callable[[str], object] | None = None,
        session: Session | None = None,
        stop: Sequence[str] = (),
        logprobs: bool = False,
    ) -> Generation:
        """Continue ``prompt`` (text, or tokens as they are) until the end of text, ``max_tokens`` or the context.

        ``stream`` is called with every piece of text as it comes; everything else is as of :meth:`stream`.

        :raises UsageError: an empty prompt, or one that leaves no room in the context
        """
        pieces = []
        for piece in self.stream(
            prompt, max_tokens=max_tokens, sampler=sampler, session=session, stop=stop, logprobs=logprobs
        ):
            pieces.append(piece)
            if stream and piece.text:
                stream(piece.text)
        chosen = [piece for piece in pieces if piece.token is not None]
        found = tuple(piece.logprob for piece in chosen if piece.logprob is not None) if logprobs else None
        stopped = pieces[-1].stopped or "max tokens"
        text = "".join(piece.text for piece in pieces)
        return Generation(text, tuple(piece.token for piece in chosen if piece.token is not None), stopped, found)

    def stream(
        self,
        prompt: str | Sequence[int],
        *,
        max_tokens: int = 256,
        sampler: Sampler | None = None,
        session: Session | None = None,
        stop: Sequence[str] = (),
        logprobs: bool = False,
    ) -> Iterator[Piece]:
        """The continuation of ``prompt`` token by token; whoever stops asking has cancelled it.

        ``session`` goes on with a sequence. The text ends before the first of the strings ``stop``. A model without a
        tokenizer continues tokens: it knows no text and no end of it.

        >>> with tabulae.load(table) as lm:
        ...     [piece.token for piece in lm.stream("the inn", max_tokens=3)]
        [255, 255, 255, None]

        :raises UsageError: an empty prompt, or one that leaves no room in the context
        """
        ids = self.tokenizer.encode(prompt) if isinstance(prompt, str) else list(prompt)
        session = session or self.session()
        self._check_prompt(ids, session, max_tokens)
        return self._pieces(_chosen(session, ids, sampler or Sampler(), max_tokens), Stops(stop), max_tokens, logprobs)

    def _pieces(
        self, chosen: Iterator[tuple[int, Float32s]], stops: Stops, most: int, logprobs: bool
    ) -> Iterator[Piece]:
        decoder, ends = self._decoder()
        stopped: Stopped = "context"
        for count, (token, logits) in enumerate(chosen, 1):
            stopped = "max tokens" if count == most else "context"
            if token in ends:
                stopped = "end of text"
                break
            text = stops.push(decoder.push(token))
            yield Piece(text, token, log_probability(logits, token) if logprobs else None)
            if stops.found is not None:
                break
        rest = stops.push(decoder.finish())
        yield Piece(rest + stops.finish(), None, None, stopped if stops.found is None else "stop")

    def _decoder(self) -> tuple[Stream, tuple[int, ...]]:
        """What makes text of tokens, and the tokens that end it."""
        if self._vocabulary is None:
            return Stream(lambda ids: "", lambda id: False), ()
        return self.tokenizer.stream(), self.tokenizer.data.eos

    def _check_prompt(self, ids: list[int], session: Session, max_tokens: int) -> None:
        if not ids:
            raise UsageError("prompt", "it must have at least one token", "an empty prompt")
        if max_tokens < 1:
            raise UsageError("max-tokens", "at least one token must be asked for", max_tokens)
        room = session.context - session.position
        if len(ids) >= room:
            must = f"it must be shorter than the room in the context, {room} tokens"
            most = self.program.context
            hint = f"shorten it or raise the context, up to {most}" if self.context < most else "shorten it"
            raise UsageError("prompt", must, f"{len(ids)} tokens", hint)

    def close(self) -> None:
        """Let go of the weights and the file."""
        self._engine = None
        if self._on_close:
            self._on_close()
            self._on_close = None


def _chosen(session: Session, prompt: list[int], sampler: Sampler, most: int) -> Iterator[tuple[int, Float32s]]:
    """Sampled tokens and the logits they are of, one run each; ends where the context does."""
    logits = session.feed(prompt)
    for count in range(most):
        token = sampler.choose(logits[-1], session.tokens)
        yield token, logits[-1]
        if count + 1 == most or session.position == session.context:
            return
        logits = session.feed([token])


def log_probability(logits: Float32s, token: int) -> float:
    """``log softmax(logits)[token]``.

    >>> round(log_probability(np.float32([0, 0]), 1), 6)
    -0.693147
    """
    shifted = logits.astype(np.float64) - float(logits.max())
    return float(shifted[token] - np.log(np.exp(shifted).sum()))


def checked_context(wanted: int | None, trained: int) -> int:
    """The context to use: what is asked for, at most what the model was trained for."""
    if wanted is None:
        return min(DEFAULT_CONTEXT, trained)
    if not 1 <= wanted <= trained:
        raise UsageError("context", f"it must lie in 1..{trained}, what the model was trained for", wanted)
    return wanted
