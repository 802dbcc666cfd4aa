#!/usr/bin/env python3
"""An autoencoder of the shape of MLPerf Tiny's anomaly detection benchmark (its batch normalisation
folded away): 640 inputs, four layers of 128, a bottleneck of 8, four of 128, 640 outputs, ReLU between.
Weights are random and seeded: for speed and for arithmetic, not for detecting anything.

Input `input` f32 [N, 640], output `output` f32 [N, 640]; the payload is a JSON array of 640 numbers; the
bundle's output is the mean squared reconstruction error. The condition's threshold is the median over
random inputs, so that both answers occur.
"""

from pathlib import Path

import numpy as np
from bundles import f32, model, session, tensor, write_bundle
from onnx import TensorProto, helper

SIZES = [640, 128, 128, 128, 128, 8, 128, 128, 128, 128, 640]

BODY = """
[inputs.input]
array = ""

[outputs.reconstruction_error]
tensor = "output"
kind = "reconstruction_error"
input = "input"
metric = "mse"

[conditions.anomaly]
output = "reconstruction_error"
operator = ">"
value = {threshold}
"""


def build():
    rng = np.random.default_rng(640)
    nodes, weights, last = [], [], "input"
    for i, (fan_in, fan_out) in enumerate(zip(SIZES, SIZES[1:])):
        # He's scale: a ReLU layer keeps the size of its input, so 10 layers neither die nor explode.
        w = rng.normal(0, np.sqrt(2 / fan_in), (fan_in, fan_out)).astype(np.float32)
        weights += [tensor(f"w{i}", w), tensor(f"b{i}", rng.normal(0, 0.05, fan_out).astype(np.float32))]
        is_last = i == len(SIZES) - 2
        dense = "output" if is_last else f"z{i}"
        nodes.append(helper.make_node("Gemm", [last, f"w{i}", f"b{i}"], [dense], name=f"dense{i}"))
        if not is_last:
            last = f"a{i}"
            nodes.append(helper.make_node("Relu", [dense], [last], name=f"relu{i}"))
    return model(
        nodes,
        [("input", TensorProto.FLOAT, ["N", SIZES[0]])],
        [("output", TensorProto.FLOAT, ["N", SIZES[-1]])],
        weights,
    )


def main(models: Path):
    made = build()
    rng = np.random.default_rng(641)
    x = rng.normal(0, 1, (401, SIZES[0])).round(4).astype(np.float32)
    (y,) = session(made.SerializeToString()).run(None, {"input": x})
    errors = ((x - y) ** 2).mean(axis=1, dtype=np.float64)
    # Sums of 640 squares differ in the last digits between engines: samples are compared with a tolerance.
    samples = [([f32(v) for v in row], {"reconstruction_error": f32(e)}) for row, e in zip(x[:4], errors[:4])]
    write_bundle(
        models / "autoencoder",
        made,
        "An autoencoder of the shape of MLPerf Tiny's anomaly detection, with random weights, for tests",
        BODY.format(threshold=round(float(np.median(errors)), 4)),
        samples,
    )


if __name__ == "__main__":
    import sys

    main(Path(sys.argv[1]))
