"""scikit-learn estimators as nets: the same scores, and the same answers in integers."""

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from tabulae.errors import UsageError
from tabulae.nets.compile import compile
from tabulae.nets.lowering import Choices
from tabulae.nets.readers.scikit import read
from tabulae.program.interpreter import Interpreter
from tabulae.program.net import Reading


@pytest.fixture(scope="module")
def digits():
    x, y = load_digits(return_X_y=True)
    return x[:1200], y[:1200], x[1200:], y[1200:]


def mlp(**options):
    return MLPClassifier((16,), max_iter=40, random_state=0, **options)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("activation", ["relu", "tanh", "logistic", "identity"])
@pytest.mark.parametrize("scaler", [None, StandardScaler, MinMaxScaler])
def test_scores_are_those_of_the_library(digits, activation, scaler) -> None:
    x, y, test, _ = digits
    steps = [mlp(activation=activation)] if scaler is None else [scaler(), mlp(activation=activation)]
    fitted = make_pipeline(*steps).fit(x, y)
    net = read(fitted)
    scores = net.run({"x": test})[net.outputs[0]]
    probabilities = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    assert np.abs(probabilities - fitted.predict_proba(test)).max() < 1e-9
    assert net.labels == tuple("0123456789")


@pytest.mark.filterwarnings("ignore")
def test_integers_answer_as_floats_do(digits) -> None:
    x, y, test, _ = digits
    fitted = mlp().fit(x, y)
    built = compile(read(fitted), {"x": x}, Choices(bits=8, weights="int:8/row/search"))
    answers = Interpreter(built.program, {}, arrays=built.arrays).run({"x": test.astype(int)})["answer"][:, 0]
    assert (answers == fitted.predict(test)).mean() > 0.97
    assert built.program.readings["x"] == Reading(1.0, 0.5)  # pixels of 0 to 16 are integers as they are
    assert built.program.values["x"].type.interval() == (0, 31)  # and others may be a little larger


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("one", [LogisticRegression(), mlp()])
def test_one_score_of_two_classes_becomes_two(digits, one) -> None:
    x, y, test, _ = digits
    fitted = one.fit(x, y > 4)
    net = read(fitted)
    assert (net.run({"x": test})[net.outputs[0]].argmax(axis=1) == fitted.predict(test)).all()
    assert net.labels == ("False", "True")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "one", [LinearRegression(), Ridge(), MLPRegressor(hidden_layer_sizes=(4,), max_iter=20, random_state=0)]
)
def test_regressors(digits, one) -> None:
    x, y, test, _ = digits
    fitted = one.fit(x, y)
    net = read(fitted)
    assert np.abs(net.run({"x": test})[net.outputs[0]][:, 0] - fitted.predict(test)).max() < 1e-9
    assert net.labels is None


def test_what_is_no_net_is_refused(digits) -> None:
    with pytest.raises(UsageError, match=r"\[estimator\] .* but got RandomForestClassifier; accepted: StandardScaler"):
        read(RandomForestClassifier())
    with pytest.raises(UsageError, match=r"\[estimator\] it must be fitted, but got MLPClassifier without data"):
        read(MLPClassifier())


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "scaler",
    [StandardScaler(with_mean=False), StandardScaler(with_std=False), MinMaxScaler(clip=True, feature_range=(-1, 2))],
)
def test_options_of_scalers(digits, scaler) -> None:
    x, y, test, _ = digits
    fitted = make_pipeline(scaler, Ridge()).fit(x[:, 10:14], y)
    net = read(fitted)
    given = 3 * test[:, 10:14] - 9
    assert np.abs(net.run({"x": given})[net.outputs[0]][:, 0] - fitted.predict(given)).max() < 1e-9


@pytest.mark.filterwarnings("ignore")
def test_what_nets_do_not_have_is_refused(digits) -> None:
    x, y, *_ = digits
    with pytest.raises(UsageError, match="an example must have one label, but got several"):
        read(mlp().fit(x, np.stack([y > 3, y % 2 == 0, y == 1], axis=1)))
    poisson = MLPRegressor(loss="poisson", hidden_layer_sizes=(4,), max_iter=2, random_state=0).fit(x, y)
    with pytest.raises(UsageError, match="its last function must be identity, softmax or logistic, but got exp"):
        read(poisson)
