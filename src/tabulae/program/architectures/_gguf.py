"""What all architectures in GGUF files share: keys, names of tensors, the sizes of decoders, rotary positions."""

from collections.abc import Callable
from typing import Any

import numpy as np

from tabulae.arithmetic.activation_functions import Activation
from tabulae.errors import ModelError
from tabulae.program.architectures._architecture import Reading
from tabulae.program.architectures._config import Biases, Sizes, kv_heads, plain_sizes
from tabulae.program.architectures._fields import LAYERS, integer, number
from tabulae.program.architectures._fused import interleaved
from tabulae.program.architectures._keys import Harmless, Keys, Neutral
from tabulae.program.architectures._names import Names, Patterns
from tabulae.program.architectures._origin import Source
from tabulae.program.architectures._rope import THETA, Rope, frequencies

FACTORS = "rope_freqs.weight"  # divisors of rotary frequencies
LLAMA: Patterns = {
    "model.embed_tokens": "token_embd",
    "model.layers.{}.input_layernorm": "blk.{}.attn_norm",
    "model.layers.{}.self_attn.q_proj": "blk.{}.attn_q",
    "model.layers.{}.self_attn.k_proj": "blk.{}.attn_k",
    "model.layers.{}.self_attn.v_proj": "blk.{}.attn_v",
    "model.layers.{}.self_attn.o_proj": "blk.{}.attn_output",
    "model.layers.{}.post_attention_layernorm": "blk.{}.ffn_norm",
    "model.layers.{}.mlp.gate_proj": "blk.{}.ffn_gate",
    "model.layers.{}.mlp.up_proj": "blk.{}.ffn_up",
    "model.layers.{}.mlp.down_proj": "blk.{}.ffn_down",
    "model.norm": "output_norm",
    "lm_head": "output",
}
NORMED: Patterns = {
    **LLAMA,  # of those with norms on queries and keys
    "model.layers.{}.self_attn.q_norm": "blk.{}.attn_q_norm",
    "model.layers.{}.self_attn.k_norm": "blk.{}.attn_k_norm",
}

INTERLEAVED: Patterns = {
    **LLAMA,  # by converters of llama and those that came after it
    "model.layers.{}.self_attn.q_proj": interleaved("blk.{}.attn_q", "heads"),
    "model.layers.{}.self_attn.k_proj": interleaved("blk.{}.attn_k", "kv_heads"),
}

# Without the architecture before them. llama.cpp (llama-cpp-python 0.3.36) computes nothing with these either
# and, in the families here, nothing with attn_logit_softcapping nor, but for Gemma, with windows: refused here.
HARMLESS: Harmless = {
    "the embedding has as many rows as it has": "vocab_size",
    "how the file came to be; one layout is in use": "tensor_data_layout rope.scaling.finetuned",
    "what is done with hidden states, not with logits": "pooling_type",
}
NEUTRAL: Neutral = {
    "attention.causal": (True,),
    "attention.clamp_kqv": (0.0,),
    "attention.max_alibi_bias": (0.0,),
    "attention.sliding_window": (0,),
    "attn_logit_softcapping": (0.0,),
    "expert_count": (0,),
    "expert_used_count": (0,),
    "final_logit_softcapping": (0.0,),
    "rope.scaling.yarn_ext_factor": (1.0, -1.0),
    "rope.scaling.yarn_log_multiplier": (0.0,),
}


def gguf(
    family: str,
    read: Callable[[Source], Any],
    names: Patterns,
    *,
    ignored: tuple[str, ...] = (),
    harmless: Harmless | None = None,
    neutral: Neutral | None = None,
) -> Reading:
    """How files whose ``general.architecture`` is ``family`` are read."""
    keys = Keys(HARMLESS, NEUTRAL) | Keys(harmless or {}, neutral or {})
    return Reading("gguf", (family,), read, Names(names), ignored, keys, "metadata", f"{family}.")


