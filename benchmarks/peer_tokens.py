"""Whether llama.cpp's tool scored the very tokens that we score: its file of logits names them.

What ``llama-perplexity --kl-divergence-base`` writes begins with ``_logits_``, the window's length, the size of the
vocabulary, the number of windows and their tokens, all int32, as the text was cut: BOS takes the place of a window's
first token only when it is run.

    python benchmarks/peer_tokens.py model.gguf reference.kld [wiki.test.raw]
"""

import sys
from pathlib import Path

import numpy as np

import tabulae
from inputs import wikitext
from tabulae.evaluation import Windows, cut_text
from tabulae.text.tokenizer import Tokenizer

MAGIC = b"_logits_"


def peer_tokens(path: Path) -> np.ndarray:
    """The tokens of llama.cpp's windows, int32 [windows, length]."""
    with path.open("rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            raise SystemExit(f"{path}: it must be a file of llama-perplexity --kl-divergence-base")
        length, _, count = np.frombuffer(file.read(12), "<i4").tolist()
        return np.frombuffer(file.read(4 * length * count), "<i4").reshape(count, length)


def check_tokens(windows: Windows, path: Path, bos: int | None) -> int:
    """End the benchmark unless all tokens are the same in the windows that both have; how many these are.

    ``bos``: what stands first in every window when it is run, if the tokenizer adds one.
    """
    theirs, ours = peer_tokens(path).copy(), windows.tokens
    if theirs.shape[1] != windows.length:
        raise SystemExit(f"{path}: windows must be of {windows.length} tokens, but are of {theirs.shape[1]}")
    if bos is not None:
        theirs[:, 0] = bos
    count = min(len(ours), len(theirs))
    unlike = np.argwhere(ours[:count] != theirs[:count])
    if len(unlike):
        window, at = unlike[0]
        where = f"{len(unlike)} of {count * windows.length} tokens differ, first at {at} of window {window}"
        must = f"{path}: both tools must get the same tokens, but {where}"
        raise SystemExit(f"{must}: {ours[window, at]} here, {theirs[window, at]} there; same text, same tokenizer?")
    return count


def main() -> None:
    """Compare, and say so."""
    model, path, *text = map(Path, sys.argv[1:])
    with tabulae.open(model) as trained:
        vocabulary = trained.vocabulary
    assert vocabulary is not None
    words = (text[0] if text else wikitext()).read_text(encoding="utf-8")
    windows = cut_text(words, Tokenizer(vocabulary), count=len(peer_tokens(path)))
    count = check_tokens(windows, path, vocabulary.bos if vocabulary.add_bos else None)
    print(f"the same {count * windows.length} tokens in {count} windows")


if __name__ == "__main__":
    main()
