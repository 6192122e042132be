"""The text to calibrate with: its size, its variety, and that it comes along."""

import os
import zipfile
from collections import Counter
from pathlib import Path

import pytest

import tabulae
from tabulae import texts
from tabulae.evaluation.windows import LENGTH
from tabulae.text.tokenizer import Tokenizer

ROOT = Path(__file__).parents[2]


def test_size():
    text = texts.calibration()
    assert text.isascii() and 30_000 <= len(text) <= 40_000
    assert text.endswith("\n") and "\r" not in text and "\t" not in text


def test_nothing_is_said_twice():
    words = texts.calibration().split()
    runs = Counter(tuple(words[i : i + 8]) for i in range(len(words)))
    assert max(runs.values()) == 1
    assert len({word.strip(".,;:?!\"'()").lower() for word in words}) > 1800


def test_enough_tokens(smollm2):
    with tabulae.open(smollm2) as model:
        tokens = len(Tokenizer(model.source.vocabulary()).encode(texts.calibration()))
    assert tokens >= 6500 and tokens >= 16 * LENGTH


def test_it_is_in_the_wheel(tmp_path, monkeypatch):
    backend = pytest.importorskip("scikit_build_core.build")
    monkeypatch.chdir(ROOT)
    name = backend.build_wheel(
        os.fspath(tmp_path), {"wheel.cmake": "false", "wheel.py-api": "", "build-dir": os.fspath(tmp_path / "b")}
    )
    with zipfile.ZipFile(tmp_path / name) as wheel:
        stored = wheel.read("tabulae/texts/calibration.txt")
    assert stored.decode("ascii") == texts.calibration()
