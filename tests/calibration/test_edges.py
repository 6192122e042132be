from collections import Counter

import numpy as np
import pytest

from tabulae.calibration import Draft, untie
from tabulae.calibration.edges import edges


@pytest.mark.parametrize(
    "name, expected",
    [
        ("llama", {"norm": 5, "values": 2, "hidden": 2}),
        ("qwen2", {"norm": 4, "values": 2, "hidden": 2}),  # the last norm feeds a tied head
        ("qwen3", {"norm": 5, "values": 2, "hidden": 2}),
        ("gemma3", {"norm": 6, "values": 3, "hidden": 3}),
        ("gpt2", {"norm": 4, "values": 2}),  # GELU is not linear
        ("opt", {"norm": 4, "values": 2, "hidden": 2}),
        ("opt_post_norm", {"values": 2, "hidden": 2}),  # norms feed the residual stream
        ("falcon", {"norm": 2, "values": 2}),
    ],
)
def test_kinds(name, expected, tiny) -> None:
    assert Counter(edge.kind for edge in edges(Draft.of(tiny(name)))) == expected


def test_query_heads_share_the_channels_of_their_key_value_head(tiny) -> None:
    (edge, _) = [edge for edge in edges(Draft.of(tiny("llama"))) if edge.kind == "values"]
    assert edge.channels == 32 and edge.number == 5
    heads = edge.columns.reshape(4, 16)
    np.testing.assert_array_equal(heads[:2], [range(16)] * 2)
    np.testing.assert_array_equal(heads[2:], [range(16, 32)] * 2)


def test_biases_are_producers(tiny) -> None:
    found = {edge.producers for edge in edges(Draft.of(tiny("opt")))}
    at = "model.decoder.layers.0"
    assert (f"{at}.fc1.weight", f"{at}.fc1.bias") in found
    assert (f"{at}.self_attn_layer_norm.weight", f"{at}.self_attn_layer_norm.bias") in found


def test_a_head_of_its_own_has_an_edge(tiny) -> None:
    last = edges(untie(Draft.of(tiny("qwen2"))))[-1]
    assert last.producers == ("model.norm.weight",) and last.consumers == ("lm_head.weight",)
