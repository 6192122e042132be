"""Folders whose weights were quantised by another tool: refused at once, by the name of the tool."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tabulae.errors import ModelError
from tabulae.sources._files import read_json

_KEYS = ("quantization_config", "compression_config", "quantization")  # transformers; compressed-tensors before; MLX
_FILES = ("quantize_config.json", "quant_config.json", "hf_quant_config.json")  # GPTQ and AWQ before; ModelOpt
_HINT = (
    "take the original model, or write it in floats: in transformers model.dequantize() and model.save_pretrained("
    "FOLDER), in MLX mlx_lm.convert --dequantize"
)


def refuse_quantised(folder: Path, config: Mapping[str, Any]) -> None:
    """Raise :class:`ModelError` where ``config`` (or the part of a model that writes text), or a file, says so."""
    text = config.get("text_config")
    for part in (config, text if isinstance(text, Mapping) else {}):
        for key in _KEYS:
            if part.get(key):
                _refuse(folder / "config.json", key, part[key])
    for name in _FILES:
        if found := read_json(folder / name):
            _refuse(folder / name, name, found)


def _refuse(path: Path, key: str, settings: Any) -> None:
    """The method is named, or what stands there instead: MLX gives bits alone."""
    method = settings.get("quant_method") if isinstance(settings, Mapping) else None
    said = f"quant_method {method}" if method else repr(settings)[:80]
    raise ModelError(str(path), "the weights must be floats", f"{key} with {said}", _HINT)
