"""check: all well on a good file, and not on one whose data were changed."""

import tabulae
from tabulae import _native


def test_a_good_file(tiny_tab):
    report = tabulae.check(tiny_tab)
    assert report.ok and not report.problems and report.widest <= 53
    assert {(k.isa, k.arithmetic) for k in report.kernels} == {
        (i, a) for i in _native.isas() for a in ("multiply", "lookup")
    }
    assert len({run.sha256 for run in report.hashes}) == 1 and len(report.hashes) == 8 * len(_native.isas())


def test_changed_codes_are_named(tiny_tab, tmp_path):
    data = bytearray(tiny_tab.read_bytes())
    data[-300_000 % len(data)] ^= 1
    path = tmp_path / "m.tab"
    path.write_bytes(data)
    report = tabulae.check(path)
    assert not report.ok and len(report.problems) >= 1
    assert not any(kernel.differing for kernel in report.kernels)  # the kernels are still right on what is there
