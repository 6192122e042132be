"""``--ignore-key``: the way out where a configuration says what is not computed."""

import pytest
from tiny_folder import write_folder


@pytest.fixture
def strange(tmp_path):
    """The tiny model with keys that nothing here knows."""
    return write_folder(tmp_path / "strange", residual_multiplier=0.5, logits_scaling={"by": 2})


KEYS = ("--ignore-key", "residual_multiplier", "--ignore-key", "logits_scaling")


def test_every_verb_that_opens_a_trained_model_takes_it(tabulae, strange, tiny_tab, tmp_path):
    text = tmp_path / "text.txt"
    text.write_text("the inn on the hill " * 40)
    verbs = [
        ("build", strange, "-o", tmp_path / "m.tab"),
        ("plan", strange, "-o", tmp_path / "plan.json", "--bits", 9, "--by", "data-free"),
        ("run", strange, "the inn", "--max-tokens", 2),
        ("info", strange, "--statistics"),
        ("check", tiny_tab, "--against", strange, "--text", text, "--windows", 1),
    ]
    for words in verbs:
        code, _, err = tabulae(*words)
        assert (
            code == 1 and "residual_multiplier = 0.5, logits_scaling = {'by': 2}; " in err and "--ignore-key KEY" in err
        )
        assert tabulae(*words, *KEYS)[0] == 0
    assert "ignored_keys   logits_scaling, residual_multiplier" in tabulae("info", tmp_path / "m.tab")[1]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ("build", "{folder}", "-o", "{out}", "--ignore-key", "no.such"),
            "a key of the configuration, but got no.such",
        ),
        (("run", "{tab}", "hi", "--ignore-key", "a"), "must go with a trained model, but got a table model"),
        (("info", "{tab}", "--ignore-key", "a"), "must go with a trained model, but got a table model"),
        (("check", "{tab}", "--ignore-key", "a"), "--ignore-key must come with --against"),
    ],
)
def test_keys_that_would_ignore_nothing(tabulae, tiny_tab, tiny_folder, tmp_path, words, message):
    places = {"folder": tiny_folder, "tab": tiny_tab, "out": tmp_path / "m.tab"}
    code, _, err = tabulae(*(word.format(**places) for word in words))
    assert code == 2 and message in err
