"""describe: bits count every byte of a table model but the tokenizer."""

import json

import pytest

from tabulae.planning.budget import Budget
from tabulae.study.study import study
from tabulae.workflows.contest import build_within
from tabulae.workflows.curves import Planner
from tabulae.workflows.describe import describe
from tabulae.workflows.trained import open_trained


def without_tokenizer(path):
    """Bytes of the file but those of the tokenizer's entry with its padding, by the header alone."""
    data = path.read_bytes()
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    first, last = header["tabulae.tokenizer"]["data_offsets"]
    return len(data) - -(-(last - first) // 64) * 64


def test_bits_of_a_table_model(tiny_tab):
    found = describe(tiny_tab)
    assert found.bits_per_parameter == 8 * without_tokenizer(tiny_tab) / found.weights


def test_a_budget_of_bits_holds_for_the_file(tiny_folder, tmp_path):
    """The header of a tiny model weighs more than its codes: a budget that forgot it would be exceeded by far."""
    with open_trained(tiny_folder) as trained:
        planned = Planner.of(trained, study(trained, by="data-free"))
        least = planned.plan(Budget(kl=1e9)).totals.bits
        built = build_within(planned, tmp_path / "m.tab", Budget(bits=least + 1))
    real = 8 * without_tokenizer(built.path) / describe(built.path).weights
    assert least < real <= built.plan.totals.bits + 1e-4 <= least + 1 + 1e-3
    assert real == pytest.approx(built.plan.totals.bits, rel=0.02)
