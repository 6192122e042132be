from tabulae.calibration import Draft, fold_norms, untie
from tabulae.calibration.bases import residual_basis


def test_the_sides_of_a_llama(tiny) -> None:
    basis = residual_basis(fold_norms(Draft.of(tiny("llama_biased")).noted("")))
    assert basis.obstacle == "model.norm.weight has gains of its own"
    basis = residual_basis(fold_norms(untie(Draft.of(tiny("llama_biased")))))
    at = "model.layers.0"
    layer = {(name.removeprefix(f"{at}."), side) for name, side in basis.sides if name.startswith(at)}
    assert (basis.obstacle, basis.width) == ("", 64)
    assert layer == {
        *((f"self_attn.{part}_proj.weight", "columns") for part in "qkv"),
        *((f"mlp.{part}_proj.weight", "columns") for part in ("gate", "up")),
        *(
            (f"{part}.{tensor}", "rows")
            for part in ("self_attn.o_proj", "mlp.down_proj")
            for tensor in ("weight", "bias")
        ),
    }
    others = {(name, side) for name, side in basis.sides if not name.startswith("model.layers.")}
    assert others == {("model.embed_tokens.weight", "columns"), ("lm_head.weight", "columns")}


def test_before_folding_the_first_gain_is_in_the_way(tiny) -> None:
    assert "has gains of its own" in residual_basis(Draft.of(tiny("llama"))).obstacle
