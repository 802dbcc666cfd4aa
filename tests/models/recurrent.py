#!/usr/bin/env python3
"""One recurrent network, exported twice:

    recurrent_step   a step at a time, its state an input and an output: x [N, 4] and h [N, 8]
    recurrent_whole  a whole sequence of any length: x [N, T, 4], y [N, T, 1]
"""

import sys
from pathlib import Path

import numpy as np
from bundles import model, tensor, write_bundle
from onnx import TensorProto, helper

F = TensorProto.FLOAT
FEATURES, HIDDEN = 4, 8

STEP = """
[inputs.x]
array = "v"

[state.h]
input = "h"
output = "h_next"

[outputs.y]
tensor = "y"
kind = "value"
"""

WHOLE = """
[inputs.x]
array = "v"

[outputs.y]
tensor = "y"
kind = "vector"
"""


def node(operator, inputs, outputs, **attributes):
    return helper.make_node(operator, inputs, outputs, name=f"{operator.lower()}_{outputs[0]}", **attributes)


def weights():
    random = np.random.default_rng(7)
    shapes = {"W": (1, 3 * HIDDEN, FEATURES), "R": (1, 3 * HIDDEN, HIDDEN), "B": (1, 6 * HIDDEN), "out": (HIDDEN, 1)}
    made = [tensor(name, random.uniform(-1, 1, shape).astype(np.float32)) for name, shape in shapes.items()]
    return made + [tensor("first", np.array([0], dtype=np.int64)), tensor("second", np.array([1], dtype=np.int64))]


def gru(inputs, outputs):
    return node("GRU", inputs, outputs, hidden_size=HIDDEN, linear_before_reset=1)


def step(models):
    nodes = [
        node("Unsqueeze", ["x", "first"], ["one"]),
        node("Unsqueeze", ["h", "first"], ["before"]),
        gru(["one", "W", "R", "B", "", "before"], ["", "after"]),
        node("Squeeze", ["after", "first"], ["h_next"]),
        node("MatMul", ["h_next", "out"], ["y"]),
    ]
    inputs = [("x", F, ["N", FEATURES]), ("h", F, ["N", HIDDEN])]
    outputs = [("y", F, ["N", 1]), ("h_next", F, ["N", HIDDEN])]
    made = model(nodes, inputs, outputs, weights())
    write_bundle(models / "recurrent_step", made, "A recurrent network, step by step", STEP)


def whole(models):
    nodes = [
        node("Transpose", ["x"], ["by_time"], perm=[1, 0, 2]),
        gru(["by_time", "W", "R", "B"], ["all", ""]),
        node("Squeeze", ["all", "second"], ["hidden"]),
        node("Transpose", ["hidden"], ["by_row"], perm=[1, 0, 2]),
        node("MatMul", ["by_row", "out"], ["y"]),
    ]
    inputs, outputs = [("x", F, ["N", "T", FEATURES])], [("y", F, ["N", "T", 1])]
    made = model(nodes, inputs, outputs, weights())
    write_bundle(models / "recurrent_whole", made, "The same network over a whole sequence", WHOLE)


def main(models: Path):
    step(models)
    whole(models)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
