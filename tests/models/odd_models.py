#!/usr/bin/env python3
"""Good models of unusual shape, each a bundle of its own with samples:

    log            y = ln(x): NaN for negative input, -inf for 0
    divide         y = 100 / (integer part of x): integer division, by zero for |x| < 1
    fixed_batch    first dimension fixed to 1
    scalar_output  one row of fixed shape [4] without a batch dimension
    two_inputs     y = a . b + bias, inputs `a` [N, 3] and `b` [N, 3]
    image          mean of each channel, input [N, 3, 8, 8] (NCHW)
    window         per window of 10 readings of 2 features: mean of the first, maximum of the second
    string_label   scikit-learn tree classifier with text classes "idle", "run" and "stall"
    logistic       scikit-learn scaler + logistic regression, written as MatMul and Softmax
    linear         scikit-learn linear regression (ai.onnx.ml LinearRegressor)
    linear_classifier  scikit-learn logistic regression (ai.onnx.ml LinearClassifier)
    external       weights in weights.bin beside the model
    int_input      an int32 input: y = 2 * x

`bare.onnx` is the perceptron of mlp.py without a bundle; `bare_odd_names.onnx` has input and output
names that are no TOML bare keys.
"""

import sys
from pathlib import Path

import numpy as np
import onnx
from bundles import OPSET, f32, model, session, tensor, write_bundle
from onnx import TensorProto, helper
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.tree import DecisionTreeClassifier

F = TensorProto.FLOAT
ARRAY = '[inputs.{name}]\narray = ""\n'
VALUE = '\n[outputs.{name}]\ntensor = "{tensor}"\nkind = "value"\nindex = {index}\n'


def node(operator, inputs, outputs, **attributes):
    return helper.make_node(operator, inputs, outputs, name=f"{operator.lower()}_{outputs[0]}", **attributes)


def log(models):
    made = model([node("Log", ["x"], ["y"])], [("x", F, ["N", 1])], [("y", F, ["N", 1])])
    body = ARRAY.format(name="x") + VALUE.format(name="y", tensor="y", index=0)
    write_bundle(models / "log", made, "Natural logarithm: not finite for x <= 0", body, [([1.0], {"y": 0.0})])


def divide(models):
    made = model(
        [
            node("Cast", ["x"], ["i"], to=TensorProto.INT64),
            node("Div", ["hundred", "i"], ["q"]),
            node("Cast", ["q"], ["y"], to=F),
        ],
        [("x", F, ["N", 1])],
        [("y", F, ["N", 1])],
        [tensor("hundred", np.array([[100]], dtype=np.int64))],
    )
    body = ARRAY.format(name="x") + VALUE.format(name="y", tensor="y", index=0)
    write_bundle(models / "divide", made, "100 / int(x): a division by zero for |x| < 1", body, [([7.9], {"y": 14.0})])


def fixed_batch(models):
    made = model([node("ReduceSum", ["x", "axis"], ["sum"], keepdims=1)], [("x", F, [1, 4])], [("sum", F, [1, 1])],
                 [tensor("axis", np.array([1], dtype=np.int64))])
    body = ARRAY.format(name="x") + VALUE.format(name="sum", tensor="sum", index=0)
    write_bundle(models / "fixed_batch", made, "Sum of four numbers, one row only", body, [([1.0, 2.0, 3.5, 4.0], {"sum": 10.5})])


def scalar_output(models):
    made = model([node("ReduceMax", ["x"], ["max"], keepdims=0)], [("x", F, [4])], [("max", F, [])])
    body = ARRAY.format(name="x") + VALUE.format(name="max", tensor="max", index=0)
    write_bundle(models / "scalar_output", made, "Largest of four numbers, no batch dimension", body, [([1.0, 9.0, 3.5, 4.0], {"max": 9.0})])


def two_inputs(models):
    made = model(
        [
            node("Mul", ["a", "b"], ["ab"]),
            node("ReduceSum", ["ab", "axis"], ["dot"], keepdims=1),
            node("Add", ["dot", "bias"], ["y"]),
        ],
        [("a", F, ["N", 3]), ("b", F, ["N", 3])],
        [("y", F, ["N", 1])],
        [tensor("axis", np.array([1], dtype=np.int64)), tensor("bias", np.float32([0.5]))],
    )
    body = """
[inputs.a]
array = "left"

[inputs.b]
fields = ["right.x", { path = "right.y", scale = 2.0, offset = 1.0 }, { path = "right.z", missing = 0.0 }]
""" + VALUE.format(name="y", tensor="y", index=0)
    samples = [
        ({"left": [1.0, 2.0, 3.0], "right": {"x": 1.0, "y": 0.5, "z": 2.0}}, {"y": 11.5}),
        ({"left": [1.0, 2.0, 3.0], "right": {"x": 1.0, "y": 0.5}}, {"y": 5.5}),
    ]
    write_bundle(models / "two_inputs", made, "Dot product of two inputs", body, samples)


def image(models):
    made = model(
        [node("ReduceMean", ["pixels"], ["mean"], axes=[2, 3], keepdims=0)],
        [("pixels", F, ["N", 3, 8, 8])],
        [("mean", F, ["N", 3])],
    )
    body = """
[payload]
format = "image"

[inputs.pixels]
image = { width = 8, height = 8, resize = "stretch", mean = [0.0, 0.0, 0.0], std = [1.0, 1.0, 1.0], layout = "nchw" }

[outputs.mean]
tensor = "mean"
kind = "vector"
"""
    write_bundle(models / "image", made, "Mean of each colour channel of an 8 x 8 image", body)


