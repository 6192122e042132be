"""Both tools get the same tokens, or the benchmark ends."""

import numpy as np
import pytest

from peer_tokens import check_tokens
from tabulae.evaluation import cut

TEXT = np.arange(100, 125)


def written(path, tokens, count=3):
    """As llama-perplexity begins its file of logits."""
    head = np.int32([8, 300, count]).tobytes()
    path.write_bytes(b"_logits_" + head + np.asarray(tokens, "<i4")[: 8 * count].tobytes() + b"logits")
    return path


def test_the_same_tokens(tmp_path):
    windows = cut(TEXT, None, count=2, length=8, first=4)
    assert check_tokens(windows, written(tmp_path / "r.kld", TEXT), None) == 2


def test_bos_takes_the_place_of_a_first_token(tmp_path):
    windows = cut(TEXT, 1, count=3, length=8, first=4)
    path = written(tmp_path / "r.kld", [1, *TEXT])
    assert check_tokens(windows, path, 1) == 3
    with pytest.raises(SystemExit, match="first at 0 of window 1: 1 here, 107 there"):
        check_tokens(windows, path, None)


def test_other_tokens_end_the_benchmark(tmp_path):
    windows = cut(TEXT, None, count=3, length=8, first=4)
    other = TEXT.copy()
    other[13] = 7
    with pytest.raises(SystemExit, match="1 of 24 tokens differ, first at 5 of window 1: 113 here, 7 there"):
        check_tokens(windows, written(tmp_path / "r.kld", other), None)


@pytest.mark.parametrize("change, match", [(b"GGUF", "kl-divergence-base"), (b"", "of 8 tokens, but are of 16")])
def test_no_such_file(tmp_path, change, match):
    path = written(tmp_path / "r.kld", TEXT)
    data = path.read_bytes()
    path.write_bytes(change * 2 + data[8:] if change else data[:8] + np.int32([16, 300, 1]).tobytes() + data[20:])
    with pytest.raises(SystemExit, match=match):
        check_tokens(cut(TEXT, None, count=3, length=8, first=4), path, None)
