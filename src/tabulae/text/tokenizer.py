"""Text to token ids and back, through the ``tokenizers`` library."""

from collections.abc import Mapping, Sequence
from typing import Any

from tabulae.errors import ModelError, UsageError
from tabulae.text.data import TokenizerData
from tabulae.text.stream import Stream


class Tokenizer:
    """A tokenizer made from its stored record; 49,152 tokens take about 0.1 s.

    Raises :class:`ModelError` where the record is no valid tokenizer.

    >>> from tabulae.text.from_gguf import tokenizer_data
    >>> fields = {"model": "gpt2", "tokens": ["h", "i", "hi", "<end>"], "token_type": [1, 1, 1, 3], "merges": ["h i"]}
    >>> data = tokenizer_data({f"tokenizer.ggml.{key}": value for key, value in fields.items()})
    >>> tokenizer = Tokenizer(data)
    >>> tokenizer.encode("hihhi<end>"), tokenizer.decode([2, 0, 2, 3])
    ([2, 0, 2, 3], 'hihhi<end>')
    """

    def __init__(self, data: TokenizerData) -> None:
        from tokenizers import Tokenizer as Library

        self.data = data
        try:
            self._library = Library.from_str(data.json)
        except Exception as error:  # the library raises plain Exception
            raise ModelError("tokenizer", "the tokenizer must be one the tokenizers library can read", error) from None
        self._library.no_truncation()
        self._library.no_padding()
        self.size: int = self._library.get_vocab_size()
        """Number of tokens, added ones included; a model may have more rows (padding)."""

    def encode(self, text: str, bos: bool | None = None) -> list[int]:
        """Token ids of ``text``; special tokens written in it are found.

        ``bos``: whether the BOS token comes first; None: as the model wants. A text that :meth:`chat` made has what
        it needs: encode it with ``bos=False``.
        """
        wanted = self.data.add_bos if bos is None else bos
        if wanted and self.data.bos is None:
            raise UsageError("tokenizer", "bos=True needs a model with a BOS token", "none")
        try:
            ids: list[int] = self._library.encode(text, add_special_tokens=False).ids
        except (TypeError, UnicodeEncodeError):
            got = f"{type(text).__name__} {text!r:.60}"
            raise UsageError("tokenizer", "the text must be a str that UTF-8 can write", got) from None
        return [self.data.bos, *ids] if wanted and self.data.bos is not None else ids

    def decode(self, ids: Sequence[int], skip_special: bool = False) -> str:
        """Text of the ids; bytes that are no UTF-8 become U+FFFD. ``skip_special`` leaves out BOS, EOS and the like.

        An id without a token (models pad their vocabulary) gives nothing.
        """
        try:
            text: str = self._library.decode(list(ids), skip_special_tokens=skip_special)
        except (TypeError, OverflowError):
            raise UsageError("tokenizer", "token ids must be integers from 0", repr(ids)[:60]) from None
        return text

    def vocabulary(self) -> dict[str, int]:
        """All tokens and their ids, added ones included."""
        found: dict[str, int] = self._library.get_vocab(with_added_tokens=True)
        return found

    def stream(self, skip_special: bool = False) -> Stream:
        """Decode id by id: the pieces joined are :meth:`decode` of all ids."""
        return Stream(lambda ids: self.decode(ids, skip_special), self._is_byte)

    def chat(self, messages: Sequence[Mapping[str, Any]], add_generation_prompt: bool = True, **variables: Any) -> str:
        """The model's template applied to ``[{"role": "user", "content": "..."}, ...]``; ``variables`` reach it too.

        Raises :class:`UsageError` where the model has no template or its template rejects the messages.
        """
        from tabulae.text.chat import render

        if self.data.chat_template is None:
            raise UsageError("chat", "the model must have a chat template", "none", "use a plain prompt instead")
        context = {**self.data.special, "tools": None, "documents": None, **variables}
        return render(self.data.chat_template, messages, add_generation_prompt=add_generation_prompt, **context)

    def _is_byte(self, id: int) -> bool:
        token = self._library.id_to_token(id)
        return token is not None and len(token) == 6 and token.startswith("<0x")
