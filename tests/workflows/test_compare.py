"""compare: a table model against the model it was built from."""

import pytest

import tabulae
from tabulae.errors import FileError, UsageError
from tabulae.workflows.compare import compare


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    path = tmp_path_factory.mktemp("text") / "text"
    path.write_text("the inn on the hill is another in the rain " * 50)
    return path


def test_both_kinds(tiny_tab, tiny_folder, text):
    alone, complete = compare(tiny_tab, tiny_folder, text, windows=3)
    assert (alone.kind, complete.kind, alone.windows) == ("weights alone", "complete", 3)
    assert 0 < alone.kl.mean < 0.2 and 0 < complete.kl.mean < 0.2
    assert alone.reference_perplexity == complete.reference_perplexity


def test_an_exact_model_loses_nothing(tiny_folder, text, tmp_path):
    with tabulae.open(tiny_folder) as model:
        path = model.build(tmp_path / "m.tab", formats=["float32"])
    for quality in compare(path, tiny_folder, text, windows=1):
        assert quality.kl.mean == 0 and quality.agreement.mean == 1


def test_bad_texts(tiny_tab, tiny_folder, tmp_path):
    with pytest.raises(FileError, match="readable"):
        compare(tiny_tab, tiny_folder, tmp_path / "none")
    (tmp_path / "short").write_text("the")
    with pytest.raises(UsageError, match="must fill one window"):
        compare(tiny_tab, tiny_folder, tmp_path / "short")
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(UsageError, match="UTF-8"):
        compare(tiny_tab, tiny_folder, tmp_path / "bytes")


def test_another_vocabulary(tiny_tab, smollm2, text):
    with pytest.raises(UsageError, match="vocabulary, 300 tokens"):
        compare(tiny_tab, smollm2, text)
