"""A plan is shipped only if it runs better than the best flat plan of no more bytes; all else is said."""

import json
import shutil
import signal
import subprocess
import sys
import time

import msgspec
import numpy as np
import pytest
from typer.testing import CliRunner

from tabulae.artifact.reader import open_table_model
from tabulae.artifact.records import TableRecord
from tabulae.cli.main import app
from tabulae.errors import UsageError
from tabulae.planning.budget import Budget
from tabulae.workflows import contest, verdict
from tabulae.workflows.contest import build_within
from tabulae.workflows.curves import Planner
from tabulae.workflows.verdict import is_better

BUDGET = Budget(bits=7.5)


def test_a_better_plan_is_shipped(planned, verifier, tmp_path):
    built = build_within(planned, tmp_path / "m.tab", BUDGET, verifier=verifier)
    verdict = built.verdict
    assert verdict.shipped == "plan" and is_better(verdict.saved, 8) and verdict.windows == 8
    assert verdict.saved.mean == pytest.approx(verdict.flat.mean - verdict.plan.mean)
    assert verdict.flat_bytes <= built.path.stat().st_size and verdict.remeasured == 0
    assert [path.name for path in tmp_path.iterdir()] == ["m.tab"]


def test_what_is_measured_is_what_is_shipped(planned, verifier, tmp_path):
    built = build_within(planned, tmp_path / "m.tab", BUDGET, verifier=verifier)
    assert verifier().qualities({"again": built.path})["again"].kl == built.verdict.plan


def test_wrong_sensitivities_are_measured_anew(planned, verifier, tmp_path):
    """Sensitivities turned upside down make a plan that loses; the second one is made with better ones."""
    values = planned.study.sensitivity.values
    upside_down = {name: 1 / max(value, 1e-6) ** 2 for name, value in values.items()}
    wrong = planned.with_sensitivity(msgspec.structs.replace(planned.study.sensitivity, values=upside_down))
    built = build_within(wrong, tmp_path / "m.tab", BUDGET, verifier=verifier)
    assert built.verdict.remeasured > 0
    best = min(built.verdict.plan.mean, built.verdict.flat.mean)
    assert verifier().qualities({"shipped": built.path})["shipped"].kl.mean <= best * 1.05


def test_the_flat_plan_is_shipped_where_the_plan_is_not_better(planned, verifier, tmp_path, monkeypatch):
    monkeypatch.setattr(verdict, "is_better", lambda saved, windows: False)
    built = build_within(planned, tmp_path / "m.tab", BUDGET, verifier=verifier)
    assert built.verdict.shipped == "flat" and len({entry.format for entry in built.plan.entries}) <= 2
    with open_table_model(built.path, verify=True) as file:
        assert {r.name: r.format for r in file.document.tensors if isinstance(r, TableRecord)} == {
            e.name: e.format for e in built.plan.entries
        }
    assert built.path.stat().st_size == built.verdict.flat_bytes


def test_the_command(tiny_folder, tmp_path):
    """With nothing but a size: the text is tabulae's own, the result is verified."""
    options = ["--bits", "7.5", "-o", str(tmp_path / "m.tab")]
    done = CliRunner().invoke(app, ["build", str(tiny_folder), *options])
    assert done.exit_code == 0 and ("verified on 8 windows" in done.output or "flat plan was shipped" in done.output)
    done = CliRunner().invoke(app, ["build", str(tiny_folder), *options, "--no-verify", "--json"])
    record = json.loads(done.stdout)
    assert record["verified"] is None and record["note"] == "not verified" and record["plan"]["totals"]["bits"] <= 7.5


def test_one_source_of_formats(tiny_folder, tmp_path):
    options = ["--bits", "7.5", "--format", "int:8/row/absmax", "-o", str(tmp_path / "m.tab")]
    done = CliRunner().invoke(app, ["build", str(tiny_folder), *options])
    assert done.exit_code != 0 and "formats must come from" in str(done.exception) and not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "options",
    [["--entropy"], ["--verify", "x.txt"], ["--format", "int:8/row/absmax", "--calibration", "x.txt"], ["--no-verify"]],
)
def test_options_that_would_do_nothing_are_refused(options, tiny_folder, tmp_path):
    done = CliRunner().invoke(app, ["build", str(tiny_folder), *options, "-o", str(tmp_path / "m.tab")])
    assert done.exit_code != 0 and "must come with a budget" in str(done.exception) and not list(tmp_path.iterdir())


