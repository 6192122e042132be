"""Speed figures: what they count. That they are fast is for the benchmarks to say."""

import pytest

from tabulae.artifact.reader import open_table_model
from tabulae.evaluation.speed import measure
from tabulae.workflows.load import from_file


def test_what_is_counted(tiny_tab):
    with open_table_model(tiny_tab) as file, from_file(file, threads=1) as model:
        speed = measure(file, model.session(), threads=1, rounds=1)
        others = ("model.embed_tokens", "tabulae.")  # of an embedding that is not the head, a token reads one row
        counted = [e.name for e in file.document.entries if not e.name.startswith(others) and "norm" not in e.name]
        stored = sum(len(file.stored(name)) for name in counted if not name.endswith(".widths"))
    assert speed.weight_bytes == stored
    assert speed.cache_bytes_per_token == 2 * 2 * 2 * 16 * 4  # layers, k and v, heads, columns, float32
    assert speed.decode_tokens_per_second > 0 < speed.prefill_tokens_per_second
    assert speed.decode_gigabytes_per_second == pytest.approx(stored * speed.decode_tokens_per_second / 1e9)
    assert (speed.arithmetic, speed.threads) == ("auto", 1)
