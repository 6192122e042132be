"""Texts and plans that can be read a single time: pipes, ``/dev/stdin``, a shell's ``<(command)``."""

import subprocess
from contextlib import ExitStack

import numpy as np
import pytest

TEXT = "the inn on the hill is a thin thing and the rain is on it "


@pytest.fixture
def text(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text(" ".join(np.random.default_rng(0).permutation(TEXT.split() * 100)))
    return path


@pytest.fixture
def once():
    """``once(path)``: the file through a pipe."""
    with ExitStack() as stack:

        def piped(path):
            process = stack.enter_context(subprocess.Popen(["cat", path], stdout=subprocess.PIPE))
            return f"/dev/fd/{process.stdout.fileno()}"

        yield piped


def test_texts_and_plans_are_read_once(tabulae, tiny_folder, text, once, tmp_path):
    """What the first plan measured is kept, so that the others are quick; importance comes from the text again."""
    plan, table = tmp_path / "plan.json", tmp_path / "m.tab"
    budget = ("--bits", 8, "--sensitivity", tmp_path / "sensitivity.json", "--calibration")
    assert tabulae("plan", tiny_folder, *budget, once(text), "-o", plan)[0] == 0
    words = ("build", tiny_folder, "-o", table)
    assert tabulae(*words, "--plan", once(plan), "--calibration", once(text))[0] == 0
    assert tabulae("check", table, "--against", tiny_folder, "--text", once(text), "--windows", 2)[0] == 0
    pipe = once(text)
    assert tabulae(*words, *budget, pipe, "--verify", pipe)[0] == 0
