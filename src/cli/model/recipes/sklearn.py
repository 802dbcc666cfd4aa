# scikit-learn -> model.onnx, for edgeward.
#
#   pip install scikit-learn skl2onnx
#   python export.py
#
# Put your own fitted estimator or pipeline in the place of `model`.
import json

import numpy as np
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

x, y = make_classification(500, 4, n_informative=3, n_redundant=0, random_state=0)
# Devices compute with 32 bits: train on what they will see.
x = x.astype(np.float32)
model = make_pipeline(SimpleImputer(), StandardScaler(), RandomForestClassifier(25, max_depth=6, random_state=0))
model.fit(x[:400], y[:400])

exported = to_onnx(
    model,
    # One input of 4 numbers a row. For a DataFrame with text or whole numbers, an entry a column:
    # ("machine", StringTensorType([None, 1])), ("level", Int64TensorType([None, 1])).
    initial_types=[("x", FloatTensorType([None, x.shape[1]]))],
    # Probabilities as one row of numbers. Without, they come as a list of maps, which also runs here.
    # For regressors, transformers and LinearSVC leave `options` out.
    options={id(model): {"zipmap": False}},
    # IsolationForest needs {"": 18, "ai.onnx.ml": 3}.
    target_opset={"": 18, "ai.onnx.ml": 3},
)
with open("model.onnx", "wb") as file:
    file.write(exported.SerializeToString())

# Where exports are known to say something else than scikit-learn (skl2onnx 1.20): NaN in plain decision
# trees and forests (put a SimpleImputer before them), KNeighbors with weights="distance", isotonic
# calibration, binary LinearDiscriminantAnalysis' probabilities, TunedThresholdClassifierCV.
# If HistGradientBoosting stops with "Expected an int, got a boolean": pip install "protobuf<7"

# Rows to try it with, and what scikit-learn itself answers to them.
rows = x[400:]
with open("rows.jsonl", "w") as file:
    for row in rows:
        print(json.dumps(row.tolist()), file=file)
with open("expected.jsonl", "w") as file:
    for label, probabilities in zip(model.predict(rows), model.predict_proba(rows)):
        print(json.dumps({"label": int(label), "probabilities": probabilities.tolist()}), file=file)

print("""model.onnx is written. Next:
  edgeward model inspect model.onnx
  edgeward score model.onnx rows.jsonl     # beside expected.jsonl
  edgeward bundle init model.onnx""")
