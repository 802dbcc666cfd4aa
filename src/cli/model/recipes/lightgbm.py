# LightGBM -> model.onnx, for edgeward.
#
#   pip install lightgbm onnxmltools skl2onnx
#   python export.py
#
# Put your own fitted LGBMClassifier, LGBMRegressor, LGBMRanker or Booster in the place of `model`.
import json

import numpy as np
from lightgbm import LGBMClassifier
from onnxmltools import convert_lightgbm
from onnxmltools.convert.common.data_types import FloatTensorType

rng = np.random.default_rng(0)
x = rng.normal(0, 1, (600, 5)).astype(np.float32)
# A category as a number, and gaps: both are exported as LightGBM treats them.
x[:, 4] = rng.integers(0, 6, len(x))
x[::9, 1] = np.nan
y = ((np.nan_to_num(x[:, 0] + x[:, 1]) + (x[:, 4] > 3)) > 0.5).astype(int)
model = LGBMClassifier(n_estimators=40, num_leaves=15, random_state=0, verbose=-1)
model.fit(x[:500], y[:500], categorical_feature=[4])

exported = convert_lightgbm(
    model,
    initial_types=[("x", FloatTensorType([None, x.shape[1]]))],
    # Probabilities as one row of numbers.
    zipmap=False,
    target_opset=15,
)
with open("model.onnx", "wb") as file:
    file.write(exported.SerializeToString())

# Where exports are known to say something else than LightGBM (onnxmltools 1.16): boosting_type="rf",
# objective="multiclassova", linear_tree=True, reg_sqrt=True. The objectives fair, mape and
# cross_entropy are refused.

# Rows to try it with, and what LightGBM itself answers to them. JSON has no NaN: in a bundle, a field
# with `missing` says what stands for a gap.
rows = np.where(np.isnan(x[500:]), 0, x[500:]).astype(np.float32)
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
