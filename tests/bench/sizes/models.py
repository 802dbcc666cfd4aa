"""Networks over inputs of any length, and the same with one length fixed.

    models.py FOLDER
"""

import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

random = np.random.default_rng(3)
FIXED = 900


def weights(*shape):
    return numpy_helper.from_array((random.standard_normal(shape) * 0.2).astype(np.float32), f"w{random.integers(1 << 40)}")


def save(folder, name, nodes, initializers, shape, outputs):
    for form, length in (("", "length"), ("-fixed", FIXED)):
        dims = [length if dim is None else dim for dim in shape]
        x = helper.make_tensor_value_info("x", TensorProto.FLOAT, dims)
        y = helper.make_tensor_value_info("y", TensorProto.FLOAT, outputs)
        graph = helper.make_graph(nodes, name, [x], [y], initializers)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        onnx.save(model, folder / f"{name}{form}.onnx")


def main():
    folder = Path(sys.argv[1])
    # A wave, as a network that listens for a word has it.
    w = [weights(16, 1, 9), weights(32, 16, 9), weights(32, 32, 9), weights(32, 4)]
    nodes, at = [], "x"
    for layer in range(3):
        nodes.append(helper.make_node("Conv", [at, w[layer].name], [f"c{layer}"], strides=[2], kernel_shape=[9]))
        nodes.append(helper.make_node("Relu", [f"c{layer}"], [f"r{layer}"]))
        at = f"r{layer}"
    nodes += [
        helper.make_node("GlobalAveragePool", [at], ["mean"]),
        helper.make_node("Flatten", ["mean"], ["flat"]),
        helper.make_node("MatMul", ["flat", w[3].name], ["y"]),
    ]
    save(folder, "wave", nodes, w, ["N", 1, None], ["N", 4])
    # A sequence of readings.
    w = [weights(1, 3 * 32, 8), weights(1, 3 * 32, 32)]
    nodes = [
        helper.make_node("Transpose", ["x"], ["by_time"], perm=[1, 0, 2]),
        helper.make_node("GRU", ["by_time", w[0].name, w[1].name], ["", "last"], hidden_size=32),
        helper.make_node("Squeeze", ["last", "axes"], ["y"]),
    ]
    axes = numpy_helper.from_array(np.array([0]), "axes")
    save(folder, "sequence", nodes, [*w, axes], ["N", None, 8], ["N", 32])


main()
