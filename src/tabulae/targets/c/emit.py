"""A net as C: header, source, a test with vectors, a Makefile, a README."""

from importlib import import_module
from types import ModuleType
from typing import NamedTuple

from tabulae.errors import UsageError
from tabulae.nets.builder import Built
from tabulae.program.operation import Operation
from tabulae.targets.c import ops, texts
from tabulae.targets.c.memory import memory
from tabulae.targets.c.names import check_name
from tabulae.targets.c.products import FORMS
from tabulae.targets.c.source import Options, Source
from tabulae.targets.steps import steps
from tabulae.targets.vectors import vectors
from tabulae.targets.views import View


class Emitted(NamedTuple):
    """Files by name, and what they need: bytes of tables and of the arena; the caller has inputs and outputs."""

    files: dict[str, str]
    flash: int
    ram: int
    notes: tuple[str, ...]  # what the forms of products were estimated to cost


def emit(built: Built, name: str, options: Options | None = None) -> dict[str, str]:
    """Texts by the names of their files.

    >>> from tabulae.nets.builder import Builder
    >>> from tabulae.program.ops.reduce import Reduce
    >>> net = Builder()
    >>> y = net.add(Reduce(net.input("x", (3,), 0, 15), "y", "max", 0), (1,))
    >>> files = emit(net.built((y,)), "largest")
    >>> sorted(files)
    ['Makefile', 'README.md', 'largest.c', 'largest.h', 'test_largest.c']
    >>> [line for line in files["largest.h"].splitlines() if line.startswith("void")]
    ['void largest_run(const uint8_t x[3], uint8_t y[1]);']

    :raises UsageError: a name that is no identifier of C, options that mean nothing
    :raises ModelError: a net whose arrays do not fit, or that writes a value twice
    """
    return emitted(built, name, options).files


def emitted(built: Built, name: str, options: Options | None = None) -> Emitted:
    """With what it needs; otherwise as :func:`emit`."""
    options = options or Options()
    check_name(name)
    _check(options)
    program = built.program
    program.check()
    program.check_shapes({array: values.shape for array, values in built.arrays.items()})
    program.check_integers(built.arrays)
    source, todo = Source(name, program, built.arrays, options), steps(program, _accepts)
    for number, step in enumerate(todo):
        source.step = number
        _of(step.op).emit(step, source)
    lies = memory(todo, source)
    files = {
        f"{name}.h": texts.header(name, source),
        f"{name}.c": texts.source(name, source, lies),
        f"test_{name}.c": texts.test(name, source, vectors(built, options.vectors, options.seed)),
        "Makefile": texts.makefile(name),
        "README.md": texts.readme(name, source, lies),
    }
    return Emitted(files, source.flash(), lies.size, tuple(source.notes))


def _check(options: Options) -> None:
    if options.word not in (8, 32):
        raise UsageError("word", "what a chip adds at once must be known", options.word, "accepted: 8, 32 bits")
    if options.vectors < 1:
        raise UsageError("vectors", "the test must have an example", options.vectors, "give 1 or more")
    if options.form is not None and options.form not in FORMS:
        raise UsageError("form", "a form of products must be known", options.form, f"accepted: {', '.join(FORMS)}")


def _accepts(op: Operation, view: View) -> bool:
    """What an operation reads without a copy."""
    return bool(_of(op).accepts(op, view))


def _of(op: Operation) -> ModuleType:
    return import_module(f"{ops.__name__}.{op.tag}")
