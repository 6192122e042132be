"""Write the dithered reference: a model whose weights do not lie on the grid they were shipped on.

SmolLM2 comes as Q4_1 (its embedding as Q8_0) and Qwen2.5-Coder as Q4_K and Q6_K, so any format that contains that grid
looks better than it is. Here every quantised weight gets uniform noise over its own cell (seed 0) and is stored as F16;
norms stay F32. The result is a weaker model with weights as smooth as any original's, for comparing formats. Same
input, same bytes.

    python benchmarks/dither_reference.py dithered.gguf [--source model.gguf]
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import gguf
import numpy as np
import numpy.typing as npt
import xxhash
from gguf.quants import Q4_K, dequantize

from inputs import smollm2
from tabulae.arithmetic.arrays import Float32s, Uint8s

STEPPED = {"Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0"}  # 32 weights, a block begins with its step, a float16
KEPT = {"F32", "F16"}
ROWS = 1 << 15  # blocks at once: 8 MB of noise
MOSTLY_F16 = 1  # general.file_type


def main() -> None:
    """Write and print the hash of what was written."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--source", type=Path, help="a GGUF file (default: SmolLM2 from its package)")
    options = parser.parse_args()
    dither(options.source or smollm2(), options.out)
    print(f"{options.out}: {options.out.stat().st_size} bytes, xxh3-128 {fingerprint(options.out)}")


def dither(source: Path, out: Path) -> None:
    """All metadata, then all tensors in file order: the order of the random numbers."""
    reader = gguf.GGUFReader(source)
    writer = gguf.GGUFWriter(out, reader.fields["general.architecture"].contents())
    copy_metadata(reader, writer)
    random = np.random.default_rng(0)
    for tensor in reader.tensors:
        values = dequantize(tensor.data, tensor.tensor_type)
        if tensor.tensor_type.name in KEPT:
            writer.add_tensor(tensor.name, values.astype(np.float32))
        else:
            writer.add_tensor(tensor.name, dithered(values, steps(tensor), random))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def copy_metadata(reader: gguf.GGUFReader, writer: gguf.GGUFWriter) -> None:
    """Every field of the source; only the file type is another."""
    for key, field in reader.fields.items():
        if key == "general.file_type":
            writer.add_file_type(MOSTLY_F16)
        elif not key.startswith("GGUF.") and key != "general.architecture":
            writer.add_key_value(key, field.contents(), field.types[0], sub_type=field.types[-1])


def steps(tensor: gguf.ReaderTensor) -> Float32s:
    """The width of a cell of every block or sub-block, in the order of the weights: float32 [blocks, 1]."""
    kind = tensor.tensor_type.name
    _, size = gguf.GGML_QUANT_SIZES[tensor.tensor_type]
    blocks = tensor.data.reshape(-1, size)
    if kind in STEPPED:
        return step_of(blocks[:, :2])
    if kind == "Q4_K":  # eight sub-blocks of 32, their scales in 6 bits
        scales, _ = Q4_K.get_scale_min(blocks[:, 4:16].copy())
        return (step_of(blocks[:, :2]) * scales.astype(np.float32)).reshape(-1, 1)
    if kind == "Q6_K":  # sixteen sub-blocks of 16, their scales signed bytes before the step
        scales = blocks[:, -18:-2].copy().view(np.int8).astype(np.float32)
        return (step_of(blocks[:, -2:]) * np.abs(scales)).reshape(-1, 1)
    raise SystemExit(f"{tensor.name}: no known cell for type {kind}")


def step_of(stored: Uint8s) -> Float32s:
    """Float16 numbers [n, 2 bytes] as float32 [n, 1], without their sign."""
    return np.abs(stored.copy().view(np.float16).astype(np.float32))


def dithered(values: Float32s, steps: Float32s, random: np.random.Generator) -> npt.NDArray[np.float16]:
    """``values + uniform(-1/2, 1/2) * step``, rounded to float16."""
    out = np.empty((len(steps), values.size // len(steps)), np.float16)
    for rows in chunks(len(steps)):
        noise = random.uniform(-0.5, 0.5, out[rows].shape).astype(np.float32)
        out[rows] = values.reshape(out.shape)[rows] + noise * steps[rows]
    return out.reshape(values.shape)


def chunks(count: int) -> Iterator[slice]:
    """Slices of at most ROWS blocks."""
    for start in range(0, count, ROWS):
        yield slice(start, start + ROWS)


def fingerprint(path: Path) -> str:
    """xxh3-128 of a file."""
    state = xxhash.xxh3_128()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            state.update(piece)
    return state.hexdigest()


if __name__ == "__main__":
    main()
