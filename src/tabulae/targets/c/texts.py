"""The files themselves."""

import re

from tabulae.arithmetic.arrays import Int64s
from tabulae.program.net import Reading
from tabulae.targets.c.memory import Memory
from tabulae.targets.c.names import comment
from tabulae.targets.c.source import Source, table_text
from tabulae.targets.c.types import literal, rows, wrapped
from tabulae.targets.c.walk import indented
from tabulae.targets.vectors import Vectors

_READ = """\
#ifdef __AVR__ /* tables stay in flash, which has addresses of its own */
#include <avr/pgmspace.h>
#define FLASH PROGMEM
#define READ(p) ((__typeof__(*(p)))( \\
    sizeof *(p) == 1 ? pgm_read_byte(p) : sizeof *(p) == 2 ? pgm_read_word(p) : pgm_read_dword(p)))
#else
#define FLASH
#define READ(p) (*(p))
#endif
"""


def header(name: str, source: Source) -> str:
    """What a caller includes."""
    inputs = [f" * {source.names[v]}: {_contract(v, source)}" for v in source.program.inputs]
    outputs = [f" * {source.names[v]}: {_integers(v, source)}" for v in source.program.outputs]
    guard = f"{name.upper()}_H"
    return _joined(
        f'#ifndef {guard}\n#define {guard}\n\n#include <stdint.h>\n\n#ifdef __cplusplus\nextern "C" {{\n#endif\n',
        "/* From inputs to outputs, one example; arrays that do not overlap. Not to be called again before it is back.",
        *inputs,
        *outputs,
        " */",
        f"void {name}_run({_parameters(source)});\n",
        "#ifdef __cplusplus\n}\n#endif\n\n#endif",
    )


def source(name: str, source: Source, lies: Memory) -> str:
    """The net."""
    prefix = name.upper()
    about = [f"{name}: {source.flash():,} bytes of tables, {lies.size:,} of memory besides inputs and outputs."]
    notes = [f" * {line}" for note in source.notes for line in wrapped(comment(note).split(), 110)]
    estimates = [" *", " * Sums of products, by form, estimated:", *notes] if notes else []
    text = _joined(
        f"/* {about[0]}",
        *estimates,
        " */",
        f'#include "{name}.h"\n',
        _READ,
        *(table_text(table, values) + "\n" for table, values in source.tables.items()),
        *source.pieces.values(),
        *(function + "\n" for function in source.functions),
        *lies.declared,
        *([""] if lies.declared else []),
        f"void {name}_run({_parameters(source)})",
        "{",
        *indented(lies.placed),
        *([""] if lies.placed else []),
        *indented(source.calls),
        "}",
    )
    return re.sub(r"\b(READ|FLASH)\b", rf"{prefix}_\1", text)


def test(name: str, source: Source, vectors: Vectors) -> str:
    """A program that prints what differs from the reference, and returns how often something did."""
    known = {**vectors.inputs, **vectors.answers}
    outputs = {f"y_{source.names[v]}": v for v in source.program.outputs}
    n = len(next(iter(known.values())))
    tables = [_vectors(source, v, values) for v, values in known.items()]
    arguments = [f"given_{source.names[v]}" for v in source.program.inputs] + list(outputs)
    loads = [_loaded(source, v) for v in source.program.inputs]
    checks = [line for pointer, v in outputs.items() for line in _checked(source, pointer, v)]
    rooms = [f"static {source.kind(v)} given_{source.names[v]}[{_size(source, v)}];" for v in source.program.inputs]
    rooms += [f"static {source.kind(v)} {pointer}[{_size(source, v)}];" for pointer, v in outputs.items()]
    text = _joined(
        f"/* {n} examples, and what the reference interpreter says to them. */",
        f'#include <stdio.h>\n\n#include "{name}.h"\n',
        _READ,
        *tables,
        *rooms,
        "\nint main(void)\n{",
        "    int mismatches = 0;",
        *[f"    const {source.kind(v)} *next_{source.names[v]} = {_table(source, v)};" for v in known],
        f"    for (uint_fast16_t example = 0; example != {literal(n)}; example++) {{",
        *indented([line for load in loads for line in load], 2),
        f"        {name}_run({', '.join(arguments)});",
        *indented(checks, 2),
        "    }",
        f'    printf("{name}: %d mismatches in {n} examples\\n", mismatches);',
        "    return mismatches > 255 ? 255 : mismatches;",
        "}",
    )
    return re.sub(r"\b(READ|FLASH)\b", rf"{name.upper()}_\1", text)


