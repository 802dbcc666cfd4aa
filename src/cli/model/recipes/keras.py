# Keras -> model.onnx, for edgeward.
#
#   pip install keras tensorflow-cpu tf2onnx
#   python export.py
#
# Put your own trained model in the place of `model`. This is for Keras on TensorFlow; on PyTorch,
# `model.export` below works too, with `pip install torch onnxscript`.
import json

import keras
import numpy as np

keras.utils.set_random_seed(0)
rng = np.random.default_rng(0)
x = rng.normal(0, 1, (512, 20, 3)).astype(np.float32)
y = (x[:, :, 0].mean(axis=1) > 0).astype(np.int32)
model = keras.Sequential(
    [
        keras.Input((20, 3), name="x"),
        keras.layers.Conv1D(8, 5, activation="relu"),
        keras.layers.BatchNormalization(),
        keras.layers.GlobalAveragePooling1D(),
        keras.layers.Dense(2, activation="softmax", name="probabilities"),
    ]
)
model.compile("adam", "sparse_categorical_crossentropy")
model.fit(x[:400], y[:400], epochs=3, verbose=0)

# The input keeps its name. How the output is called `edgeward model inspect model.onnx` says; a bundle
# gives it a better name.
model.export("model.onnx", format="onnx", verbose=False)

# Rows to try it with, and what Keras itself answers to them.
rows = x[400:]
with open("rows.jsonl", "w") as file:
    for row in rows:
        print(json.dumps(row.tolist()), file=file)
with open("expected.jsonl", "w") as file:
    for answer in model.predict(rows, verbose=0):
        print(json.dumps({"Identity:0": answer.tolist()}), file=file)

print("""model.onnx is written. Next:
  edgeward model inspect model.onnx
  edgeward score model.onnx rows.jsonl     # beside expected.jsonl
  edgeward bundle init model.onnx""")
