"""The process in which chat templates run: a line of JSON in, a line of JSON out, until its input ends.

Templates come out of model files. Jinja2's sandbox keeps them from Python's insides, but not from computing for years
or from asking for all memory, and no limit inside a process that must live on holds: one operation of C code can take
both. So this file is run by its path in a Python of its own that imports jinja2 and nothing else, and the kernel ends
it where a limit is passed. The other end is :mod:`tabulae.text.renderer`.

A request is ``{"template": ..., "variables": {...}}``, a reply one of ``{"text": ...}``, ``{"rejected": why}`` (the
template refuses the messages) and ``{"failed": why}``.

The environment is the one that templates are written for (``transformers``' ``apply_chat_template``): blocks trimmed,
loop controls, ``raise_exception``, ``strftime_now``, a ``tojson`` that does not escape HTML, and ``{% generation %}``
blocks, which only training needs and which pass their content through.
"""

import json
import resource
import signal
import sys
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment, Template

CPU_SECONDS = 2  # a request; templates of real models take milliseconds
ADDRESS_SPACE = 512 << 20  # bytes; Python with jinja2 takes 40 MB
OUTPUT = 1 << 20  # bytes of UTF-8; 200,000 tokens
REASON = 300  # characters of a message that a template may fill


class Rejected(Exception):
    """What a template says through ``raise_exception``."""


def serve(places: list[str]) -> None:
    """Answer requests from stdin; ``places`` are the folders that hold jinja2 and what it imports."""
    sys.path += places
    _limit()
    _compiled("")  # what is imported now need not be waited for later
    for request in sys.stdin.buffer:
        signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)
        reply = json.dumps(answer(request)).encode()
        signal.setitimer(signal.ITIMER_PROF, 0)
        sys.stdout.buffer.write(reply + b"\n")
        sys.stdout.buffer.flush()


def answer(request: bytes) -> dict[str, str]:
    """What a template gives, or why it gives nothing.

    >>> answer(b'{"template": "{{ 6 * x }}", "variables": {"x": 7}}'), answer(b'{"template": "{{", "variables": {}}')
    ({'text': '42'}, {'failed': "TemplateSyntaxError: unexpected 'end of template'"})
    """
    try:
        wanted = json.loads(request)
        text = _compiled(wanted["template"]).render(wanted["variables"])
        size = len(text.encode(errors="surrogatepass"))
    except Rejected as error:
        return {"rejected": _one_line(error)}
    except MemoryError:
        return {"failed": f"more than {ADDRESS_SPACE >> 20} MB of memory"}
    except Exception as error:
        return {"failed": f"{type(error).__name__}: {_one_line(error)}"}
    return {"text": text} if size <= OUTPUT else {"failed": f"{size:,} bytes of output, more than {OUTPUT:,}"}


def _limit() -> None:
    """Limits that the kernel keeps; SIGPROF ends the process, and no core is left."""
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    for kind, most in ((resource.RLIMIT_AS, ADDRESS_SPACE), (resource.RLIMIT_CORE, 0)):
        allowed = resource.getrlimit(kind)[1]
        most = most if allowed == resource.RLIM_INFINITY else min(most, allowed)
        resource.setrlimit(kind, (most, most))


@lru_cache(maxsize=8)
def _compiled(template: str) -> "Template":
    return _environment().from_string(template)


def _environment() -> "Environment":
    from jinja2.ext import loopcontrols
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[_generation_blocks(), loopcontrols]
    )
    environment.filters["tojson"] = _to_json
    environment.globals.update(raise_exception=_raise_exception, strftime_now=_strftime_now)
    return environment


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
    raise Rejected(message)


def _strftime_now(format: str) -> str:
    return datetime.now().strftime(format)


def _to_json(
    value: Any, ensure_ascii: bool = False, indent: int | None = None, separators: Any = None, sort_keys: bool = False
) -> str:
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def _one_line(error: Exception) -> str:
    """What an error says; a template may have filled it with anything."""
    return " ".join(str(error)[:REASON].split())


if __name__ == "__main__":
    serve(sys.argv[1:])
