#!/usr/bin/env python3
"""A 4-16-8-1 perceptron (ReLU, sigmoid at the end) with seeded random weights: the smallest model a
machine's sensor would get, so that a bench of it shows what the daemon itself costs.

Input `input` f32 [N, 4], output `score` f32 [N, 1]; the payload is a JSON array of four numbers.
"""

from pathlib import Path

import numpy as np
from bundles import f32, model, session, tensor, write_bundle
from onnx import TensorProto, helper

SIZES = [4, 16, 8, 1]

BODY = """
[inputs.input]
array = ""

[outputs.score]
tensor = "score"
kind = "value"
index = 0
"""


def main(models: Path):
    rng = np.random.default_rng(4)
    nodes, weights, last = [], [], "input"
    for i, (fan_in, fan_out) in enumerate(zip(SIZES, SIZES[1:])):
        w = rng.normal(0, np.sqrt(2 / fan_in), (fan_in, fan_out)).astype(np.float32)
        weights += [tensor(f"w{i}", w), tensor(f"b{i}", rng.normal(0, 0.1, fan_out).astype(np.float32))]
        nodes.append(helper.make_node("Gemm", [last, f"w{i}", f"b{i}"], [f"z{i}"], name=f"dense{i}"))
        is_last = i == len(SIZES) - 2
        last = "score" if is_last else f"a{i}"
        nodes.append(helper.make_node("Sigmoid" if is_last else "Relu", [f"z{i}"], [last], name=f"act{i}"))
    made = model(
        nodes,
        [("input", TensorProto.FLOAT, ["N", SIZES[0]])],
        [("score", TensorProto.FLOAT, ["N", SIZES[-1]])],
        weights,
    )
    x = rng.normal(0, 1, (8, SIZES[0])).astype(np.float32)
    (y,) = session(made.SerializeToString()).run(None, {"input": x})
    samples = [([f32(v) for v in row], {"score": f32(score[0])}) for row, score in zip(x, y)]
    write_bundle(models / "mlp", made, "A 4-16-8-1 perceptron with random weights, for tests", BODY, samples)


if __name__ == "__main__":
    import sys

    main(Path(sys.argv[1]))
