"""Pipelines as people build them, and the default ZipMap outputs, of the suite `sklearn`."""

import numpy as np
from skl2onnx.common.data_types import FloatTensorType, Int64TensorType, StringTensorType
from sklearn.cluster import KMeans
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.ensemble import GradientBoostingClassifier, IsolationForest, RandomForestClassifier, RandomForestRegressor
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.feature_selection import SelectKBest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.multiclass import _ConstantPredictor
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import (
    KBinsDiscretizer,
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    RobustScaler,
    StandardScaler,
)
from sklearn.svm import SVC, SVR
from sklearn.tree import DecisionTreeClassifier

from skl_case import Case, TRAIN_ROWS, classes, classifier, floats, integers, regressor, split, targets, texts, with_holes
from skl_regressors import OLD_ML


def cases():
    yield from plain()
    yield from tables()
    yield from zipped()


def plain():
    two, three, one = classes(2), classes(3), targets()
    holed = (with_holes(three[0]), with_holes(three[1]), three[2])
    logistic = LogisticRegression(max_iter=300)
    yield classifier("Pipeline-scaler-logistic", make_pipeline(StandardScaler(), logistic), two)
    yield classifier("Pipeline-scaler-svc", make_pipeline(StandardScaler(), SVC(probability=True, random_state=0)), three)
    yield classifier("Pipeline-imputer-forest", make_pipeline(SimpleImputer(), RandomForestClassifier(15, max_depth=6, random_state=0)), holed)
    yield classifier("Pipeline-imputer-scaler-mlp", make_pipeline(SimpleImputer(strategy="median"), RobustScaler(), MLPClassifier((8,), max_iter=60, random_state=0)), holed)
    yield classifier("Pipeline-pca-boosting", make_pipeline(PCA(3), GradientBoostingClassifier(n_estimators=15, random_state=0)), three)
    yield classifier("Pipeline-select-normalize-tree", make_pipeline(SelectKBest(k=4), Normalizer(), DecisionTreeClassifier(max_depth=5, random_state=0)), three)
    both = FeatureUnion([("pca", PCA(2)), ("scaled", MinMaxScaler())])
    yield classifier("Pipeline-union-logistic", make_pipeline(both, LogisticRegression(max_iter=300)), three)
    yield regressor("Pipeline-polynomial-ridge", make_pipeline(StandardScaler(), PolynomialFeatures(2), Ridge()), one)
    yield regressor("Pipeline-scaler-svr", make_pipeline(StandardScaler(), SVR()), one)
    bins = KBinsDiscretizer(4, encode="onehot-dense", strategy="quantile")
    yield regressor("Pipeline-bins-ridge", make_pipeline(bins, Ridge()), one)
    yield regressor("Pipeline-scaler-forest", make_pipeline(MinMaxScaler(), RandomForestRegressor(15, max_depth=8, random_state=0)), one)
    x, test = split(floats(31))[:2]
    model = make_pipeline(StandardScaler(), IsolationForest(n_estimators=30, random_state=0)).fit(x)
    outputs = [model.predict(test), model.decision_function(test)]
    yield Case("Pipeline-scaler-isolation-forest", model, test, outputs, target_opset=OLD_ML)
    model = make_pipeline(StandardScaler(), KMeans(3, n_init=1, random_state=0)).fit(x)
    yield Case("Pipeline-scaler-kmeans", model, test, [model.predict(test), model.transform(test)])
    model = _ConstantPredictor().fit(two[0], np.ones(1, dtype=int))
    outputs = [model.predict(two[1]), model.predict_proba(two[1])]
    yield Case("_ConstantPredictor-one", model, two[1], outputs, {id(model): {"zipmap": False}})


