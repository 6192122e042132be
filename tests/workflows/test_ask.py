"""From a budget to a plan to a table model, on a tiny model: what is asked for is kept, what does not fit is named."""

import json
import os
from functools import partial

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from tiny_folder import write_folder

import tabulae
from tabulae.artifact.reader import open_table_model
from tabulae.artifact.records import TableRecord
from tabulae.calibration import split_rows
from tabulae.calibration.prepared import tables_of
from tabulae.errors import FileError, UsageError
from tabulae.planning.budget import Budget
from tabulae.planning.plan import read, write
from tabulae.program.ops.gate import Gate
from tabulae.study.sensitivity import write as write_sensitivity
from tabulae.study.study import study
from tabulae.workflows import ask as module
from tabulae.workflows.ask import ask
from tabulae.workflows.contest import build_within
from tabulae.workflows.curves import Planner
from tabulae.workflows.open_tab import program_of
from tabulae.workflows.verdict import Verifier

TEXT = "the inn on the hill is a thin thing and the rain is on it "

JUDGES = {"usual": None, "yes": True}


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    words = np.random.default_rng(0).permutation(TEXT.split() * 200)
    path = tmp_path_factory.mktemp("text") / "text.txt"
    path.write_text(" ".join(words))
    return path


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    with tabulae.open(write_folder(tmp_path_factory.mktemp("wide"), intermediate_size=192)) as model:
        yield model  # 192 hidden units can be dealt to groups


@pytest.fixture(scope="module")
def known(trained, text):
    return study(trained, text.read_text())


@pytest.fixture(scope="module")
def planners():
    return {}


@pytest.fixture(params=["fixed", "entropy", "bands"])
def planned(request, trained, known, text, planners, monkeypatch):
    kind = request.param
    if kind == "bands":  # no table of so small a model is split otherwise
        monkeypatch.setattr("tabulae.calibration.prepared.split_rows", partial(split_rows, least=1 << 11))
    if kind not in planners:
        found = study(trained, text.read_text()) if kind == "bands" else known
        planners[kind] = Planner.of(trained, found, entropy=kind != "fixed")
    return planners[kind]


def test_bands_are_planned_where_there_are_some(planned, trained, request):
    wanted = tables_of(trained, bands="bands" in request.node.callspec.id)
    assert tuple(planned.curves) == wanted


def formats_of(path):
    with open_table_model(path, verify=True) as file:
        return {r.name: r.format for r in file.document.tensors if isinstance(r, TableRecord)}


def span(planned):
    """The least bytes that a plan can have, and those that it takes to lose least."""
    with pytest.raises(UsageError, match="plans reach") as error:
        planned.plan(Budget(size=1))
    low, high = str(error.value).split("plans reach ")[1].split(" bytes")[0].split(" to ")
    return int(low), int(high)


def check_budget(planned, path, part):
    """The file keeps to a budget somewhere between the least and what it takes to lose least."""
    low, high = span(planned)
    size = int(low + part * (high - low))
    try:
        built = build_within(planned, path, Budget(size=size))
    except UsageError as error:  # the least budget is known only as well as the lengths of codes are
        assert "plans reach" in str(error) and size < low * 1.02
        return
    assert built.path.stat().st_size <= size
    assert formats_of(built.path) == {entry.name: entry.format for entry in built.plan.entries}


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.floats(0, 1))
def test_the_file_keeps_to_any_budget(planned, tmp_path, part):
    check_budget(planned, tmp_path / "m.tab", part)


@pytest.mark.slow
def test_two_hundred_budgets(planned, tmp_path):
    for part in np.random.default_rng(0).random(100):  # for either kind of candidates
        check_budget(planned, tmp_path / "m.tab", part)


