"""What ``tabulae build`` says after an interrupt."""

import pytest

from tabulae.cli.build import _resumable
from tabulae.cli.plan import _resumable as planning


@pytest.mark.parametrize(
    ("folder", "says"), [("", "nothing was written yet"), ("m.tab.work", "goes on"), ("m.tab.verify", "goes on")]
)
def test_it_goes_on_only_where_something_was_kept(tmp_path, capsys, folder, says):
    (tmp_path / folder).mkdir(exist_ok=True)
    with pytest.raises(KeyboardInterrupt), _resumable(tmp_path / "m.tab"):
        raise KeyboardInterrupt
    assert says in capsys.readouterr().err


@pytest.mark.parametrize(("kept", "says"), [(False, "nothing was kept; --sensitivity"), (True, "stands in")])
def test_an_interrupted_plan_says_what_was_kept(tmp_path, capsys, kept, says):
    if kept:
        (tmp_path / "s.json.part").touch()
    with pytest.raises(KeyboardInterrupt), planning(tmp_path / "s.json"):
        raise KeyboardInterrupt
    assert says in capsys.readouterr().err
