"""Windows of convolutions and pools: where they stand, and what they see beyond the border."""

from dataclasses import dataclass
from itertools import product
from math import prod

from tabulae.nets.nodes.view import View
from tabulae.nets.readers.onnx_graph import Call, GraphSoFar, Tensor
from tabulae.program.ops.take import Piece, strides

TAPS = 1 << 14  # of one window
PLACES = 1 << 26  # of one image


@dataclass(frozen=True)
class Windows:
    """Along every axis of an image: its length with pads, kernel, stride, dilation, pads, places."""

    extent: tuple[int, ...]
    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    before: tuple[int, ...]
    after: tuple[int, ...]

    @classmethod
    def of(cls, call: Call, image: tuple[int, ...], kernel: tuple[int, ...]) -> "Windows":
        """As the attributes of an operator say it."""
        axes = len(kernel)
        call.must(len(image) == axes, f"its input must have {axes} axes beside the channels", list(image))
        step = tuple(call.attributes.get("strides", (1,) * axes))
        dilations = tuple(call.attributes.get("dilations", (1,) * axes))
        for what, numbers in {"kernel": kernel, "strides": step, "dilations": dilations}.items():
            good = len(numbers) == axes and min(numbers) >= 1
            call.must(good, f"its {what} must be {axes} numbers from 1 on", list(numbers))
        call.must(prod(kernel) <= TAPS, f"its kernel must have at most {TAPS} taps", list(kernel))
        before, after = _pads(call, image, kernel, step, dilations)
        if call.attributes.get("ceil_mode", 0):
            after = _ceiled(image, kernel, step, dilations, before, after)
        extent = tuple(n + a + b for n, a, b in zip(image, before, after, strict=True))
        call.must(prod(extent) <= PLACES, f"with its pads the input must have at most {PLACES} places", list(extent))
        found = cls(extent, kernel, step, dilations, before, after)
        call.must(min(found.places) >= 1, "its windows must fit the padded input", list(extent))
        return found

    @property
    def places(self) -> tuple[int, ...]:
        """How many windows there are along every axis."""
        axes = zip(self.extent, self.kernel, self.strides, self.dilations, strict=True)
        return tuple((n - d * (k - 1) - 1) // s + 1 for n, k, s, d in axes)

    def taps(self, channels: int) -> list[int]:
        """The element of the padded input that every tap of the first window begins at, channels last."""
        steps = strides((*self.extent, channels))
        reach = [[at * d * n for at in range(k)] for k, d, n in zip(self.kernel, self.dilations, steps, strict=False)]
        return [sum(tap) for tap in product(*reach)]


def _pads(
    call: Call, image: tuple[int, ...], kernel: tuple[int, ...], step: tuple[int, ...], dilations: tuple[int, ...]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Before and after, as given or as ``auto_pad`` says."""
    auto, axes = call.attributes.get("auto_pad", "NOTSET"), len(kernel)
    if auto in ("NOTSET", "VALID"):
        pads = tuple(call.attributes.get("pads", (0,) * (2 * axes))) if auto == "NOTSET" else (0,) * (2 * axes)
        call.must(len(pads) == 2 * axes and min(pads) >= 0, f"it must have {2 * axes} pads, none negative", list(pads))
        return pads[:axes], pads[axes:]
    call.must(auto in ("SAME_UPPER", "SAME_LOWER"), "auto_pad must be known", auto)
    sizes = zip(image, kernel, step, dilations, strict=True)
    whole = [max(0, (-(-n // s) - 1) * s + d * (k - 1) + 1 - n) for n, k, s, d in sizes]
    small, large = tuple(n // 2 for n in whole), tuple(n - n // 2 for n in whole)
    return (small, large) if auto == "SAME_UPPER" else (large, small)


def _ceiled(
    image: tuple[int, ...],
    kernel: tuple[int, ...],
    step: tuple[int, ...],
    dilations: tuple[int, ...],
    before: tuple[int, ...],
    after: tuple[int, ...],
) -> tuple[int, ...]:
    """Pads behind with which a last window that begins inside has room."""
    found = []
    for n, k, s, d, b, a in zip(image, kernel, step, dilations, before, after, strict=True):
        reach = d * (k - 1) + 1
        places = -(-(n + b + a - reach) // s) + 1
        if (places - 1) * s >= n + b:  # it would begin in the pad behind
            places -= 1
        found.append(max(a, (places - 1) * s + reach - n - b))
    return tuple(found)


def padded(call: Call, graph: GraphSoFar, given: Tensor, windows: Windows, fill: float) -> str:
    """The value with its pads, channels last; itself where there are none."""
    if not any(windows.before) and not any(windows.after):
        return given.value
    here = given.here
    piece = Piece(given.value, 0, strides(here), (*windows.before, 0), here)
    return graph.add(View(graph.fresh(call, "padded"), (piece,), (*windows.extent, here[-1]), fill))
