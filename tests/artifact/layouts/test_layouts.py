"""Finding a layout by its name."""

import pytest

from tabulae.artifact import layouts
from tabulae.errors import TableModelError


def test_a_layout_is_a_file_of_its_folder():
    assert layouts.names() == ("panel16",)
    assert layouts.find("panel16").PANEL == 16


@pytest.mark.parametrize("name", ["", "os", ".panel16", "panel16.pack", "../panel16", "__init__", "Panel16"])
def test_nothing_else_is_imported(name):
    with pytest.raises(TableModelError, match=r"the layout must be known.*accepted: panel16"):
        layouts.find(name)
