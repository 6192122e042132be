"""e2m1 and e3m0: every value of the formats."""

import pytest

from tabulae.formats import parse
from tabulae.formats.density import source_density
from tabulae.formats.distributions import NORMAL

VALUES = {"e2m1": [0.5, 1, 1.5, 2, 3, 4, 6], "e3m0": [0.125, 0.25, 0.5, 1, 2, 4, 8]}


@pytest.mark.parametrize("name", VALUES)
def test_values(name):
    upper = VALUES[name]
    wanted = [-v for v in reversed(upper)] + [0, *upper]
    assert (parse(f"{name}/g32/absmax").codebook * upper[-1]).tolist() == pytest.approx(wanted)


@pytest.mark.parametrize("name", VALUES)
def test_the_unit_at_rms_scale_is_best_for_a_normal(name):
    form = parse(f"{name}/row/rms")
    density = source_density(NORMAL)
    best = density.error(form.codebook)
    assert best < min(density.error(form.codebook * factor) for factor in (0.98, 0.99, 1.01, 1.02))