def window(models):
    made = model(
        [
            node("Split", ["series"], ["first", "second"], axis=2),
            node("ReduceMean", ["first"], ["mean"], axes=[1], keepdims=0),
            node("ReduceMax", ["second"], ["max"], axes=[1], keepdims=0),
            node("Concat", ["mean", "max"], ["out"], axis=1),
        ],
        [("series", F, ["N", 10, 2])],
        [("out", F, ["N", 2])],
    )
    body = """
[inputs.series]
fields = ["a", "b"]

[window]
length = 10
step = 1
layout = "time_feature"
""" + VALUE.format(name="mean_a", tensor="out", index=0) + VALUE.format(name="max_b", tensor="out", index=1)
    write_bundle(models / "window", made, "Mean and maximum over ten readings", body)


def three_states(rng):
    """Current and speed of a motor, and what it does."""
    x = rng.uniform(0, 1, (600, 2)).astype(np.float32)
    y = np.where(x[:, 0] < 0.1, "idle", np.where(x[:, 1] > 0.2, "run", "stall"))
    return x, y


def from_sklearn(estimator):
    return to_onnx(
        estimator,
        initial_types=[("x", FloatTensorType([None, 2]))],
        options={"zipmap": False} if hasattr(estimator, "classes_") else None,
        target_opset={"": OPSET, "ai.onnx.ml": 3},
        name="sklearn",
    )


CLASSES = """
[inputs.x]
fields = ["current", "speed"]

[outputs.state]
tensor = "label"
kind = "label"

[outputs.probabilities]
tensor = "probabilities"
kind = "probabilities"
labels = ["idle", "run", "stall"]
"""


def string_label(models):
    x, y = three_states(np.random.default_rng(3))
    made = from_sklearn(DecisionTreeClassifier(max_depth=4, min_samples_leaf=20, random_state=0).fit(x, y))
    write_bundle(models / "string_label", made, "A motor's state, with text labels", CLASSES)


def linear_models(models):
    rng = np.random.default_rng(5)
    x, y = three_states(rng)
    logistic = LogisticRegression(max_iter=1000).fit(x, y)
    write_bundle(models / "linear_classifier", from_sklearn(logistic), "A motor's state, logistic regression", CLASSES)

    target = (3 * x[:, 0] - 2 * x[:, 1] + 0.5).astype(np.float32)
    made = from_sklearn(LinearRegression().fit(x, target))
    body = '[inputs.x]\nfields = ["current", "speed"]\n' + VALUE.format(name="load", tensor="variable", index=0)
    write_bundle(models / "linear", made, "A motor's load, linear regression", body)

    plain = model(
        [
            node("Sub", ["x", "mean"], ["centred"]),
            node("Gemm", ["centred", "w", "b"], ["logits"]),
            node("Softmax", ["logits"], ["probabilities"], axis=1),
            node("ArgMax", ["probabilities"], ["label"], axis=1, keepdims=0),
        ],
        [("x", F, ["N", 2])],
        [("label", TensorProto.INT64, ["N"]), ("probabilities", F, ["N", 3])],
        [
            tensor("mean", x.mean(axis=0)),
            tensor("w", logistic.coef_.T.astype(np.float32)),
            tensor("b", (logistic.intercept_ + logistic.coef_ @ x.mean(axis=0)).astype(np.float32)),
        ],
    )
    body = CLASSES.replace('kind = "label"\n', 'kind = "label"\nlabels = ["idle", "run", "stall"]\n')
    write_bundle(models / "logistic", plain, "A motor's state, with integer labels", body)


def external(models):
    weights = np.arange(8, dtype=np.float32).reshape(4, 2)
    made = model([node("MatMul", ["x", "w"], ["y"])], [("x", F, ["N", 4])], [("y", F, ["N", 2])],
                 [tensor("w", weights)])
    onnx.external_data_helper.set_external_data(made.graph.initializer[0], "weights.bin")
    made.graph.initializer[0].ClearField("raw_data")
    body = ARRAY.format(name="x") + '\n[outputs.y]\ntensor = "y"\nkind = "vector"\n'
    samples = [([1.0, 0.0, 0.0, 2.0], {"y": [12.0, 15.0]})]
    write_bundle(models / "external", made, "Weights in a file beside the model", body, samples)
    (models / "external/weights.bin").write_bytes(weights.tobytes())


def int_input(models):
    made = model([node("Mul", ["x", "two"], ["y"])], [("x", TensorProto.INT32, ["N", 2])], [("y", TensorProto.INT32, ["N", 2])],
                 [tensor("two", np.array([2], dtype=np.int32))])
    body = ARRAY.format(name="x") + '\n[outputs.y]\ntensor = "y"\nkind = "vector"\n'
    write_bundle(models / "int_input", made, "Twice two integers", body, [([3, -4], {"y": [6, -8]})])


def bare(models):
    made = onnx.load(models / "mlp/model.onnx")
    (models / "bare.onnx").write_bytes(made.SerializeToString(deterministic=True))
    renamed = model([node("Relu", ["serving_default/x:0"], ["StatefulPartitionedCall:0"])],
                    [("serving_default/x:0", F, ["N", 4])], [("StatefulPartitionedCall:0", F, ["N", 4])])
    (models / "bare_odd_names.onnx").write_bytes(renamed.SerializeToString(deterministic=True))


def main(models: Path):
    for make in (log, divide, fixed_batch, scalar_output, two_inputs, image, window, string_label,
                 linear_models, external, int_input, bare):
        make(models)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
