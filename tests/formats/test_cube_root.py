"""Closed-form codebooks, to the digits that independent integration gives."""

import numpy as np
import pytest

from tabulae.formats import parse

POSITIVE = {
    "normal:3/row/rms": ".241985 .746042 1.324516 2.114211",
    "normal:4/row/rms": ".127810 .386261 .653662 .937724 1.249713 1.608901 2.055652 2.710186",
    "laplace:3/row/rms": ".249856 .860121 1.720243 3.190630",
    "normal:3/g64/absmax": ".106970 .331491 .597032 1",
    "normal:4/g64/absmax": ".049770 .150316 .254029 .363575 .482726 .617614 .780080 1",
    "laplace:4/g64/absmax": ".034439 .109500 .194667 .293091 .409672 .552661 .737635 1",
    "normal:4/g32/absmax": ".052865 .159523 .269078 .383896 .507173 .643761 .802116 1",
}
ALL = {
    "normal:3,sign=asym/row/rms": "-1.992464 -1.168251 -.551900 0 .438810 .908288 1.457731 2.219712",
    "normal:3,sign=asym/g64/absmax": "-1 -.547664 -.254029 0 .188710 .392278 .636064 1",
    "normal:3/g64/signmax": "-.636064 -.392278 -.188710 0 .188710 .392278 .636064 1",
}


@pytest.mark.parametrize("name", POSITIVE)
def test_symmetric_codepoints(name):
    codebook = parse(name).codebook
    np.testing.assert_allclose(codebook[len(codebook) // 2 :], np.array(POSITIVE[name].split(), float), atol=6e-7)
    np.testing.assert_array_equal(codebook, -codebook[::-1])


@pytest.mark.parametrize("name", ALL)
def test_other_codepoints(name):
    np.testing.assert_allclose(parse(name).codebook, np.array(ALL[name].split(), float), atol=6e-7)


@pytest.mark.parametrize("family", ["normal", "laplace", "t"])
@pytest.mark.parametrize("bits", range(2, 9))
@pytest.mark.parametrize(
    "rest", ["row/rms", "g64/absmax", "row/absmax", ",asym/row/rms", ",asym/g64/absmax", "g64/signmax"]
)
def test_every_codebook_is_sorted_full_and_has_its_zero(family, bits, rest):
    option, _, rest = rest.rpartition("asym/")
    codebook = parse(f"{family}:{bits}{option and ',sign=asym'}/{rest}").codebook
    assert codebook.dtype == np.float64 and len(codebook) == 2**bits
    assert np.all(np.diff(codebook) > 0)
    assert (0 in codebook) == (bool(option) or rest.endswith("signmax"))


@pytest.mark.parametrize(
    "name", ["normal:4/row/absmax", "t:4,sign=asym/row/absmax", "laplace:3,sign=asym/tensor/absmax"]
)
def test_rows_by_their_maximum_take_the_rms_points_scaled_to_reach_it(name):
    codebook = parse(name).codebook
    assert min(-codebook[0], codebook[-1]) == 1
    rms = parse(name.replace("absmax", "rms")).codebook
    np.testing.assert_allclose(codebook * -rms[0], rms)
