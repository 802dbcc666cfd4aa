# XGBoost -> model.onnx, for edgeward.
#
#   pip install xgboost onnxmltools skl2onnx     # or xgboost-cpu, which is smaller
#   python export.py
#
# Put your own fitted XGBRegressor or XGBClassifier in the place of `model`.
import json

import numpy as np
from onnxmltools import convert_xgboost
from onnxmltools.convert.common.data_types import FloatTensorType
from xgboost import XGBRegressor

rng = np.random.default_rng(0)
x = rng.normal(0, 1, (600, 5)).astype(np.float32)
y = x[:, 0] * 2 + np.sin(x[:, 1] * 3) + 0.1 * rng.normal(0, 1, len(x))
model = XGBRegressor(n_estimators=60, max_depth=5, random_state=0)
model.fit(x[:500], y[:500])

exported = convert_xgboost(
    model,
    # Train on arrays, not on a DataFrame: the converter wants the names f0, f1, ...
    initial_types=[("x", FloatTensorType([None, x.shape[1]]))],
    target_opset=15,
)
with open("model.onnx", "wb") as file:
    file.write(exported.SerializeToString())

# Rankers: from skl2onnx import convert_sklearn, update_registered_converter
#   from skl2onnx.common.shape_calculator import calculate_linear_regressor_output_shapes
#   from onnxmltools.convert.xgboost.operator_converters.XGBoost import convert_xgboost
#   update_registered_converter(XGBRanker, "XGBoostXGBRanker", calculate_linear_regressor_output_shapes,
#                               convert_xgboost)
# and then convert_sklearn(model, initial_types=..., target_opset={"": 15, "ai.onnx.ml": 3}).
# Where exports are known to say something else than XGBoost (onnxmltools 1.16): several targets at
# once, multi:softmax (take multi:softprob), reg:logistic, forests of three or more classes. DART and
# gblinear are refused.

# Rows to try it with, and what XGBoost itself answers to them.
rows = x[500:]
with open("rows.jsonl", "w") as file:
    for row in rows:
        print(json.dumps(row.tolist()), file=file)
with open("expected.jsonl", "w") as file:
    for value in model.predict(rows):
        print(json.dumps({"variable": [float(value)]}), file=file)

print("""model.onnx is written. Next:
  edgeward model inspect model.onnx
  edgeward score model.onnx rows.jsonl     # beside expected.jsonl
  edgeward bundle init model.onnx""")
