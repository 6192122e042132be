"""nf4 and sf4: the published tables."""

import numpy as np
import pytest

from tabulae.formats import parse

NF4 = """-1 -.6961928 -.5250731 -.3949175 -.2844414 -.1847734 -.0910500 0
         .0795803 .1609302 .2461123 .3379152 .4407098 .5626170 .7229568 1"""
SF4 = "-1 -.628 -.455 -.334 -.237 -.153 -.075 0 .066 .133 .205 .284 .376 .491 .657 1"


@pytest.mark.parametrize(("name", "table", "digits"), [("nf4", NF4, 2e-7), ("sf4", SF4, 6e-4)])
def test_tables(name, table, digits):
    for rest in ("g32/absmax", "row/search"):
        np.testing.assert_allclose(parse(f"{name}/{rest}").codebook, np.array(table.split(), float), atol=digits)
