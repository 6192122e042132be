"""All that a tokenizer needs, in one record that a table model stores."""

import msgspec


class TokenizerData(msgspec.Struct, frozen=True, omit_defaults=True):
    """A tokenizer as the ``tokenizers`` library writes it, and what a model's metadata adds to it."""

    json: str
    """A ``tokenizer.json`` document."""
    bos: int | None = None
    """The id that begins a text, if the model has one."""
    eos: tuple[int, ...] = ()
    """Ids that end a generation (a chat model often has two)."""
    add_bos: bool = False
    """Whether the model expects ``bos`` in front of every text."""
    chat_template: str | None = None
    """A jinja2 template."""
    special: dict[str, str] = {}
    """Texts of special tokens under the names that templates use: ``bos_token``, ``eos_token``, ..."""
