"""Loops: pointers are where indices would be, whatever is merged."""

import re

from hypothesis import given
from hypothesis import strategies as st

from tabulae.targets.c.walk import walked, walks

SHAPES = st.lists(st.tuples(st.integers(1, 4), st.integers(-9, 9), st.integers(0, 9)), min_size=1, max_size=4)


def places(lines):
    """Runs the C: where x and y stand at every round."""
    python, depth = [], 0
    for line in lines:
        text, pad = line.strip(), "    " * depth
        if text.startswith("for"):
            python.append(f"{pad}for _ in range({text.split(' = ')[1].split(';')[0]}):")
            depth += 1
        elif text == "}":
            depth -= 1
        else:
            python.append(pad + re.sub(r"(\w)(\+\+|--);", lambda m: f"{m[1]} {m[2][0]}= 1", text).rstrip(";"))
    scope = {"x": 0, "y": 0, "found": []}
    exec("\n".join(python), scope)
    return scope["found"]


@given(SHAPES)
def test_pointers_are_where_indices_would_be(axes) -> None:
    shape = [n for n, _, _ in axes]
    strides = {"x": [s for _, s, _ in axes], "y": [s for _, _, s in axes]}
    wanted = [(0, 0)]
    for n, xs, ys in axes:
        wanted = [(x + i * xs, y + i * ys) for x, y in wanted for i in range(n)]
    assert places(walked(walks(shape, strides), ["found.append((x, y))"])) == wanted
