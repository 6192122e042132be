"""Nets of all six operations, made at random from a seed: what interpreter, native core and targets are compared on."""

import numpy as np

from tabulae.nets.builder import Builder, Built
from tabulae.program.ops.encode import Encode
from tabulae.program.ops.lookup import Lookup
from tabulae.program.ops.products import Products
from tabulae.program.ops.reduce import Reduce
from tabulae.program.ops.shift_add import ShiftAdd, Term
from tabulae.program.ops.take import Piece, Take, strides


def reshaped(net, name, shape, out):
    """The same elements in the same order."""
    return net.add(Take((Piece(name, 0, strides(shape)),), out), shape)


def products(net, rng, name, rows, bits, *, groups=1, shared=True, start=True):
    """Products by exact tables that edges share, or by one random table for every edge."""
    shape, codes = net.values[name].static, int(net.ranges[name].high.max()) + 1
    edges = (groups, rows // groups, shape[-1] // groups)
    if shared:
        book = np.arange(2**bits) - 2 ** (bits - 1)
        tables = book[:, None] * np.arange(codes)
        select = net.array(f"{name}.select", rng.integers(0, len(book), edges))
    else:
        tables, select = rng.integers(-99, 100, (int(np.prod(edges)), codes)), None
    begin = net.array(f"{name}.start", rng.integers(-500, 500, edges[:2])) if start else None
    out = f"{name}.products"
    op = Products(name, net.array(f"{name}.tables", tables), out, select, begin, groups)
    return net.add(op, (*shape[:-1], rows))


def encoded(net, rng, name, bits):
    """Codes by thresholds of every channel."""
    shape, found = net.values[name].static, net.ranges[name]
    levels = np.sort(rng.uniform(0, 1, (shape[-1], 2**bits - 1)), axis=1)
    thresholds = np.floor(found.low[:, None] + levels * (found.high - found.low + 2)[:, None]).astype(np.int64)
    return net.add(Encode(name, net.array(f"{name}.thresholds", thresholds), f"{name}.codes"), shape)


def looked_up(net, rng, name, *, second=None, choice="channels"):
    """A random function, of one integer or two."""
    value = net.values[name]
    n = {"none": 1, "channels": value.channels, "elements": value.width}[choice]
    entries = (3, 5) if second is None else (3, 5, 4)
    tables = net.array(f"{name}.tables2", rng.integers(-9, 10, entries))
    chosen = None if choice == "none" else net.array(f"{name}.choice", rng.integers(0, 3, n))
    op = Lookup(name, tables, f"{name}.looked", second, begin=1, begin2=-1, choice=chosen)
    return net.add(op, value.static)


def padded(net, name, border, out):
    """Zeros round the first two axes."""
    h, w, c = net.values[name].static
    piece = Piece(name, 0, strides((h, w, c)), (border, border, 0), (h, w, c))
    return net.add(Take((piece,), out), (h + 2 * border, w + 2 * border, c))


def patches(net, name, kernel, stride, out):
    """What a convolution sees, tap by tap."""
    h, w, c = net.values[name].static
    high, wide = (h - kernel) // stride + 1, (w - kernel) // stride + 1
    step = (w * c * stride, c * stride, 1)
    taps = [(ky, kx) for ky in range(kernel) for kx in range(kernel)]
    boxes = tuple(
        Piece(name, (ky * w + kx) * c, step, (0, 0, tap * c), (high, wide, c)) for tap, (ky, kx) in enumerate(taps)
    )
    return net.add(Take(boxes, out), (high, wide, len(taps) * c))


def dense(seed=0, *, inputs=13, hidden=7, outputs=5, bits=3, shared=True) -> Built:
    """Two layers and the largest."""
    rng, net = np.random.default_rng(seed), Builder()
    x = net.input("x", (inputs,), 0, 2**bits - 1)
    h = encoded(net, rng, products(net, rng, x, hidden, 4, shared=shared), bits)
    y = products(net, rng, h, outputs, 4, shared=not shared)
    return net.built((y, net.add(Reduce(y, "largest", "argmax", 0), (1,))))


def convolutional(seed=0) -> Built:
    """A padded convolution, one for every channel, a residual, pools, functions of one integer and of two."""
    rng, net = np.random.default_rng(seed), Builder()
    x = net.input("x", (6, 5, 2), 0, 7)
    a = encoded(net, rng, products(net, rng, patches(net, padded(net, x, 1, "padded"), 3, 1, "seen"), 4, 3), 3)
    h, w, c = net.values[a].static
    turned = Take((Piece(a, 0, (w * c, c, 1), (0, 0, 0), (h, w, c)),), "again")
    net.add(turned, (h, w, c))
    d = products(net, rng, "again", 4, 3, groups=4, shared=False)
    both = net.add(ShiftAdd((Term(d, shift=-1), Term(a, shift=3, negative=True)), "both"), (h, w, c))
    e = encoded(net, rng, both, 2)
    f = looked_up(net, rng, e, second=a, choice="elements")
    largest = net.add(Reduce(f, "largest", "max", 0), (w, c))
    summed = net.add(Reduce(largest, "summed", "sum", 0), (c,))
    return net.built((looked_up(net, rng, summed), f))


def inputs_of(built: Built, n: int, seed=1):
    """Integers at random for all of its inputs, the ends of their intervals among them."""
    rng, found = np.random.default_rng(seed), {}
    for name in built.program.inputs:
        value = built.program.values[name]
        low, high = value.type.interval()
        x = rng.integers(low, high + 1, (n, *value.static))
        x.flat[:2] = low, high
        found[name] = x
    return found


NETS = {
    "dense": dense,
    "own tables": lambda seed=0: dense(seed, shared=False),
    "wide codes": lambda seed=0: dense(seed, bits=8, hidden=3),
    "convolutional": convolutional,
}
