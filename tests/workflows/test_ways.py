"""How far it is from a command to the work: as docs/architecture.md lists it."""

import inspect
from pathlib import Path

import pytest
from typer.testing import CliRunner

import tabulae
from tabulae.cli.main import app
from tabulae.formats import storage

SOURCE = Path(tabulae.__file__).parent


def test_from_build_to_the_coder_are_seven_calls(
    tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ways = []
    encode = storage.encode

    def noted(*arguments, **options):
        calls = [call for call in inspect.stack(0) if Path(call.filename).is_relative_to(SOURCE)]
        ways.append([call.function for call in reversed(calls)] + ["encode"])
        return encode(*arguments, **options)

    monkeypatch.setattr(storage, "encode", noted)
    options = ["--bits", "9", "--by", "data-free", "--no-verify", "--threads", "1", "-o", str(tmp_path / "m.tab")]
    assert CliRunner().invoke(app, ["build", str(tiny_folder), *options]).exit_code == 0
    while_building = {tuple(way) for way in ways if "build_within" in way}
    assert while_building == {("build", "build_within", "planned", "build", "matrix", "encode", "encode")}