def decoder(
    source: Source, fn: Activation = "silu", eps: str = "layer_norm_rms_epsilon", turns: Rope | None = None
) -> Sizes:
    """The common fields; ``fn``: the activation function, which no key tells; ``turns``: another rotation."""
    meta, arch = source.metadata, source.family
    hidden, heads = integer(meta, f"{arch}.embedding_length"), integer(meta, f"{arch}.attention.head_count")
    head = integer(meta, f"{arch}.attention.key_length", default=max(hidden // heads, 1))
    if integer(meta, f"{arch}.attention.value_length", default=head) != head:
        raise ModelError(f"{arch}.attention.value_length", f"it must be that of keys, {head}", "another")
    rotary = integer(meta, f"{arch}.rope.dimension_count", default=head)
    context = integer(meta, f"{arch}.context_length")
    return Sizes(
        layers=integer(meta, f"{arch}.block_count", most=LAYERS),
        hidden=hidden,
        intermediate=integer(meta, f"{arch}.feed_forward_length"),
        heads=heads,
        kv_heads=kv_heads(heads, integer(meta, f"{arch}.attention.head_count_kv", default=heads)),
        head=head,
        vocabulary=vocabulary(source),
        context=context,
        eps=number(meta, f"{arch}.attention.{eps}"),
        turn=frequencies(rotary, turns or rope(source, context)),
        activation=fn,
        tied="output.weight" not in source.names,
    )


def plain_decoder(source: Source, fn: Activation, bias: Biases) -> Sizes:
    """The common fields of those with layer norms, in which nothing turns; hidden units are 4 times the width."""
    meta, arch = source.metadata, source.family
    hidden = integer(meta, f"{arch}.embedding_length")
    return plain_sizes(
        layers=integer(meta, f"{arch}.block_count", most=LAYERS),
        hidden=hidden,
        intermediate=integer(meta, f"{arch}.feed_forward_length", default=4 * hidden),
        heads=integer(meta, f"{arch}.attention.head_count"),
        vocabulary=vocabulary(source),
        context=integer(meta, f"{arch}.context_length"),
        eps=number(meta, f"{arch}.attention.layer_norm_epsilon"),
        activation=fn,
        tied="output.weight" not in source.names,
        bias=bias,
    )


def vocabulary(source: Source) -> int:
    """Rows of the embedding: its metadata need not say it."""
    if "token_embd.weight" not in source.names:
        raise ModelError("tensors", "every tensor of the architecture must be there", "missing: token_embd.weight")
    return source.shape("token_embd.weight")[0]


def rope(source: Source, context: int) -> Rope:
    """From keys and, where it is there, the tensor :data:`FACTORS`; what both say multiplies.

    A factor without a kind is linear. llama.cpp reads the ``yarn_*`` keys of no architecture here; its converter
    writes what config.json says there, so they mean the same.
    """
    meta, arch = source.metadata, source.family
    at = f"{arch}.rope.scaling"
    kind = meta.get(f"{at}.type", "linear")
    factor = number(meta, f"{at}.factor", f"{arch}.rope.scale_linear", default=1.0)
    named = {
        "original_max_position_embeddings": "original_context_length",
        "attention_factor": "yarn_attn_factor",
        "beta_fast": "yarn_beta_fast",
        "beta_slow": "yarn_beta_slow",
    }
    values = {"factor": factor} | {ours: meta.get(f"{at}.{theirs}") for ours, theirs in named.items()}
    if kind == "longrope":
        raise ModelError(f"{at}.type", "the kind must be one that is computed", kind, "accepted: none, linear, yarn")
    return Rope(
        theta=number(meta, f"{arch}.rope.freq_base", default=THETA),
        kind="default" if kind == "none" else kind,
        values=values,
        context=context,
        factors=source.read(FACTORS).astype(np.float64) if FACTORS in source.names else None,
        scale=number(meta, f"{at}.attn_factor", default=1.0),
    )