def test_what_the_plan_says_is_what_the_file_has(planned, tmp_path):
    low, high = span(planned)
    built = build_within(planned, tmp_path / "m.tab", Budget(size=(low + high) // 2))
    assert 0 <= built.plan.totals.file - built.path.stat().st_size < 2000  # header: offsets at their widest
    assert built.plan.gap < 0.2 and built.note == "not verified"
    with tabulae.load(built.path, verify=True) as model:
        assert model.logits([5, 6, 7]).shape == (3, 300)


def test_more_bytes_lose_less(planned):
    low, high = span(planned)
    losses = [planned.plan(Budget(size=int(size))).loss for size in np.linspace(low * 1.01, high, 8)]
    assert losses == sorted(losses, reverse=True) and losses[0] > 4 * losses[-1]


def test_memory_is_kept_to(planned):
    most = planned.plan(Budget(bits=11.0)).totals.memory
    plan, less = (planned.plan(Budget(memory=memory)) for memory in (most, most - 5000))
    assert plan.totals.memory <= most and less.totals.memory <= most - 5000 and less.loss > plan.loss


def test_loss_is_kept_to(planned):
    plan = planned.plan(Budget(bits=10.0))
    assert planned.plan(Budget(kl=plan.loss * 2)).loss <= plan.loss * 2


def test_a_plan_file_gives_the_same_model(planned, trained, text, tmp_path):
    built = build_within(planned, tmp_path / "a.tab", Budget(bits=10.0))
    write(built.plan, tmp_path / "plan.json")
    again = trained.build(tmp_path / "b.tab", plan=tmp_path / "plan.json", calibration=text)
    assert again.read_bytes() == built.path.read_bytes()
    assert read(tmp_path / "plan.json", model=trained.fingerprint, names=planned.curves) == built.plan


def test_a_plan_needs_the_text_it_was_made_with(planned, trained, tmp_path):
    plan = planned.plan(Budget(bits=10.0))
    with pytest.raises(UsageError, match=r"\[calibration\] the text must be the plan's"):
        trained.build(tmp_path / "m.tab", plan=plan)
    assert not list(tmp_path.iterdir())


def test_an_edited_plan(planned, trained, text, tmp_path):
    write(planned.plan(Budget(bits=10.0)), tmp_path / "plan.json")
    record = json.loads((tmp_path / "plan.json").read_text())
    record["entries"][0]["format"] = "int:8/row/absmax"
    record["entries"][1]["format"] = "float32"
    (tmp_path / "plan.json").write_text(json.dumps(record))
    path = trained.build(tmp_path / "m.tab", plan=tmp_path / "plan.json", calibration=text)
    formats = formats_of(path)
    assert formats[record["entries"][0]["name"]] == "int:8/row/absmax" and record["entries"][1]["name"] not in formats


@pytest.mark.parametrize("planned", ["bands"], indirect=True)
def test_bands_of_a_tensor_are_scaled_together(planned, trained, text, tmp_path):
    plan = planned.plan(Budget(bits=10.0))
    scaled = [entry.name for entry in plan.entries if entry.column_scale and "up_proj" in entry.name]
    entries = [replace(entry, column_scale=False) if entry.name == scaled[1] else entry for entry in plan.entries]
    with pytest.raises(UsageError, match=r"all bands of a tensor must have column_scale, or none, but got") as error:
        trained.build(tmp_path / "m.tab", plan=replace(plan, entries=tuple(entries)), calibration=text)
    assert scaled[1] in str(error.value)


def test_hidden_units_are_dealt(planned, tmp_path):
    built = build_within(planned, tmp_path / "m.tab", Budget(bits=10.0))
    with open_table_model(built.path) as file:
        gates = [op for op in program_of(file).operations if isinstance(op, Gate)]
    assert [op.deal for op in gates] == [(3, 2, 32)] * 2


@pytest.mark.parametrize("planned", ["bands"], indirect=True)
def test_rows_that_the_text_never_uses_are_not_free(planned, trained):
    values = planned.study.sensitivity.values
    for table in ("model.embed_tokens.weight", "lm_head.weight"):
        bands = {name: s / planned.draft.shape(name)[0] for name, s in values.items() if name.startswith(table)}
        assert len(bands) > 2
        mean = sum(values[name] for name in bands) / trained.shape(table)[0]
        assert min(bands.values()) > mean / 20


@pytest.mark.parametrize("planned", ["bands"], indirect=True)
def test_nor_are_they_when_measured_anew(planned, trained, text, monkeypatch):
    def measured(program, *rest, names, **options):
        values = {name: 0.0 if name.startswith("model.embed_tokens.weight[0:") else 1.0 for name in names}
        return msgspec.structs.replace(planned.study.sensitivity, values=values)

    monkeypatch.setattr("tabulae.workflows.verdict.measured", measured)
    plan = planned.plan(Budget(bits=10.0))
    found, _ = Verifier(trained, text.read_text()).remeasured(planned, plan, planned.flat(plan, plan.totals.file))
    assert min(found.values.values()) > 0


@pytest.mark.parametrize("planned", ["bands"], indirect=True)
def test_sensitivities_of_bands_are_refused_where_whole_ones_are_wanted(planned, trained, text, tmp_path):
    write_sensitivity(planned.study.sensitivity, tmp_path / "s.json")
    assert study(trained, text.read_text(), sensitivity=tmp_path / "s.json").sensitivity == planned.study.sensitivity
    with pytest.raises(UsageError, match="every tensor must be one of the model's"):
        study(trained, text.read_text(), sensitivity=tmp_path / "s.json", bands=False)


@pytest.mark.parametrize("planned", ["bands"], indirect=True)
def test_a_plan_in_bands_without_its_text(planned, trained, tmp_path):
    plan = replace(planned.plan(Budget(bits=10.0)), calibration=None)
    with pytest.raises(UsageError, match="it must name its calibration, but got none"):
        trained.build(tmp_path / "m.tab", plan=plan)


@pytest.mark.parametrize("planned", ["bands"], indirect=True)
def test_a_plan_without_a_band(planned, trained, tmp_path):
    plan = planned.plan(Budget(bits=10.0))
    with pytest.raises(UsageError, match=r"must have one, but got none for model\.embed_tokens\.weight\[0:"):
        trained.build(tmp_path / "m.tab", plan=replace(plan, entries=plan.entries[1:]))


def test_a_plan_of_another_model(planned, tmp_path, text):
    write(planned.plan(Budget(bits=10.0)), tmp_path / "plan.json")
    with (
        tabulae.open(write_folder(tmp_path / "other", rms_norm_eps=1e-3)) as other,
        pytest.raises(UsageError, match=r"\[plan, model\] the plan must be for"),
    ):
        other.build(tmp_path / "m.tab", plan=tmp_path / "plan.json", calibration=text)


def test_sensitivities_are_kept_and_used_again(trained, text, tmp_path):
    path, seen = tmp_path / "s.json", []
    first = trained.plan(bits=10.0, calibration=text, sensitivity=path)
    again = trained.plan(
        bits=10.0, calibration=text, sensitivity=path, progress=lambda what, done, total: seen.append(what)
    )
    assert again == first and "importance" in seen and not any("sensitivity" in what for what in seen)


def test_measuring_goes_on_after_an_interrupt(trained, text, tmp_path):
    first, second = trained.program.tables()[:2]
    seen, whole, path = [], tmp_path / "whole.json", tmp_path / "s.json"

    def stop(what, done, total):
        seen.append(what)
        if what == f"sensitivity: {second}" and done and len(seen) < 100:
            raise KeyboardInterrupt

    trained.plan(bits=10.0, calibration=text, sensitivity=whole)
    with pytest.raises(KeyboardInterrupt):
        trained.plan(bits=10.0, calibration=text, sensitivity=path, progress=stop)
    kept = (tmp_path / "s.json.part").read_text()
    assert not path.exists() and first in kept and second not in kept
    trained.plan(bits=10.0, calibration=text, sensitivity=path)
    assert path.read_bytes() == whole.read_bytes() and not (tmp_path / "s.json.part").exists()


def test_sensitivities_of_another_model(trained, text, tmp_path):
    path = tmp_path / "s.json"
    trained.plan(bits=10.0, calibration=text, sensitivity=path)
    path.write_text(path.read_text().replace(trained.fingerprint, "0" * 32))
    with pytest.raises(UsageError, match="it must be of the model"):
        trained.plan(bits=10.0, calibration=text, sensitivity=path)


def test_budgets_out_of_reach(planned):
    low, _ = span(planned)
    with pytest.raises(
        UsageError, match=rf"\[size\] some plan must keep to it, but got {low - 1}; plans reach {low} to"
    ):
        planned.plan(Budget(size=low - 1))
    with pytest.raises(UsageError, match=r"\[bits\] .* plans reach .* bits per parameter"):
        planned.plan(Budget(bits=0.5))


def test_a_budget_out_of_reach_is_refused_before_anything_is_measured(trained):
    seen = []
    with pytest.raises(UsageError, match=r"\[size\] some plan must keep to it, but got 20000; plans reach"):
        trained.plan(size="20kB", progress=lambda what, done, total: seen.append(what))
    assert not seen


def test_two_budgets_at_once(trained):
    with pytest.raises(
        UsageError, match=r"\[budget\] one limit must be given: size or memory \(or both\), bits, or kl"
    ):
        trained.plan(bits=4.0, kl=0.1)
    with pytest.raises(UsageError, match=r"but got nothing"):
        trained.plan()


def test_texts_that_cannot_be_used(trained, tmp_path):
    with pytest.raises(FileError, match="it must be readable, but got"):
        trained.plan(bits=10.0, calibration=tmp_path / "none.txt")
    (tmp_path / "short.txt").write_text("the inn")
    with pytest.raises(UsageError, match=r"\[text\] the text must fill one window"):
        trained.plan(bits=10.0, calibration=tmp_path / "short.txt")
    (tmp_path / "latin.txt").write_bytes(b"caf\xe9" * 1000)
    with pytest.raises(UsageError, match="UTF-8"):
        trained.plan(bits=10.0, calibration=tmp_path / "latin.txt")


def test_an_interrupted_build_within_a_budget_goes_on(planned, tmp_path):
    size, reference = sum(span(planned)) // 2, tmp_path / "a.tab"
    build_within(planned, reference, Budget(size=size))

    def interrupt(name, done, total):
        if done > total // 2:
            raise KeyboardInterrupt

    path = tmp_path / "b.tab"
    with pytest.raises(KeyboardInterrupt):
        build_within(planned, path, Budget(size=size), progress=interrupt)
    assert not path.exists() and os.path.isdir(f"{path}.work")
    build_within(planned, path, Budget(size=size))
    assert path.read_bytes() == reference.read_bytes() and not os.path.exists(f"{path}.work")


def test_all_zero_tensors_are_reported_and_cost_next_to_nothing(tmp_path, text):
    from safetensors.numpy import load_file, save_file
    from typer.testing import CliRunner

    from tabulae.cli.main import app

    folder, name = write_folder(tmp_path / "m"), "model.layers.0.mlp.up_proj.weight"
    tensors = load_file(folder / "model.safetensors")
    save_file(tensors | {name: np.zeros_like(tensors[name])}, folder / "model.safetensors")
    options = ["--bits", "6", "--calibration", str(text), "-o", str(tmp_path / "plan.json")]
    done = CliRunner().invoke(app, ["plan", str(folder), *options])
    assert done.exit_code == 0 and f"all zero, next to nothing in the file: {name}" in done.output
    sizes = {entry["name"]: entry["file"] for entry in json.loads((tmp_path / "plan.json").read_text())["entries"]}
    assert sizes[name] < 0.2 * sizes["model.layers.1.mlp.up_proj.weight"]


def test_an_edited_plan_that_exceeds_its_budget_is_said(planned, text, tmp_path):
    from typer.testing import CliRunner

    from tabulae.cli.main import app

    size = sum(span(planned)) // 2
    write(planned.plan(Budget(size=size)), tmp_path / "plan.json")
    folder, target = planned.model.source.path, tmp_path / "m.tab"
    command = ["build", folder, "--plan", tmp_path / "plan.json", "--calibration", text, "-o", target]
    assert "not verified\n" in CliRunner().invoke(app, [str(word) for word in command]).output
    record = json.loads((tmp_path / "plan.json").read_text())
    record["entries"][0]["format"] = "float32"
    (tmp_path / "plan.json").write_text(json.dumps(record))
    output = CliRunner().invoke(app, [str(word) for word in command]).output
    assert f"not verified; {target.stat().st_size - size:,} bytes more than its budget" in output


def test_sensitivities_of_another_kind(trained, text, tmp_path):
    path = tmp_path / "s.json"
    trained.plan(bits=10.0, by="data-free", sensitivity=path)
    with pytest.raises(UsageError, match=r"\[sensitivity\] the file must be measured, but got data-free"):
        trained.plan(bits=10.0, by="measured", calibration=text, sensitivity=path)
    assert trained.plan(bits=10.0, sensitivity=path).sensitivity.source == "data-free"


def test_places_that_cannot_be_written_are_named_before_long_work(trained, text, tmp_path):
    seen = []
    options = {"bits": 8.0, "calibration": text, "progress": lambda *what: seen.append(what)}
    with pytest.raises(FileError, match="its folder must be there and writable"):
        trained.build_planned(tmp_path / "no" / "m.tab", **options)
    with pytest.raises(FileError, match="its folder must be there and writable"):
        trained.plan(**options, sensitivity=tmp_path / "no" / "s.json")
    assert not seen


def test_scaled_columns_need_a_strength(planned, trained, text, tmp_path):
    write(planned.plan(Budget(bits=10.0)), tmp_path / "plan.json")
    record = json.loads((tmp_path / "plan.json").read_text()) | {"column_strength": 0.0}
    (tmp_path / "plan.json").write_text(json.dumps(record))
    with pytest.raises(UsageError, match=r"column_strength\] it must be above 0 where an entry has column_scale"):
        trained.build(tmp_path / "m.tab", plan=tmp_path / "plan.json", calibration=text)


def test_the_file_says_which_columns_are_scaled(planned, tmp_path):
    built = build_within(planned, tmp_path / "m.tab", Budget(bits=10.0))
    with open_table_model(built.path) as file:
        assert (
            {r.name for r in file.document.tensors if isinstance(r, TableRecord) and r.column_scale}
            == built.plan.scaled()
            != set()
        )


def test_who_judges_is_what_was_asked_for(trained, text, tmp_path):
    other = tmp_path / "other.txt"
    other.write_text(text.read_text().replace("the", "hill"))
    asked = ask(trained, bits=10.0, calibration=text, threads=1)
    assert asked.verifier(False) is None
    windows = {name: asked.verifier(verify)().windows.fingerprint for name, verify in JUDGES.items()}
    assert windows["usual"] == windows["yes"]
    assert asked.verifier(text)().windows.fingerprint == windows["yes"]
    assert asked.verifier(other)().windows.fingerprint != windows["yes"]


def test_large_models_are_not_run_unless_asked(trained, text, monkeypatch):
    monkeypatch.setattr(module, "LARGE", 1)
    asked = ask(trained, bits=10.0, calibration=text)
    assert asked.verifier(None) is None and asked.verifier(True) is not None


def test_progress_may_be_none(trained, tmp_path):
    built = trained.build_planned(tmp_path / "m.tab", bits=10.0, by="data-free", verify=False, progress=None)
    assert trained.build(tmp_path / "n.tab", plan=built.plan, progress=None).exists()
    assert tabulae.check(tmp_path / "n.tab", progress=None).ok
