"""The language model that people hold: text in, text out, float or table weights alike."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypedDict

from tabulae.arithmetic.arrays import Float32s
from tabulae.closing import Closing
from tabulae.cores import available_cores
from tabulae.errors import ModelError, UsageError
from tabulae.runtime.binding import Binding
from tabulae.runtime.session import Arithmetic, Session, check_options
from tabulae.text.data import TokenizerData
from tabulae.text.sampling import Sampler
from tabulae.text.stream import Stream
from tabulae.text.tokenizer import Tokenizer

DEFAULT_CONTEXT = 2048  # the key/value cache of a small model stays below 100 MB


class Options(TypedDict, total=False):
    """How a model is run; nothing here changes what it says."""

    context: int | None  # tokens; default: 2,048 or what the model was trained for
    threads: int | None  # default: all cores
    arithmetic: Arithmetic
    isa: str  # default: the best that runs here


@dataclass(frozen=True)
class Generation:
    """What came out, and why it ended there."""

    text: str
    tokens: tuple[int, ...]
    stopped: Literal["end of text", "max tokens", "context"]

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
        self._binding: Binding | None = binding
        self._vocabulary = vocabulary
        self._on_close = on_close
        self.program = binding.program
        self.context = checked_context(context, binding.program.context)
        self.threads = available_cores() if threads is None else threads
        self.arithmetic: Arithmetic = arithmetic
        self.isa = check_options(self.threads, arithmetic, isa)

    def session(self) -> Session:
        """A new, empty sequence."""
        if self._binding is None:
            raise UsageError("model", "it must be open", "a closed model", "load it again")
        return Session(
            self._binding, context=self.context, threads=self.threads, arithmetic=self.arithmetic, isa=self.isa
        )

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
    ) -> Generation:
        """Continue ``prompt`` (text, or tokens as they are) until the end of text, ``max_tokens`` or the context.

        ``stream`` is called with every piece of text as it comes; ``session`` goes on with a sequence. A model without
        a tokenizer continues tokens: it knows no text and no end of it.

        :raises UsageError: an empty prompt, or one that leaves no room in the context
        """
        sampler = sampler or Sampler()
        ids = self.tokenizer.encode(prompt) if isinstance(prompt, str) else list(prompt)
        session = session or self.session()
        self._check_prompt(ids, session, max_tokens)
        (decoder, ends), text, tokens = self._decoder(), "", []
        stopped: Literal["end of text", "max tokens", "context"] = "max tokens"
        for token in _tokens(session, ids, sampler, max_tokens):
            if token in ends:
                stopped = "end of text"
                break
            tokens.append(token)
            piece = decoder.push(token)
            text += piece
            if stream and piece:
                stream(piece)
        else:
            stopped = "context" if len(tokens) < max_tokens else "max tokens"
        rest = decoder.finish()
        if stream and rest:
            stream(rest)
        return Generation(text + rest, tuple(tokens), stopped)

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
        self._binding = None
        if self._on_close:
            self._on_close()
            self._on_close = None


def _tokens(session: Session, prompt: list[int], sampler: Sampler, most: int) -> Iterator[int]:
    """Sampled tokens, one forward pass each; ends where the context does."""
    logits = session.feed(prompt)
    for count in range(most):
        token = sampler.choose(logits[-1], session.tokens)
        yield token
        if count + 1 == most or session.position == session.context:
            return
        logits = session.feed([token])


def checked_context(wanted: int | None, trained: int) -> int:
    """The context to use: what is asked for, at most what the model was trained for."""
    if wanted is None:
        return min(DEFAULT_CONTEXT, trained)
    if not 1 <= wanted <= trained:
        raise UsageError("context", f"it must lie in 1..{trained}, what the model was trained for", wanted)
    return wanted
