"""plan.json: what is written is what is read, and what is wrong in it is named."""

import json

import pytest

from tabulae.errors import FileError, UsageError
from tabulae.formats import Storage
from tabulae.planning.budget import Budget
from tabulae.planning.candidates import Candidate
from tabulae.planning.plan import Calibration, Plan, SensitivitySource, plan_of, read, write
from tabulae.planning.sizes import Fixed
from tabulae.planning.solve import Solution

NAMES = ["model.a.weight", "model.b.weight"]
CHOSEN = {
    NAMES[0]: Candidate("lloyd:4/g64/search", 100, 110, 0.123456789, 7),
    NAMES[1]: Candidate("int:8/row/absmax", 200, 220, 1e-7, 8),
}


@pytest.fixture
def plan():
    return plan_of(
        Solution(CHOSEN, 0.1234569, 0.1230001),
        Fixed(file=1000, memory=50, counted=40, parameters=680),
        Budget(size=2000),
        model="f00d",
        sensitivity=SensitivitySource(source="measured", hash="beef"),
        calibration=Calibration(hash="cafe", windows=30),
    )


@pytest.fixture
def path(plan, tmp_path):
    write(plan, tmp_path / "plan.json")
    return tmp_path / "plan.json"


def edited(path, change):
    """The file with its JSON changed by a function."""
    record = json.loads(path.read_text())
    change(record)
    path.write_text(json.dumps(record))
    return path


def test_totals_and_certificate(plan):
    assert (plan.totals.file, plan.totals.memory, plan.totals.bits) == (
        1315,
        380,
        4.17647,
    )  # 8 (100 + 7 + 200 + 8 + 40) / 680
    assert plan.gap == pytest.approx(1 - 0.1230001 / 0.1234569, rel=1e-5) and plan.entries[0].loss == 0.123457


def test_there_and_back(plan, path):
    assert read(path, model="f00d", names=NAMES) == plan


def test_the_file_is_for_people(path):
    lines = path.read_text().splitlines()
    assert lines[:3] == ["{", '  "version": 1,', '  "model": "f00d",']
    assert lines[-5] == '  "entries": ['
    assert lines[-4].startswith('    {"name": "model.a.weight", "format": "lloyd:4/g64/search", "rotate": false,')


def test_the_formats_of_a_plan(path):
    edited(path, lambda record: record["entries"][1].update(format="float32"))
    formats = read(path, model="f00d", names=NAMES).storages()
    assert formats == {NAMES[0]: Storage.parse("lloyd:4/g64/search"), NAMES[1]: None}


def test_a_plan_by_hand_needs_little(tmp_path):
    path = tmp_path / "plan.json"
    entries = [{"name": name, "format": "int:4/row/absmax"} for name in NAMES]
    path.write_text(json.dumps({"version": 1, "model": "f00d", "entries": entries}))
    plan = read(path, model="f00d", names=NAMES)
    assert isinstance(plan, Plan) and not plan.entries[0].rotate and plan.totals is None


WRONG = {
    "an unknown tensor": (lambda r: r["entries"][0].update(name="model.c.weight"), "model.c.weight; such as"),
    "a missing tensor": (lambda r: r["entries"].pop(), "none for model.b.weight"),
    "a tensor twice": (lambda r: r["entries"].append(r["entries"][0]), "once, but got model.a.weight twice"),
    "an unknown format": (
        lambda r: r["entries"][1].update(format="foo:4/row/rms"),
        r"plan of model.b.weight\] the element must be known, but got 'foo'",
    ),
    "what cannot be done yet": (
        lambda r: r["entries"][1].update(format="int:4/row/absmax/feedback"),
        r"plan of model.b.weight\] what is asked for must be known to this version, but got feedback",
    ),
    "no format at all": (lambda r: r["entries"][1].update(format="?"), r"plan of model.b.weight\] a name must read"),
    "another model": (lambda r: r.update(model="cafe"), "must be for f00d, but got one for cafe"),
    "another version": (lambda r: r.update(version=2, new=True), r"version\] it must be 1, but got 2"),
    "an unknown field": (lambda r: r.update(colour="red"), "unknown field `colour`"),
    "an unknown field of an entry": (lambda r: r["entries"][0].update(bits=4), "unknown field `bits`"),
    "a missing field": (lambda r: r["entries"][0].pop("format"), "missing required field `format`"),
    "a wrong type": (lambda r: r["entries"][0].update(rotate="yes"), "Expected `bool`, got `str`"),
    "a budget that is none": (lambda r: r.update(budget={"bits": 4, "kl": 1}), "bits, or kl"),
    "no version": (lambda r: r.pop("version"), "missing required field `version`"),
}


@pytest.mark.parametrize("change, message", WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_named(path, change, message):
    with pytest.raises(UsageError, match=message):
        read(edited(path, change), model="f00d", names=NAMES)


@pytest.mark.parametrize("text", ["", "{", "[]", "nonsense", '{"version": 1} x', b"\xff".decode("latin1")])
def test_what_is_no_json(path, text):
    path.write_text(text)
    with pytest.raises(UsageError, match="JSON of the plan's schema"):
        read(path, model="f00d", names=NAMES)


def test_files_that_cannot_be_read_or_written(plan, tmp_path):
    with pytest.raises(FileError, match="readable"):
        read(tmp_path / "none.json", model="f00d", names=NAMES)
    with pytest.raises(FileError, match="writable"):
        write(plan, tmp_path / "none" / "plan.json")


def test_scaled_columns_are_noted():
    solution = Solution(CHOSEN, 0.1, 0.1)
    fixed = Fixed(file=1000, memory=50, counted=40, parameters=680)
    plan = plan_of(solution, fixed, Budget(size=2000), model="f00d", scaled=NAMES[:1], column_strength=0.25)
    assert plan.scaled() == {NAMES[0]} and plan.column_strength == 0.25
    assert plan_of(solution, fixed, Budget(size=2000), model="f00d", column_strength=0.25).column_strength == 0


@pytest.mark.parametrize("strength", [-0.1, 1.1, 1e300])
def test_a_strength_out_of_range(path, strength):
    edited(path, lambda record: record.update(column_strength=strength))
    with pytest.raises(UsageError, match=r"\[plan, column_strength\] it must be a number from 0 to 1"):
        read(path, model="f00d", names=NAMES)


@pytest.mark.parametrize("key", ["rotate", "feedback"])
def test_what_this_version_does_not_know(path, key):
    edited(path, lambda record: record["entries"][0].update({key: True}))
    with pytest.raises(UsageError, match=f"what is asked for must be known to this version, but got {key}"):
        read(path, model="f00d", names=NAMES)
