"""Chat templates: untrusted jinja2 programs out of model files, run in jinja2's sandbox.

The environment is the one that templates are written for (``transformers``' ``apply_chat_template``): blocks
trimmed, loop controls, ``raise_exception``, ``strftime_now``, a ``tojson`` that does not escape HTML, and
``{% generation %}`` blocks, which only training needs and which pass their content through.
"""

import functools
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from tabulae.errors import ModelError, UsageError

if TYPE_CHECKING:
    from jinja2 import Template


def render(template: str, messages: Sequence[Mapping[str, Any]], **variables: Any) -> str:
    """Apply ``template`` to ``messages`` (each with a ``role``).

    Raises :class:`UsageError` where the template rejects the messages, :class:`ModelError` where it fails itself.

    >>> render("{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}", [{"role": "user", "content": "hi"}])
    '<user>hi'
    """
    from jinja2.exceptions import TemplateError

    _check(messages)
    try:
        return _compile(template).render(messages=[dict(message) for message in messages], **variables)
    except _Rejected as error:
        raise UsageError("chat", "the messages must be such as the model's chat template takes", error) from None
    except (
        TemplateError,
        TypeError,
        ValueError,
        ArithmeticError,
        LookupError,
        AttributeError,
        RecursionError,
    ) as error:
        got = f"{type(error).__name__}: {error}"
        raise ModelError(
            "chat", "the model's chat template must run in the sandbox", got, "use a plain prompt"
        ) from None


class _Rejected(Exception):
    """What a template says through ``raise_exception``."""


def _check(messages: Sequence[Mapping[str, Any]]) -> None:
    if isinstance(messages, (str, Mapping)) or not all(isinstance(message, Mapping) for message in messages):
        raise UsageError("chat", "messages must be a list of mappings with 'role' and 'content'", repr(messages)[:60])
    for message in messages:
        if not isinstance(message.get("role"), str):
            raise UsageError(
                "chat", "every message must have a 'role'", repr(message)[:60], "as system, user, assistant"
            )


@functools.lru_cache(maxsize=8)
def _compile(template: str) -> "Template":
    from jinja2.ext import loopcontrols
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[_generation_blocks(), loopcontrols]
    )
    environment.filters["tojson"] = _to_json
    environment.globals.update(raise_exception=_raise_exception, strftime_now=_strftime_now)
    return environment.from_string(template)


def _generation_blocks() -> Any:
    """The extension for ``{% generation %}`` blocks (its base is jinja2's, so it is made where jinja2 is loaded)."""
    from jinja2.ext import Extension
    from jinja2.nodes import Node, Scope
    from jinja2.parser import Parser

    class Generation(Extension):
        tags = {"generation"}  # noqa: RUF012 (jinja2's own declaration)

        def parse(self, parser: Parser) -> Node:
            line = next(parser.stream).lineno
            return Scope(parser.parse_statements(("name:endgeneration",), drop_needle=True)).set_lineno(line)

    return Generation


def _raise_exception(message: str) -> None:
    raise _Rejected(message)


def _strftime_now(format: str) -> str:
    return datetime.now().strftime(format)


def _to_json(
    value: Any, ensure_ascii: bool = False, indent: int | None = None, separators: Any = None, sort_keys: bool = False
) -> str:
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)