def tables():
    """Named columns of numbers with holes, words and integers, each an input of its own."""
    numbers = with_holes(floats(33, 2))
    kind, state = texts(2, seed=35).T
    level = integers(1, 4, 37)
    table = {
        "temperature": numbers[:, :1],
        "pressure": numbers[:, 1:],
        "kind": kind.reshape(-1, 1),
        "state": state.reshape(-1, 1),
        "level": level,
    }
    y = ((np.nan_to_num(numbers[:, 1]) > 0).astype(int) + (kind == "pump") + (level[:, 0] > 1)) % 3
    types = [
        ("temperature", FloatTensorType([None, 1])),
        ("pressure", FloatTensorType([None, 1])),
        ("kind", StringTensorType([None, 1])),
        ("state", StringTensorType([None, 1])),
        ("level", Int64TensorType([None, 1])),
    ]
    for name, encoder in (
        ("onehot", OneHotEncoder(handle_unknown="ignore")),
        ("onehot-dense", OneHotEncoder(sparse_output=False)),
        ("ordinal", OrdinalEncoder()),
    ):
        numeric = make_pipeline(SimpleImputer(), StandardScaler())
        columns = [
            ("numbers", numeric, ["temperature", "pressure"]),
            ("words", encoder, ["kind", "state"]),
            ("levels", OneHotEncoder(), ["level"]),
        ]
        for tail, last in (("logistic", LogisticRegression(max_iter=300)), ("forest", RandomForestClassifier(15, max_depth=6, random_state=0))):
            model = Pipeline([("columns", ColumnTransformer(columns)), ("last", last)])
            yield tabular(f"ColumnTransformer-{name}-{tail}", model, table, y, types)
    # By position, with a rest that passes through.
    x, test, y = classes(3)
    some = ColumnTransformer([("a", StandardScaler(), [0, 2]), ("b", MinMaxScaler(), [1])], remainder="passthrough")
    yield classifier("ColumnTransformer-positions", make_pipeline(some, LogisticRegression(max_iter=300)), (x, test, y))
    some = ColumnTransformer([("a", "passthrough", [3]), ("b", StandardScaler(), slice(0, 2))], remainder="drop")
    some.fit(x)
    yield Case("ColumnTransformer-drop", some, test, [some.transform(test)])
    lines = np.array([f"{a} {b} {c}" for (a, b), c in zip(texts(2, seed=39), texts(1, seed=40)[:, 0])], dtype=object)
    of_text = [("x", StringTensorType([None]))]
    model = make_pipeline(TfidfVectorizer(), LogisticRegression(max_iter=300))
    named = {id(model): {"zipmap": False}, id(model.steps[0][1]): {"locale": "C"}}
    model.fit(lines[:TRAIN_ROWS], integers(1, 2, 41)[:TRAIN_ROWS, 0])
    test = lines[TRAIN_ROWS:]
    yield Case("Pipeline-text-logistic", model, test, [model.predict(test), model.predict_proba(test)], named, of_text)


def tabular(name, model, table, y, types):
    """A case of one input a column."""
    import pandas

    frame = pandas.DataFrame({key: values[:, 0] for key, values in table.items()})
    train, test = frame[:TRAIN_ROWS], frame[TRAIN_ROWS:]
    model.fit(train, y[:TRAIN_ROWS])
    x = {key: values[TRAIN_ROWS:] for key, values in table.items()}
    outputs = [model.predict(test), model.predict_proba(test)]
    return Case(name, model, x, outputs, {id(model): {"zipmap": False}}, types)


def zipped():
    """With the default options: probabilities as a sequence of maps, or a column for each class."""
    for name, data in (("integers", classes(3)), ("text", classes(4, text=True))):
        for model in (LogisticRegression(max_iter=300), RandomForestClassifier(15, max_depth=6, random_state=0)):
            case = classifier(f"{type(model).__name__}-zipmap-{name}", model, data)
            maps = [dict(zip(model.classes_.tolist(), map(np.float32, row))) for row in case.outputs[1]]
            case.outputs, case.options = [case.outputs[0], maps], {}
            yield case
    data = classes(3)
    model = LogisticRegression(max_iter=300)
    case = classifier("LogisticRegression-zipmap-columns", model, data)
    case.options = {id(model): {"zipmap": "columns"}}
    case.outputs = [case.outputs[0], *case.outputs[1].T]
    yield case
