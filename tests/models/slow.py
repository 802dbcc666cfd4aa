#!/usr/bin/env python3
"""A model that takes its time, one row at a time: for stops, deadlines and health checks while scoring.

y = mean of six convolutions of 3x3 over x times a constant plane of 16 x 128 x 128. The kernels keep the mean
but for the borders, so y is somewhat less than x. Some 230 million multiply-adds in a file of 1 MB.

Input `x` f32 [1, 1], output `y` f32 [1, 1]; the payload is a JSON array of one number.
"""

from pathlib import Path

import numpy as np
from bundles import model, tensor, write_bundle
from onnx import TensorProto, helper

CHANNELS, SIDE, LAYERS = 16, 128, 6

BODY = """
[inputs.x]
array = ""

[outputs.y]
tensor = "y"
kind = "value"
index = 0
"""


def build():
    kernel = np.full((CHANNELS, CHANNELS, 3, 3), 1 / (CHANNELS * 9), dtype=np.float32)
    nodes = [
        helper.make_node("Reshape", ["x", "one"], ["x4"], name="lift"),
        helper.make_node("Mul", ["x4", "plane"], ["z0"], name="spread"),
    ]
    for i in range(LAYERS):
        nodes.append(helper.make_node("Conv", [f"z{i}", "kernel"], [f"c{i}"], name=f"conv{i}", pads=[1, 1, 1, 1]))
        nodes.append(helper.make_node("Relu", [f"c{i}"], [f"z{i + 1}"], name=f"relu{i}"))
    nodes += [
        helper.make_node("ReduceMean", [f"z{LAYERS}"], ["mean"], name="mean", axes=[2, 3], keepdims=0),
        helper.make_node("ReduceMean", ["mean"], ["y"], name="all", axes=[1], keepdims=1),
    ]
    return model(
        nodes,
        [("x", TensorProto.FLOAT, [1, 1])],
        [("y", TensorProto.FLOAT, [1, 1])],
        [
            tensor("one", np.array([1, 1, 1, 1], dtype=np.int64)),
            tensor("plane", np.ones((1, CHANNELS, SIDE, SIDE), dtype=np.float32)),
            tensor("kernel", kernel),
        ],
    )


def main(models: Path):
    write_bundle(models / "slow", build(), "About its input, after a while", BODY)


if __name__ == "__main__":
    import sys

    main(Path(sys.argv[1]))
