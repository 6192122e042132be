"""Speed figures: what they count. That they are fast is for the benchmarks to say."""

import pytest

import tabulae
from tabulae.artifact.reader import open_table_model
from tabulae.errors import UsageError
from tabulae.workflows.load import from_file
from tabulae.workflows.speed import measure_session

FORMATS = ["grid:2/row/rms", "normal:4/g64/signmax", "normal:4/row/search/sparse=0.01", "int:4/g64/signmax/entropy"]
CACHE = 2 * 2 * 2 * 16 * 4  # layers, k and v, heads, columns, float32: bytes a token


def resident(file, linears):
    """Bytes of all that a token reads of these tensors, by their parts as they lie in memory."""
    total = 0
    for name in linears:
        parts = file.matrix_parts(name)
        arrays = [parts.codes, parts.multipliers, parts.scales, parts.outlier_columns]
        total += sum(array.nbytes for array in arrays if array is not None)
        if parts.outlier_values is not None:
            total += 4 * (len(parts.outlier_values) + parts.record.rows)  # as int32; one offset a row
    return total


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("threads", [1, 2])
def test_resident_bytes_are_read(form, threads, tiny_folder, tmp_path):
    """Of codes of variable length it is the decoded ones that a token reads."""
    with tabulae.open(tiny_folder) as trained:
        trained.build(tmp_path / "m.tab", formats=[form])
    with open_table_model(tmp_path / "m.tab") as file, from_file(file, threads=threads) as model:
        session = model.session()
        assert session.read_plainly(0) == resident(file, session.program.linears())
        assert session.read_plainly(60) == session.read_plainly(0) + 60 * CACHE


def test_what_is_counted(tiny_tab):
    with open_table_model(tiny_tab) as file, from_file(file, threads=1) as model:
        session = model.session()
        speed = measure_session(session, threads=1, rounds=1)
        assert speed.weight_bytes == resident(file, session.program.linears())
        half = session.context // 2
    assert speed.depth == min(128, half) + min(64, half) // 2 and speed.cache_bytes_per_token == CACHE
    assert speed.bytes_per_token == speed.weight_bytes + speed.depth * CACHE
    assert speed.decode_tokens_per_second > 0 < speed.prefill_tokens_per_second
    read = speed.bytes_per_token * speed.decode_tokens_per_second
    assert speed.decode_gigabytes_per_second == pytest.approx(read / 1e9)
    assert (speed.arithmetic, speed.threads) == ("auto", 1)


def test_positions_outside_the_context_are_refused(tiny_tab):
    with tabulae.load(tiny_tab) as model, pytest.raises(UsageError, match=r"\[plain read\] .* must lie in 0\.\."):
        model.session().read_plainly(model.session().context + 1)


def test_plain_reads_change_no_logit_and_may_come_between(tiny_tab):
    with tabulae.load(tiny_tab, threads=2) as model:
        expected = model.session().feed([5, 6, 7])
        session = model.session()
        session.read_plainly(50)
        assert (session.feed([5, 6, 7]) == expected).all()
        session.read_plainly(3)
        assert (session.feed([8]) == model.logits([5, 6, 7, 8])[-1:]).all()
