"""What a net costs on chips: a dense 64-32-10 of 4-bit weights and codes, in every form of its products.

    .venv/bin/python benchmarks/bench_chips.py [-O2 ...]

Instructions of one inference (of AVR cycles) are counted by emulators: mean and worst of 20 examples, all of them equal
to the reference interpreter's. The peer is the same net with `sum += weight * code` in plain C, in the same run; a chip
without an instruction for that calls the compiler's helper. `make hardware-tools` installs compilers and emulators.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np

from chips import CHIPS, Measured, measured, put

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from nets_at_random import encoded, products
from tabulae.nets.builder import Builder, Built
from tabulae.program.ops.reduce import Reduce
from tabulae.targets.c import Options, emitted

SIZES = 64, 32, 10
FORMS = (None, "multiples", "shared", "own")
PEER = """\
#include "net.h"
%(tables)s
static void layer(const uint8_t *x, const int8_t *w, const int16_t *start, int16_t *y, int rows, int columns)
{
    for (int r = 0; r < rows; r++) {
        int_fast16_t sum = start[r];
        for (int j = 0; j < columns; j++) sum += w[j] * x[j];
        w += columns;
        y[r] = (int16_t)sum;
    }
}

static int16_t sums[%(hidden)d];
static uint8_t codes[%(hidden)d];

void net_run(const uint8_t x[%(inputs)d], int16_t y[%(outputs)d], uint8_t largest[1])
{
    layer(x, w0, start0, sums, %(hidden)d, %(inputs)d);
    const int16_t *t = thresholds;
    for (int r = 0; r < %(hidden)d; r++, t += 15) {
        uint8_t code = 0;
        while (code < 15 && sums[r] >= t[code]) code++;
        codes[r] = code;
    }
    layer(codes, w1, start1, y, %(outputs)d, %(hidden)d);
    *largest = 0;
    for (uint8_t r = 1; r < %(outputs)d; r++) if (y[r] > y[*largest]) *largest = r;
}
"""


def net(seed: int = 0) -> Built:
    """Random weights; thresholds within the range of the sums."""
    rng, net, (inputs, hidden, outputs) = np.random.default_rng(seed), Builder(), SIZES
    x = net.input("x", (inputs,), 0, 15)
    h = encoded(net, rng, products(net, rng, x, hidden, 4), 4)
    y = products(net, rng, h, outputs, 4)
    return net.built((y, net.add(Reduce(y, "largest", "argmax", 0), (1,))))


def peer(built: Built) -> str:
    """The same net with products."""
    lines = list[str]()
    for n, name in enumerate(name for name in built.arrays if name.endswith(".select")):
        lines += [_table("int8_t", f"w{n}", built.arrays[name].astype(int) - 8)]
        lines += [_table("int16_t", f"start{n}", built.arrays[name.replace("select", "start")])]
    thresholds = next(values for name, values in built.arrays.items() if name.endswith("thresholds"))
    lines.append(_table("int16_t", "thresholds", thresholds))
    inputs, hidden, outputs = SIZES
    return PEER % {"tables": "\n".join(lines), "inputs": inputs, "hidden": hidden, "outputs": outputs}


def _table(kind: str, name: str, values: np.ndarray) -> str:
    return f"static const {kind} {name}[] = {{{', '.join(map(str, values.reshape(-1).tolist()))}}};"


def main(levels: list[str]) -> None:
    """Print a row for every chip, form and level."""
    built = net()
    print("| chip | form | level | tables | code and tables | RAM | mean | worst |\n|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for name, chip in CHIPS.items():
            if not chip.run or chip.missing():
                print(f"{name}: {chip.missing() or 'no emulator'}, left out", file=sys.stderr)
                continue
            for form in (*FORMS, "peer"):
                found = emitted(built, "net", Options(word=chip.word, form=None if form == "peer" else form))
                if chip.word == 8 and (form in ("own", "peer")):
                    continue  # tables beyond 32 KB, and tables that the peer would have in RAM
                files = found.files | ({"net.c": peer(built)} if form == "peer" else {})
                where = put(Path(folder) / f"{name}-{form}", files)
                for level in levels:
                    print(_row(name, form or "chosen", level, found.flash, measured(chip, level, where)), flush=True)


def _row(name: str, form: str, level: str, tables: int, found: Measured) -> str:
    assert not found.mismatches, "the reference interpreter gives others"
    numbers = [tables if form != "peer" else "-", found.text, found.bss, round(found.mean), round(found.worst)]
    return " | ".join(["", name, form, level, *(f"{n:,}" if isinstance(n, int) else n for n in numbers), ""]).strip()


if __name__ == "__main__":
    main(sys.argv[1:] or ["-O2"])
