"""Models with the modules of Megatron-LM (Shoeybi et al. 2019): q, k and v in one linear, layer norms, a plain mlp.

The fused ``query_key_value`` is three linears here: ``query_key_value.q``, ``.k`` and ``.v``.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Unpack

from tabulae.program.architectures._blocks import Places, Turns, layer_norm, plain_mlp, self_attention
from tabulae.program.architectures._config import Sizes
from tabulae.program.architectures._fused import grouped, parts, qkv_lengths
from tabulae.program.architectures._names import Patterns
from tabulae.program.architectures._program import Ends, program_of
from tabulae.program.graph import Decoder
from tabulae.program.operation import Operation

NORMS = ("input_layernorm", "post_attention_layernorm")


@dataclass(frozen=True)
class Megatron:
    """What a family calls its modules.

    >>> Megatron("wte", "h.{}", "self_attention", "ln_f").gguf()["h.{}.mlp.dense_h_to_4h"]
    'blk.{}.ffn_up'
    """

    embeddings: str
    layer: str  # {} for its number
    attention: str  # in a layer
    norm: str  # the last one

    @property
    def embedding(self) -> str:
        """The table."""
        return f"{self.embeddings}.weight"

    @property
    def _fused(self) -> str:
        return f"{self.layer}.{self.attention}.query_key_value"

    @property
    def _qkv(self) -> tuple[str, ...]:
        return tuple(f"{self._fused}.{part}" for part in "qkv")

    def huggingface(self) -> Patterns:
        """What is not stored as it is called canonically."""
        return grouped(self._qkv, self._fused)

    def gguf(self) -> Patterns:
        """The names of converters, which put all queries before all keys."""
        return {
            self.embeddings: "token_embd",
            f"{self.layer}.input_layernorm": "blk.{}.attn_norm",
            **parts(self._qkv, "blk.{}.attn_qkv", qkv_lengths),
            f"{self.layer}.{self.attention}.dense": "blk.{}.attn_output",
            f"{self.layer}.post_attention_layernorm": "blk.{}.ffn_norm",
            f"{self.layer}.mlp.dense_h_to_4h": "blk.{}.ffn_up",
            f"{self.layer}.mlp.dense_4h_to_h": "blk.{}.ffn_down",
            self.norm: "output_norm",
            "lm_head": "output",
        }

    def layer_norm(self, layer: int, name: str, config: Sizes, out: str = "h") -> Operation:
        """x -> ``out``."""
        return layer_norm(f"{self.layer.format(layer)}.{name}", "x", out, config.eps)

    def self_attention(self, layer: int, config: Sizes, **more: Unpack[Turns]) -> list[Operation]:
        """h -> h."""
        more["linears"] = tuple(name.format(layer) for name in (*self._qkv, f"{self.layer}.{self.attention}.dense"))
        return self_attention(self.layer.format(layer), layer, config, **more)

    def mlp(self, layer: int, config: Sizes, **places: Unpack[Places]) -> list[Operation]:
        """h -> h."""
        up, down = (f"{self.layer.format(layer)}.mlp.{name}" for name in ("dense_h_to_4h", "dense_4h_to_h"))
        return plain_mlp(up, down, config, **places)

    def program(self, config: Sizes, block: Callable[[int], Sequence[Operation]], **ends: Unpack[Ends]) -> Decoder:
        """Of a ``block`` for every layer, x -> x."""
        ends |= {"embedding": self.embedding, "norm": layer_norm(self.norm, "last", "last", config.eps)}
        return program_of(config, block, **ends)
