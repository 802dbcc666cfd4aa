"""Suite `boosters`: LightGBM and XGBoost, exported by onnxmltools, held against the libraries' own
predictions (see converted.py)."""

import warnings
from pathlib import Path

import numpy as np
from converted import write_suite
from lightgbm import Dataset, LGBMClassifier, LGBMRanker, LGBMRegressor
from lightgbm import train as train_lightgbm
from onnxmltools import convert_lightgbm, convert_xgboost
from onnxmltools.convert.common.data_types import FloatTensorType
from onnxmltools.convert.lightgbm.operator_converters.LightGbm import convert_lightgbm as lightgbm_converter
from onnxmltools.convert.xgboost.operator_converters.XGBoost import convert_xgboost as xgboost_converter
from skl2onnx import convert_sklearn, update_registered_converter
from skl2onnx.common.data_types import FloatTensorType as SklearnFloats
from skl2onnx.common.shape_calculator import (
    calculate_linear_classifier_output_shapes,
    calculate_linear_regressor_output_shapes,
)
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from skl_case import Case, FEATURES, TRAIN_ROWS, classes, positive_targets, targets, with_holes
from xgboost import DMatrix, XGBClassifier, XGBRanker, XGBRegressor, XGBRFClassifier, XGBRFRegressor
from xgboost import train as train_xgboost

SUITES = ["boosters", "boosters-differs"]
DART = "onnxmltools 1.16 looks for the settings of plain trees"
DIFFER = {
    "lightgbm-rf-classifier-binary": ("conversion", "takes the mean of raw scores for a probability"),
    "lightgbm-rf-classifier-hundred": ("conversion", "takes the mean of raw scores for a probability"),
    "lightgbm-rf-classifier-multiclass": ("conversion", "takes the mean of raw scores for a probability"),
    "lightgbm-rf-regressor": ("conversion", "divides by 100 trees instead of their number"),
    "lightgbm-classifier-one-against-all": ("conversion", "softmax in the place of sigmoids"),
    "lightgbm-regressor-linear-tree": ("conversion", "the linear functions in the leaves are left out"),
    "lightgbm-regressor-sqrt": ("conversion", "the square after the sum is left out"),
    "xgboost-forest-classifier-multiclass": ("conversion", "classes and parallel trees are mixed up"),
    "xgboost-classifier-softmax": ("conversion", "the softmax is left out"),
    "xgboost-regressor-logistic": ("conversion", "the sigmoid is left out"),
    "xgboost-regressor-several": ("conversion", "all targets are added up in the first"),
}
NOT_CONVERTED = {
    "lightgbm-regressor-fair": "this objective",
    "lightgbm-regressor-mape": "this objective",
    "lightgbm-regressor-cross_entropy": "this objective",
    "xgboost-dart-classifier-binary": DART,
    "xgboost-dart-classifier-multiclass": DART,
    "xgboost-dart-regressor": DART,
    "xgboost-linear-regressor": "no trees",
}


def main(out: Path, _suites, only: str = ""):
    warnings.filterwarnings("ignore")
    register()
    _, faults = write_suite(out, "boosters", cases(), export, source, DIFFER, NOT_CONVERTED, only)
    if faults:
        raise SystemExit("\n".join(faults))


def register():
    """Makes the converters of onnxmltools known to skl2onnx."""
    options = {"nocl": [True, False], "zipmap": [True, False, "columns"]}
    labels, values = calculate_linear_classifier_output_shapes, calculate_linear_regressor_output_shapes
    update_registered_converter(LGBMClassifier, "LightGbmLGBMClassifier", labels, lightgbm_converter, options=options)
    update_registered_converter(LGBMRegressor, "LightGbmLGBMRegressor", values, lightgbm_converter)
    update_registered_converter(XGBClassifier, "XGBoostXGBClassifier", labels, xgboost_converter, options=options)
    update_registered_converter(XGBRegressor, "XGBoostXGBRegressor", values, xgboost_converter)
    update_registered_converter(XGBRanker, "XGBoostXGBRanker", values, xgboost_converter)


def is_lightgbm(case: Case) -> bool:
    return case.name.startswith("lightgbm")


def source(case: Case) -> str:
    return "LightGBM" if is_lightgbm(case) else "XGBoost"


def export(case: Case):
    types = [("x", FloatTensorType([None, case.x.shape[1]]))]
    if isinstance(case.model, Pipeline | XGBRanker):
        # skl2onnx takes converters of others; onnxmltools itself knows neither.
        options = {id(case.model): {"zipmap": False}} if hasattr(case.model, "predict_proba") else None
        opsets = {"": 15, "ai.onnx.ml": 3}
        return convert_sklearn(case.model, initial_types=[("x", SklearnFloats(types[0][1].shape))], options=options, target_opset=opsets)
    if is_lightgbm(case):
        return convert_lightgbm(case.model, initial_types=types, zipmap=False, target_opset=15)
    return convert_xgboost(case.model, initial_types=types, target_opset=15)


