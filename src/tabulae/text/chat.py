"""Chat templates: untrusted jinja2 programs out of model files, rendered in a limited process of their own."""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

from tabulae.errors import ModelError, UsageError
from tabulae.text import renderer

BITS = 1024  # of an integer, sign apart: Python writes no more than 4,300 digits


def render(template: str, messages: Sequence[Mapping[str, Any]], /, **variables: Any) -> str:
    """Apply ``template`` to ``messages`` (each with a ``role``); they and ``variables`` must be JSON.

    Limits are those of :mod:`tabulae.text.template_process`: 2 s of computing, 512 MB, 1 MB of text.

    :raises UsageError: what is given is not JSON, or the template rejects the messages
    :raises ModelError: the template fails, or passes a limit

    >>> render("{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}", [{"role": "user", "content": "hi"}])
    '<user>hi'
    """
    _check(messages)
    reply = renderer.ask(template, _all_json({**variables, "messages": messages}))
    if "rejected" in reply:
        raise UsageError("chat", "the messages must be such as the model's chat template takes", reply["rejected"])
    if "failed" in reply:
        must = "the model's chat template must run in the sandbox"
        raise ModelError("chat", must, reply["failed"], "use a plain prompt")
    return reply["text"]


def _check(messages: Sequence[Mapping[str, Any]]) -> None:
    if not isinstance(messages, list | tuple) or not all(isinstance(message, Mapping) for message in messages):
        raise UsageError("chat", "messages must be a list of mappings with 'role' and 'content'", repr(messages)[:60])
    for message in messages:
        if not isinstance(message.get("role"), str):
            raise UsageError(
                "chat", "every message must have a 'role'", repr(message)[:60], "as system, user, assistant"
            )


def _all_json(variables: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return {name: _json(value, name) for name, value in variables.items()}
    except RecursionError:
        raise UsageError("chat", "what a template is given must end", "mappings or lists within themselves") from None


def _json(value: Any, name: str) -> Any:
    """The value in plain dicts and lists; ``name`` says where it stands."""
    match value:
        case None | bool() | str():
            return value
        case int() if value.bit_length() <= BITS:
            return value
        case float() if isfinite(value):
            return value
        case list() | tuple():
            return [_json(entry, f"{name}[{index}]") for index, entry in enumerate(value)]
        case Mapping() if all(isinstance(key, str) for key in value):
            return {key: _json(entry, f"{name}.{key}") for key, entry in value.items()}
    accepted = f"accepted: None, bool, int of {BITS} bits, finite float, str, lists, mappings with str keys"
    got = f"{name}, which is {type(value).__name__}"
    raise UsageError("chat", "what a template is given must be JSON", got, accepted)
