# TensorFlow -> model.onnx, for edgeward.
#
#   pip install tensorflow-cpu tf2onnx
#   python export.py
#
# For a SavedModel on disk, without any code:
#   python -m tf2onnx.convert --saved-model FOLDER --output model.onnx --opset 17
# For TensorFlow Lite:
#   python -m tf2onnx.convert --tflite model.tflite --output model.onnx --opset 17
import json

import numpy as np
import tensorflow as tf
import tf2onnx

tf.random.set_seed(0)
rng = np.random.default_rng(0)
x = rng.normal(0, 1, (512, 6)).astype(np.float32)
y = np.sin(x[:, :1]) + 0.5 * x[:, 1:2]
hidden = tf.Variable(tf.random.normal((6, 16), stddev=0.4))
bias = tf.Variable(tf.zeros(16))
last = tf.Variable(tf.random.normal((16, 1), stddev=0.3))


# Put your own function in the place of this one. The names of its results are those of the outputs.
def model(x):
    return {"value": tf.matmul(tf.nn.relu(tf.matmul(x, hidden) + bias), last)}


for _ in range(200):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean((model(x[:400])["value"] - y[:400]) ** 2)
    variables = [hidden, bias, last]
    for variable, gradient in zip(variables, tape.gradient(loss, variables)):
        variable.assign_sub(0.1 * gradient)

# A function made for export alone: one that a gradient was taken of has more outputs. The name given
# here is that of the input; None is a free first dimension, many rows at once.
signature = [tf.TensorSpec([None, 6], tf.float32, name="x")]
exported = tf.function(model, input_signature=signature)
tf2onnx.convert.from_function(exported, input_signature=signature, opset=17, output_path="model.onnx")

# Rows to try it with, and what TensorFlow itself answers to them.
rows = x[400:]
with open("rows.jsonl", "w") as file:
    for row in rows:
        print(json.dumps(row.tolist()), file=file)
with open("expected.jsonl", "w") as file:
    for answer in exported(rows)["value"].numpy():
        print(json.dumps({"value": answer.tolist()}), file=file)

print("""model.onnx is written. Next:
  edgeward model inspect model.onnx
  edgeward score model.onnx rows.jsonl     # beside expected.jsonl
  edgeward bundle init model.onnx""")
