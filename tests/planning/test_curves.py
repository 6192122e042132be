"""Error curves: what is measured, what is interpolated, and that nothing else matters."""

import numpy as np
import pytest

from tabulae.errors import UsageError
from tabulae.formats.input_statistics import InputStatistics, of_squares
from tabulae.planning.candidates import ZERO, Line, single
from tabulae.planning.curves import PART, measure_curve, measure_curves, measure_point
from tabulae.statistics.sample import MOST

SMALL = (Line("normal:{b}/g64/search", (2, 3, 4, 5, 6), (3, 5)), single("int:8/row/absmax"))
SHAPES = {"a": (40, 96), "b": (64, 128), "c": (8, 300)}


def weights(name):
    rng = np.random.default_rng(len(SHAPES[name]) + SHAPES[name][0])
    return rng.standard_t(5, SHAPES[name]).astype(np.float32)


def read(name, rows):
    return weights(name)[rows]


def test_the_same_in_any_order_on_any_threads():
    one = measure_curves(SHAPES, read, candidates=SMALL, threads=1)
    backwards = dict(reversed(SHAPES.items()))
    two = measure_curves(backwards, read, candidates=SMALL, threads=3)
    assert one == two and list(one) == list(SHAPES) and list(two) == list(backwards)


def test_measured_formats_are_encoded_for_real():
    curve = measure_curve("a", weights("a"), SHAPES["a"], candidates=SMALL)
    for form in ("normal:3/g64/search", "normal:5/g64/search", "int:8/row/absmax"):
        assert curve.points[form] == measure_point(weights("a"), form)


@pytest.mark.parametrize("draw", ["normal", "laplace", "t5"])
def test_the_error_of_the_fit(draw):
    rng = np.random.default_rng(2)
    shape = (128, 512)
    x = {"normal": rng.standard_normal, "laplace": lambda size: rng.laplace(size=size)}.get(
        draw, lambda size: rng.standard_t(5, size)
    )(shape).astype(np.float32)
    importance = rng.lognormal(size=512).astype(np.float32)
    line = Line("lloyd:{b}/g64/search", (2, 3, 4, 5, 6, 7), (3, 5))
    curve = measure_curve("w", x, shape, InputStatistics(importance), [line])
    for bits, most in ((2, 0.08), (4, 0.02), (6, 0.05), (7, 0.07)):
        form = f"lloyd:{bits}/g64/search"
        real = measure_point(x, form, inputs=InputStatistics(importance)).error
        assert abs((curve.points[form].error / real) ** 0.5 - 1) < most, bits


def test_few_distinct_values_are_measured_at_every_number_of_bits():
    x = np.random.default_rng(3).integers(-3, 4, (64, 128)).astype(np.float32)
    line = Line("int:{b}/row/absmax", (2, 3, 4, 5, 6), (3, 5))
    curve = measure_curve("w", x, x.shape, candidates=[line])
    assert curve.points == {form: measure_point(x, form) for form in line.names}


def test_formats_are_compared_on_a_part_at_the_level_of_the_whole():
    rng = np.random.default_rng(4)
    x = rng.standard_normal((512, 512)).astype(np.float32)
    x[np.arange(512) % 4 > 0] = rng.standard_t(3, (384, 512))  # the part is unlike the whole
    assert x.size > PART
    curve = measure_curve("w", x, x.shape, candidates=[single("normal:3/g64/search")])
    whole, part = (measure_point(y, "normal:3/g64/search").error for y in (x, x[::4]))
    assert abs(curve.points["normal:3/g64/search"].error / whole - 1) < 0.1 < abs(part / whole - 1)


def test_importance_counts():
    x, importance = weights("b"), np.zeros(128, np.float32)
    importance[:64] = 1
    x[:, 64:] *= 100
    with_it = measure_point(x, "int:4/row/absmax", inputs=InputStatistics(importance)).error
    assert with_it > 10 * measure_point(x, "int:4/row/absmax").error
    curves = measure_curves(
        {"b": (64, 128)}, read, inputs=of_squares({"b": importance, "z": importance}), candidates=SMALL
    )
    assert curves["b"] == measure_curve("b", weights("b"), (64, 128), InputStatistics(importance), SMALL)
    nothing = np.zeros(128, np.float32)
    assert measure_point(x, "int:4/row/absmax", inputs=InputStatistics(nothing)).error == 0


@pytest.mark.parametrize("bad", [np.full(96, np.nan, np.float32), np.ones(5, np.float32), -np.ones(96, np.float32)])
def test_bad_importance_is_named(bad):
    with pytest.raises(UsageError, match=r"^\[a\] importance must"):
        measure_curves({"a": SHAPES["a"]}, read, inputs=of_squares({"a": bad}), candidates=SMALL)


def test_zero_tensors_have_one_candidate_without_error():
    curve = measure_curve("z", np.zeros((8, 64), np.float32), (640, 640), candidates=SMALL)
    assert list(curve.points) == [ZERO]
    (found,) = curve.candidates(1.0)
    assert found.loss == 0 and found.file < 1000  # a byte for every row, and padding


def test_a_tensor_whose_sample_happens_to_be_zero():
    shape, asked = (4096, 128), []

    def mostly_zero(name, rows):
        asked.append(len(rows))
        x = np.zeros((len(rows), 128), np.float32)
        x[(rows >= 4090) & (len(rows) == 4096)] = 1 + np.arange(128)
        return x

    curve = measure_curves({"w": shape}, mostly_zero, candidates=SMALL)["w"]
    assert len(curve.points) == 6 and asked == [2048, 4096]


def test_samples_are_whole_rows_within_the_limit():
    seen = {}

    def look(name, rows):
        seen[name] = rows
        return np.ones((len(rows), shapes[name][1]), np.float32)

    shapes = {"long": (3, 2**18 + 32), "many": (10_000, 64), "few": (5, 64)}
    measure_curves(shapes, look, candidates=[single("int:8/row/absmax")])
    assert [len(seen[name]) for name in shapes] == [1, MOST // 64, 5]


def test_progress_ends_with_all():
    calls = []
    measure_curves(SHAPES, read, candidates=SMALL[1:], threads=1, progress=lambda *call: calls.append(call))
    assert [name for name, _, _ in calls] == ["a", "b", "c", ""] and calls[-1] == ("", 3, 3)
    assert all(done <= 3 and total == 3 for _, done, total in calls)


def test_codes_of_variable_length_between_those_measured():
    x = np.random.default_rng(5).standard_normal((64, 512)).astype(np.float32)
    line = Line("grid:{b}/row/rms", (2, 2.5, 3, 3.5, 4), (2.5, 3.5))
    points = measure_curve("w", x, x.shape, candidates=[line]).points
    for bits in line.bits:
        assert abs(points[line.name(bits)].coded.stored - bits) < 0.06
        real = measure_point(x, line.name(bits)).coded
        assert abs(points[line.name(bits)].coded.codes / real.codes - 1) < 0.2
