from tiny_tables import float_model

from tabulae.calibration.flow import Flow
from tabulae.program.ops.attention import Attention
from tabulae.program.ops.gate import Gate
from tabulae.program.ops.rotary import Rotary


def test_every_writing_is_a_value_of_its_own() -> None:
    flow = Flow(float_model("llama")[0])
    ops = flow.program.operations
    number, attention = next((i, op) for i, op in enumerate(ops) if isinstance(op, Attention))
    q, v = flow.reads[number]["q"], flow.reads[number]["v"]
    assert isinstance(ops[q[0]], Rotary) and flow.linear_writing(q) is None
    assert flow.linear_writing(v).weight == "model.layers.0.self_attn.v_proj.weight"
    assert [one.weight for one in flow.linears_of((number, attention.out))] == [
        "model.layers.0.self_attn.o_proj.weight"
    ]


def test_a_value_that_others_read_too_is_not_for_linears_alone() -> None:
    flow = Flow(float_model("llama")[0])
    assert flow.linears_of((0, "x")) is None  # a norm and an addition read it
    assert flow.linears_of(flow.logits) is None
    gate = next(i for i, op in enumerate(flow.program.operations) if isinstance(op, Gate))
    assert flow.linears_of(flow.reads[gate]["up"]) is None


def test_tied_tensors_are_not_alone() -> None:
    flow = Flow(float_model("qwen2")[0])
    assert not flow.alone("model.embed_tokens.weight") and flow.alone("model.norm.weight")