def cases():
    two, three, text, one = classes(2), classes(3), classes(4, text=True), targets()
    yield from lightgbm_cases(two, three, text, one)
    yield from xgboost_cases(two, three, text, one)
    yield from pipelines(two, three, one)


def holed(data):
    """The same with NaN in some cells."""
    return with_holes(data[0]), with_holes(data[1], seed=5), data[2]


def coded(columns: int = 2, kinds: int = 12):
    """Rows whose first columns are category numbers: (train x, test x, train y). Some categories of the
    test rows are unknown to the training."""
    rng = np.random.default_rng(43)
    x = rng.normal(0, 1, (500, FEATURES)).astype(np.float32)
    x[:, :columns] = rng.integers(0, kinds, (500, columns))
    effect = rng.normal(0, 1, kinds)
    y = effect[x[:, 0].astype(int)] + x[:, columns] * (x[:, 1] > 5)
    x[-40:, 0] = kinds + 3
    return x[:TRAIN_ROWS], x[TRAIN_ROWS:], y[:TRAIN_ROWS]


def groups(data):
    """Queries of ten rows with relevances 0 to 3."""
    x, test, y = data
    return x, test, np.digitize(y, [-0.7, 0, 0.7]), [10] * (len(x) // 10)


def classified(name, model, data, **fitted) -> Case:
    x, test, y = data
    model.fit(x, y, **fitted)
    return Case(name, model, test, [model.predict(test), model.predict_proba(test)])


def regressed(name, model, data, **fitted) -> Case:
    x, test, y = data
    model.fit(x, y, **fitted)
    return Case(name, model, test, [model.predict(test)])


def lightgbm_cases(two, three, text, one):
    common = {"n_estimators": 30, "random_state": 0, "verbose": -1, "n_jobs": 1, "deterministic": True}
    for name, data in (("binary", two), ("multiclass", three), ("text", text)):
        yield classified(f"lightgbm-classifier-{name}", LGBMClassifier(**common), data)
        yield classified(f"lightgbm-classifier-{name}-missing", LGBMClassifier(**common), holed(data))
    for kind in ("dart", "rf"):
        more = {"subsample": 0.7, "subsample_freq": 1} if kind == "rf" else {}
        for name, data in (("binary", two), ("multiclass", three)):
            yield classified(f"lightgbm-{kind}-classifier-{name}", LGBMClassifier(boosting_type=kind, **more, **common), data)
        yield regressed(f"lightgbm-{kind}-regressor", LGBMRegressor(boosting_type=kind, **more, **common), one)
    hundred = {**common, "n_estimators": 100, "boosting_type": "rf", "subsample": 0.7, "subsample_freq": 1}
    yield classified("lightgbm-rf-classifier-hundred", LGBMClassifier(**hundred), two)
    yield regressed("lightgbm-rf-regressor-hundred", LGBMRegressor(**hundred), one)
    one_against_all = LGBMClassifier(objective="multiclassova", **common)
    yield classified("lightgbm-classifier-one-against-all", one_against_all, three)
    yield classified("lightgbm-classifier-unbalanced", LGBMClassifier(is_unbalance=True, **common), two)
    yield classified("lightgbm-classifier-zero-missing", LGBMClassifier(zero_as_missing=True, **common), holed(two))
    for objective in ("regression", "regression_l1", "huber", "fair", "quantile", "mape", "cross_entropy"):
        data = (*one[:2], 1 / (1 + np.exp(-one[2]))) if objective == "cross_entropy" else one
        yield regressed(f"lightgbm-regressor-{objective}", LGBMRegressor(objective=objective, **common), data)
    for objective in ("poisson", "gamma", "tweedie"):
        yield regressed(f"lightgbm-regressor-{objective}", LGBMRegressor(objective=objective, **common), positive_targets())
    yield regressed("lightgbm-regressor-missing", LGBMRegressor(**common), holed(one))
    yield regressed("lightgbm-regressor-linear-tree", LGBMRegressor(linear_tree=True, **common), one)
    yield regressed("lightgbm-regressor-sqrt", LGBMRegressor(reg_sqrt=True, **common), positive_targets())
    categories = {"categorical_feature": [0, 1]}
    data = coded()
    yield regressed("lightgbm-regressor-categories", LGBMRegressor(min_child_samples=5, **common), data, **categories)
    labels = (*data[:2], (data[2] > 0).astype(int))
    yield classified("lightgbm-classifier-categories", LGBMClassifier(min_child_samples=5, **common), labels, **categories)
    gaps = holed(labels)
    yield classified("lightgbm-classifier-categories-missing", LGBMClassifier(min_child_samples=5, **common), gaps, **categories)
    x, test, y, group = groups(one)
    for objective in ("lambdarank", "rank_xendcg"):
        model = LGBMRanker(objective=objective, **common).fit(x, y, group=group)
        yield Case(f"lightgbm-ranker-{objective}", model, test, [model.predict(test)])
    settings = {"objective": "regression", "verbose": -1, "num_threads": 1, "seed": 0}
    booster = train_lightgbm(settings, Dataset(one[0], one[2]), 20)
    yield Case("lightgbm-booster-regression", booster, one[1], [booster.predict(one[1])])
    settings["objective"] = "binary"
    booster = train_lightgbm(settings, Dataset(two[0], two[2]), 20)
    share = booster.predict(two[1])
    outputs = [(share > 0.5).astype(int), np.stack([1 - share, share], axis=1)]
    yield Case("lightgbm-booster-binary", booster, two[1], outputs)


def xgboost_cases(two, three, text, one):
    common = {"n_estimators": 30, "random_state": 0, "n_jobs": 1, "max_depth": 5}
    for name, data in (("binary", two), ("multiclass", three)):
        yield classified(f"xgboost-classifier-{name}", XGBClassifier(**common), data)
        yield classified(f"xgboost-classifier-{name}-missing", XGBClassifier(**common), holed(data))
        yield classified(f"xgboost-dart-classifier-{name}", XGBClassifier(booster="dart", rate_drop=0.1, **common), data)
        yield classified(f"xgboost-forest-classifier-{name}", XGBRFClassifier(**common), data)
    yield classified("xgboost-classifier-base-score", XGBClassifier(base_score=0.3, **common), two)
    yield classified("xgboost-classifier-hinge", XGBClassifier(objective="binary:hinge", **common), two)
    yield classified("xgboost-classifier-softmax", XGBClassifier(objective="multi:softmax", **common), three)
    yield classified("xgboost-classifier-leaves", XGBClassifier(grow_policy="lossguide", max_leaves=12, **common), two)
    for objective in ("squarederror", "absoluteerror", "pseudohubererror", "quantileerror", "squaredlogerror", "logistic"):
        more = {"quantile_alpha": 0.7} if objective == "quantileerror" else {}
        data = (*one[:2], 1 / (1 + np.exp(-one[2]))) if objective == "logistic" else one
        data = positive_targets() if objective == "squaredlogerror" else data
        yield regressed(f"xgboost-regressor-{objective}", XGBRegressor(objective=f"reg:{objective}", **more, **common), data)
    for objective in ("count:poisson", "reg:gamma", "reg:tweedie"):
        name = f"xgboost-regressor-{objective.split(':')[1]}"
        yield regressed(name, XGBRegressor(objective=objective, **common), positive_targets())
    yield regressed("xgboost-regressor-missing", XGBRegressor(**common), holed(one))
    yield regressed("xgboost-dart-regressor", XGBRegressor(booster="dart", rate_drop=0.1, **common), one)
    yield regressed("xgboost-forest-regressor", XGBRFRegressor(**common), one)
    yield regressed("xgboost-linear-regressor", XGBRegressor(booster="gblinear", n_estimators=30, n_jobs=1), one)
    yield regressed("xgboost-regressor-several", XGBRegressor(**common), targets(3))
    data = coded()
    kinds = ["c", "c", *["q"] * (FEATURES - 2)]
    model = XGBRegressor(enable_categorical=True, feature_types=kinds, max_cat_to_onehot=4, **common)
    known = (data[0], np.minimum(data[1], 11), data[2])
    yield regressed("xgboost-regressor-categories", model, known)
    x, test, y, group = groups(one)
    for objective in ("rank:ndcg", "rank:pairwise"):
        model = XGBRanker(objective=objective, **common).fit(x, y, group=group)
        yield Case(f"xgboost-ranker-{objective.split(':')[1]}", model, test, [model.predict(test)])
    settings = {"objective": "reg:squarederror", "nthread": 1, "max_depth": 4}
    booster = train_xgboost(settings, DMatrix(one[0], one[2]), 20)
    yield Case("xgboost-booster-regression", booster, one[1], [booster.predict(DMatrix(one[1]))])


def pipelines(two, three, one):
    for name, classifier, regressor in (
        ("lightgbm", LGBMClassifier, LGBMRegressor),
        ("xgboost", XGBClassifier, XGBRegressor),
    ):
        quiet = {"verbose": -1} if name == "lightgbm" else {}
        common = {"n_estimators": 20, "random_state": 0, "n_jobs": 1, **quiet}
        yield classified(f"{name}-pipeline-classifier", make_pipeline(SimpleImputer(), classifier(**common)), holed(three))
        yield regressed(f"{name}-pipeline-regressor", make_pipeline(StandardScaler(), regressor(**common)), one)
