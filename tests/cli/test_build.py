"""What ``tabulae build`` says after an interrupt."""

import pytest

from tabulae.cli.build import _resumable


@pytest.mark.parametrize(
    ("folder", "says"), [("", "nothing was written yet"), ("m.tab.work", "goes on"), ("m.tab.verify", "goes on")]
)
def test_it_goes_on_only_where_something_was_kept(tmp_path, capsys, folder, says):
    (tmp_path / folder).mkdir(exist_ok=True)
    with pytest.raises(KeyboardInterrupt), _resumable(tmp_path / "m.tab"):
        raise KeyboardInterrupt
    assert says in capsys.readouterr().err
