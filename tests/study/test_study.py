"""What a study refuses before it runs anything."""

import sys

import pytest

import tabulae
from tabulae.errors import UsageError
from tabulae.study import study as module


def test_gradients_without_torch_are_refused_before_the_text_is_run(tiny_folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.setattr(module._Runner, "inputs", lambda self: pytest.fail("the text was run"))
    with tabulae.open(tiny_folder) as model, pytest.raises(UsageError, match="torch must be installed"):
        module.study(model, by="fisher")