def makefile(name: str) -> str:
    """`make test`."""
    return _joined(
        "CC ?= cc",
        "CFLAGS ?= -O2",
        "\ntest: test_" + name,
        f"\t./test_{name}",
        f"\ntest_{name}: test_{name}.c {name}.c {name}.h",
        f"\t$(CC) -std=c99 -Wall -Wextra -Wpedantic $(CFLAGS) -o $@ test_{name}.c {name}.c",
        f"\nclean:\n\trm -f test_{name}",
        "\n.PHONY: test clean",
    )


def readme(name: str, source: Source, lies: Memory) -> str:
    """Five lines: what it is, how it is called, what comes in and goes out, how it is tested."""
    inputs = "; ".join(f"`{source.names[v]}`: {_contract(v, source)}" for v in source.program.inputs)
    outputs = "; ".join(f"`{source.names[v]}`: {_integers(v, source)}" for v in source.program.outputs)
    need = f"{source.flash():,} bytes of tables in flash, {lies.size:,} bytes of RAM besides inputs and outputs"
    return _joined(
        f"`{name}_run({_parameters(source)})` in `{name}.c` and `{name}.h`, C99: {need}.",
        f"In: {inputs}.",
        f"Out: {outputs}.",
        "The caller quantises: integers outside of their intervals are not looked for and give anything.",
        f"`make test` compares it with the answers of the reference; on AVR tables are read by `{name.upper()}_READ`.",
    )


def _parameters(source: Source) -> str:
    inputs = source.program.inputs
    return ", ".join(
        f"{'const ' if v in inputs else ''}{source.kind(v)} {source.names[v]}[{_size(source, v)}]"
        for v in (*inputs, *source.program.outputs)
    )


def _integers(value: str, source: Source) -> str:
    found, shape = source.ranges[value], source.shape(value)
    low, high = int(found.low.min()), int(found.high.max())
    said = f"{' x '.join(map(str, shape))} integers in {low}..{high} ({source.kind(value)})"
    labels = source.program.labels
    return f"{said}, of {comment(', '.join(labels))}" if labels and value == source.program.outputs[-1] else said


def _contract(value: str, source: Source) -> str:
    """What an input holds: its integers, and how numbers become them."""
    low, high = int(source.ranges[value].low.min()), int(source.ranges[value].high.max())
    bits = (high - low).bit_length()
    reading = source.program.readings.get(value, Reading())
    parts = [part if isinstance(part, float) else "of its channel" for part in (reading.scale, reading.offset)]
    return f"{_integers(value, source)}, {bits} bits, floor(number * {parts[0]} + {parts[1]}) kept within"


def _size(source: Source, value: str) -> int:
    return source.program.values[value].width


def _table(source: Source, value: str) -> str:
    return f"{'inputs' if value in source.program.inputs else 'answers'}_{source.names[value]}"


def _vectors(source: Source, value: str, values: Int64s) -> str:
    kind, lines = source.kind(value), indented(rows(values))
    return "\n".join([f"static const {kind} {_table(source, value)}[{values.size}] FLASH = {{", *lines, "};\n"])


def _loaded(source: Source, value: str) -> list[str]:
    name, n = source.names[value], _size(source, value)
    return [f"for (uint_fast32_t i = 0; i != {literal(n)}; i++) given_{name}[i] = READ(next_{name}++);"]


def _checked(source: Source, pointer: str, value: str) -> list[str]:
    name, n = source.names[value], _size(source, value)
    says = f'"example %u, {name}[%lu]: %ld, not %ld\\n", (unsigned)example, (unsigned long)i, (long){pointer}[i], right'
    return [
        f"for (uint_fast32_t i = 0; i != {literal(n)}; i++) {{",
        f"    const long right = READ(next_{name} + i);",
        f"    if ({pointer}[i] != right) {{",
        "        mismatches++;",
        f"        printf({says});",
        "    }",
        "}",
        f"next_{name} += {literal(n)};",
    ]


def _joined(*lines: str) -> str:
    return "\n".join(lines) + "\n"