def test_memory_is_kept_to_by_the_flat_plan_too(trained, planned, verifier, tmp_path, monkeypatch):
    monkeypatch.setattr(verdict, "is_better", lambda saved, windows: False)
    rich = Planner.of(trained, planned.study, entropy=True)
    memory = rich.plan(Budget(size=90_000)).totals.memory - 8000
    built = build_within(rich, tmp_path / "m.tab", Budget(size=90_000, memory=memory), verifier=verifier)
    assert built.verdict.shipped == "flat" and built.plan.totals.memory <= memory
    assert built.path.stat().st_size <= 90_000 and built.plan.gap > 0


def test_a_folder_of_somebody_else_is_left_alone(planned, verifier, tmp_path):
    folder = tmp_path / "m.tab.verify"
    folder.mkdir()
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(UsageError, match="it must belong to this build"):
        build_within(planned, tmp_path / "m.tab", BUDGET, verifier=verifier)
    assert (folder / "notes.txt").read_text() == "mine"


def test_another_budget_does_not_take_the_folder(planned, verifier, tmp_path):
    path, calls = tmp_path / "m.tab", []

    def interrupt(*what):
        calls.append(what)
        if len(calls) == 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_within(planned, path, BUDGET, verifier=verifier, progress=interrupt)
    before = sorted((tmp_path / "m.tab.verify").rglob("*"))
    with pytest.raises(UsageError, match="it must belong to this build"):
        build_within(planned, path, Budget(bits=8.0), verifier=verifier)
    assert before and sorted((tmp_path / "m.tab.verify").rglob("*")) == before
    build_within(planned, path, BUDGET, verifier=verifier)
    assert [one.name for one in tmp_path.iterdir()] == ["m.tab"]


@pytest.mark.parametrize("when", ["plan.tab", "flat.tab"])
def test_a_verified_build_goes_on_where_it_was(when, planned, verifier, tmp_path, monkeypatch):
    """Killed when a model is whole: it is not built again."""
    reference = build_within(planned, tmp_path / "a.tab", BUDGET, verifier=verifier)

    put, made = contest.build, []

    def build(model, path, recipe, **options):
        made.append(path.name)
        put(model, path, recipe, **options)
        if path.name == when and made.count(when) == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(contest, "build", build)
    with pytest.raises(KeyboardInterrupt):
        build_within(planned, tmp_path / "b.tab", BUDGET, verifier=verifier)
    again = build_within(planned, tmp_path / "b.tab", BUDGET, verifier=verifier)
    assert again.path.read_bytes() == reference.path.read_bytes()
    assert made.count("plan.tab") == (2 if when == "plan.tab" else 1)


def test_one_verified_build_at_a_time(planned, verifier, tmp_path):
    path, met = tmp_path / "m.tab", []

    def meddling():
        with pytest.raises(UsageError, match=r"one build at a time .* wait for it, or give another -o"):
            build_within(planned, path, BUDGET, verifier=verifier)
        met.append(path)
        return verifier()

    build_within(planned, path, BUDGET, verifier=meddling)
    assert met and [file.name for file in tmp_path.iterdir()] == ["m.tab"]


KILLED = """
import sys, tabulae
with tabulae.open(sys.argv[1]) as model:
    model.build_planned(sys.argv[2], bits=7.5, calibration=sys.argv[3], sensitivity=sys.argv[4], threads=1)
"""


def killed_and_resumed(folder, text, tmp_path, moments):
    """Verified builds in processes of their own, killed after so many seconds; then one that may finish: its bytes."""
    (tmp_path / "text.txt").write_text(text)
    (tmp_path / "out").mkdir()
    path = tmp_path / "out" / "m.tab"
    command = [sys.executable, "-c", KILLED, folder, path, tmp_path / "text.txt", tmp_path / "sensitivity.json"]
    for moment in moments:
        with subprocess.Popen(command) as process:
            time.sleep(moment)
            process.send_signal(signal.SIGKILL)
        if path.exists():
            with open_table_model(path, verify=True):  # the final name is never on part of a file
                pass
    subprocess.run(command, check=True)
    assert [file.name for file in path.parent.iterdir()] == ["m.tab"]
    return path.read_bytes()


def test_killed_verified_builds_end_in_the_same_bytes(tiny_folder, text, tmp_path):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    whole.mkdir()
    killed.mkdir()
    expected = killed_and_resumed(tiny_folder, text, whole, [])
    shutil.copy(whole / "sensitivity.json", killed)
    moments = np.random.default_rng(2).uniform(0.5, 3.0, 5)
    assert killed_and_resumed(tiny_folder, text, killed, moments) == expected
