"""Models of classical machine learning as gateways run them, with rows to score.

    models.py FOLDER

Writes NAME.onnx for each, `call.onnx`, which does nothing (what a call costs by itself), and `rows.f32`: 1,000
rows of little-endian float32.
"""

import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper
from skl2onnx import to_onnx
from sklearn.ensemble import (
    GradientBoostingRegressor,
    IsolationForest,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.svm import SVC, LinearSVR

FEATURES = 25
OPSETS = {"": 18, "ai.onnx.ml": 3}


def main():
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(7)
    x = rng.normal(size=(10_000, FEATURES)).astype(np.float32)
    score = x[:, 0] * x[:, 1] + np.sin(2 * x[:, 2]) + x[:, 3] - x[:, 4] ** 2 / 2 + rng.normal(size=len(x)) / 2
    classes = np.digitize(score, [-0.8, 0.8])
    rows = rng.normal(size=(1000, FEATURES)).astype(np.float32)
    forest = {"n_estimators": 100, "max_depth": 12, "random_state": 1}
    boosting = {"n_estimators": 300, "max_depth": 6, "subsample": 0.3, "max_features": 8, "random_state": 1}
    models = {
        "random-forest-2-classes": RandomForestClassifier(**forest).fit(x, score > 0),
        "random-forest-3-classes": RandomForestClassifier(**forest).fit(x, classes),
        "random-forest-regressor": RandomForestRegressor(**forest, max_features=8).fit(x, score),
        "gradient-boosting": GradientBoostingRegressor(**boosting).fit(x, score),
        "isolation-forest": IsolationForest(n_estimators=100, max_samples=256, random_state=1).fit(x),
        "svc-rbf": SVC(gamma=0.05).fit(x[:1200], classes[:1200]),
        "linear-svr": LinearSVR().fit(x[:2000], score[:2000]),
        "linear-regression": LinearRegression().fit(x, score),
        "logistic-regression": LogisticRegression().fit(x, classes),
    }
    for name, model in models.items():
        options = {id(model): {"zipmap": False}} if hasattr(model, "classes_") else None
        exported = to_onnx(model, x[:1], options=options, target_opset=OPSETS)
        onnx.save(exported, folder / f"{name}.onnx")
    ports = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, FEATURES]) for name in ("X", "Y")]
    graph = helper.make_graph([helper.make_node("Identity", ["X"], ["Y"])], "call", ports[:1], ports[1:])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), folder / "call.onnx")
    rows.astype("<f4").tofile(folder / "rows.f32")


main()
