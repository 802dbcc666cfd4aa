"""What the scikit-learn cases share: data, and the way from a fitted model to a case."""

from dataclasses import dataclass, field

import numpy as np
from sklearn.datasets import make_blobs, make_classification, make_regression
from sklearn.svm import SVC, LinearSVC, NuSVC

TRAIN_ROWS, TEST_ROWS, FEATURES = 300, 200, 6


@dataclass
class Case:
    """A fitted model and what it answers to `x`: `outputs` are scikit-learn's own values in the order of
    the exported graph's outputs."""

    name: str
    model: object
    x: object
    outputs: list
    options: dict = field(default_factory=dict)
    # Inputs as [(name, skl2onnx type)]; without, one float tensor.
    types: list | None = None
    # As in skl2onnx's own tests: values agree when they differ by less than 1.5 * 10 ** -decimal.
    decimal: int = 5
    rtol: float = 0.0
    target_opset: dict | None = None

    def atol(self) -> float:
        """The absolute tolerance."""
        return 1.5 * 10.0**-self.decimal


def split(x, y=None):
    """Training rows and the 200 that are scored."""
    rows = [x[:TRAIN_ROWS], x[TRAIN_ROWS : TRAIN_ROWS + TEST_ROWS]]
    return (*rows, None) if y is None else (*rows, y[:TRAIN_ROWS])


def floats(seed: int = 1, features: int = FEATURES) -> np.ndarray:
    """Rows from a normal distribution, f32."""
    return np.random.default_rng(seed).normal(0, 1, (TRAIN_ROWS + TEST_ROWS, features)).astype(np.float32)


def classes(count: int, text: bool = False):
    """Rows of `count` overlapping classes: (train x, test x, train y)."""
    x, y = make_classification(
        TRAIN_ROWS + TEST_ROWS, FEATURES, n_informative=4, n_redundant=0, n_classes=count, random_state=3 + count
    )
    if text:
        y = np.array(["cold", "normal", "overheated", "stopped"])[y]
    return split(x.astype(np.float32), y)


def targets(outputs: int = 1):
    """Rows with targets between about -3 and 3: (train x, test x, train y)."""
    x, y = make_regression(
        TRAIN_ROWS + TEST_ROWS, FEATURES, n_informative=4, n_targets=outputs, noise=5, random_state=7
    )
    return split(x.astype(np.float32), (y / y.std(axis=0)).astype(np.float32))


def positive_targets():
    """Rows with positive targets: (train x, test x, train y)."""
    x, test, y = targets()
    return x / 2, test / 2, np.exp(y / 2)


def blobs():
    """Rows in four clouds: (train x, test x)."""
    x, _ = make_blobs(TRAIN_ROWS + TEST_ROWS, FEATURES, centers=4, random_state=11)
    return split((x / 5).astype(np.float32))[:2]


def counts():
    """Small counts of three classes, as floats: (train x, test x, train y)."""
    rng = np.random.default_rng(5)
    y = rng.integers(0, 3, TRAIN_ROWS + TEST_ROWS)
    rates = rng.uniform(0.3, 3, (3, FEATURES))
    return split(rng.poisson(rates[y]).astype(np.float32), y)


def with_holes(x: np.ndarray, share: float = 0.15, seed: int = 2) -> np.ndarray:
    """A copy with NaN in a share of its cells, but in no whole row."""
    holes = np.random.default_rng(seed).uniform(size=x.shape) < share
    holes[:, 0] = False
    return np.where(holes, np.float32("nan"), x)


WORDS = np.array(["pump", "valve", "motor", "fan", "belt"])


def texts(columns: int = 2, words: int = 4, seed: int = 4) -> np.ndarray:
    """Columns of words."""
    rng = np.random.default_rng(seed)
    return WORDS[rng.integers(0, words, (TRAIN_ROWS + TEST_ROWS, columns))].astype(object)


def integers(columns: int = 3, high: int = 4, seed: int = 6) -> np.ndarray:
    """Columns of small integers, int64."""
    return np.random.default_rng(seed).integers(0, high, (TRAIN_ROWS + TEST_ROWS, columns))


def dense(value):
    """A sparse matrix as an array."""
    return value.toarray() if hasattr(value, "toarray") else np.asarray(value)


def classifier(name: str, model, data, scores: str | None = None, **more) -> Case:
    """Labels, and probabilities or else decision values, whichever the model has."""
    x, test, y = data
    model.fit(x, y)
    scores = scores or ("predict_proba" if hasattr(model, "predict_proba") else "decision_function")
    options = {"zipmap": False, **more.pop("options", {})}
    if isinstance(model, LinearSVC):
        del options["zipmap"]
    if scores == "decision_function" and hasattr(model, "predict_proba"):
        options["raw_scores"] = True
    values = getattr(model, scores)(test)
    if isinstance(model, SVC | NuSVC) and values.ndim == 1:
        # SVMClassifier's columns for two classes without probabilities; elsewhere they are -d and d.
        values = np.stack([values, -values], axis=1)
    outputs = [model.predict(test), values]
    return Case(name, model, test, outputs, {id(model): options}, **more)


def regressor(name: str, model, data, **more) -> Case:
    """Predicted values, in a column for each target."""
    x, test, y = data
    model.fit(x, y)
    return Case(name, model, test, [model.predict(test)], **more)


def transformer(name: str, model, data, **more) -> Case:
    """Transformed rows."""
    x, test, *y = data
    model.fit(x, *y)
    return Case(name, model, test, [dense(model.transform(test))], **more)


def detector(name: str, model, data, **more) -> Case:
    """Anomaly detectors: 1 or -1, and the decision value."""
    x, test = data[:2]
    model.fit(x)
    return Case(name, model, test, [model.predict(test), model.decision_function(test)], **more)
