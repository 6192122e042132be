"""A model of seven billion weights: planned and built tensor by tensor, whatever its size.

The folder is real, its files are sparse: tensors are filled with seeded noise as they are read.
"""

import json
import resource
import struct
import subprocess
import sys
import time
import zlib
from math import prod
from pathlib import Path

import numpy as np
import pytest

LAYERS, WIDTH, HIDDEN, VOCABULARY = 32, 4096, 11008, 32000
CONFIG = {
    "model_type": "llama",
    "architectures": ["LlamaForCausalLM"],
    "hidden_size": WIDTH,
    "intermediate_size": HIDDEN,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": 32,
    "num_key_value_heads": 32,
    "vocab_size": VOCABULARY,
    "rms_norm_eps": 1e-5,
    "rope_theta": 10000.0,
    "max_position_embeddings": 4096,
    "tie_word_embeddings": False,
    "hidden_act": "silu",
}
LARGEST = 4 * VOCABULARY * WIDTH  # bytes of the largest tensor in float32


def shapes():
    found = {"model.embed_tokens.weight": (VOCABULARY, WIDTH), "model.norm.weight": (WIDTH,)}
    for layer in range(LAYERS):
        start = f"model.layers.{layer}."
        found |= {f"{start}self_attn.{one}_proj.weight": (WIDTH, WIDTH) for one in "qkvo"}
        found |= {f"{start}mlp.{one}_proj.weight": (HIDDEN, WIDTH) for one in ("gate", "up")}
        found |= {f"{start}mlp.down_proj.weight": (WIDTH, HIDDEN)}
        found |= {f"{start}{one}_layernorm.weight": (WIDTH,) for one in ("input", "post_attention")}
    return found | {"lm_head.weight": (VOCABULARY, WIDTH)}


def write_sparse(folder):
    """config.json, and one file of 13.5 GB that takes no room."""
    header, offset = {}, 0
    for name, shape in shapes().items():
        size = 2 * prod(shape)
        header[name] = {"dtype": "BF16", "shape": list(shape), "data_offsets": [offset, offset + size]}
        offset += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(CONFIG))
    with (folder / "model.safetensors").open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.truncate(8 + len(text) + offset)
    return folder


def fill():
    """Let sources give noise in place of zeros; a row is the same whichever rows are read."""
    from tabulae.sources import huggingface

    zeros = huggingface.HuggingFaceSource.read

    def read(self, name, rows=None):
        x = zeros(self, name, rows)
        rng = np.random.default_rng([zlib.crc32(name.encode()), rows.start if rows else 0])
        rng.standard_normal(out=x, dtype=np.float32)
        x *= np.float32(0.02)
        x += np.float32(x.ndim == 1)
        return x

    huggingface.HuggingFaceSource.read = read


def run(folder, target, what):
    """In a process of its own: seconds, and the most memory that it took."""
    call = [sys.executable, __file__, str(folder), str(target), what]
    done = subprocess.run(call, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.slow
def test_seven_billion_weights_are_planned_within_the_memory_bound(tmp_path):
    found = run(write_sparse(tmp_path / "7b"), tmp_path / "plan.json", "plan")
    assert found["bits"] <= 4 and found["gap"] < 0.005
    assert found["peak"] < 2 * LARGEST + 300e6
    print(found)


@pytest.mark.slow
def test_building_begins_within_the_memory_bound(tmp_path):
    found = run(write_sparse(tmp_path / "7b"), tmp_path / "m.tab", "build")
    assert found["done"] >= 3 and found["peak"] < 2 * LARGEST + 300e6
    print(found)


def main(folder, target, what):
    """What a test runs: plan, or build until three tensors are done."""
    fill()
    import tabulae

    start, done = time.perf_counter(), []
    with tabulae.open(folder) as model:
        if what == "plan":
            found = model.plan(bits=4.0)
            result = {"bits": found.totals.bits, "gap": found.gap, "tensors": len(found.entries)}
        else:

            def progress(name, weights, total):
                if weights > 0:
                    done.append(name)
                if len(done) == 3:
                    raise KeyboardInterrupt

            try:
                model.build(target, progress=progress)
            except KeyboardInterrupt:
                result = {"done": len(done)}
    peak = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps(result | {"seconds": time.perf_counter() - start, "peak": peak}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
