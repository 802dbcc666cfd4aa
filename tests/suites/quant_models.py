"""Small networks with seeded random weights, in floats: what suite `quant` quantises."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET, IR_VERSION = 21, 10


class Net:
    """A graph written node by node; every method returns the name of a value."""

    def __init__(self, seed: int):
        self.rng = np.random.default_rng(seed)
        self.nodes, self.weights = [], []

    def weight(self, shape, scale: float = 1.0) -> str:
        """Random weights that keep the size of values."""
        fan_in = int(np.prod(shape[1:])) if len(shape) == 4 else shape[0]
        array = self.rng.normal(0, scale * np.sqrt(2 / fan_in), shape)
        # Channels of different sizes: per-channel scales matter.
        array *= self.rng.uniform(0.3, 2, (shape[0], 1, 1, 1) if len(shape) == 4 else (1, shape[-1]))
        return self.constant(array.astype(np.float32))

    def bias(self, length: int) -> str:
        return self.constant(self.rng.normal(0, 0.2, length).astype(np.float32))

    def constant(self, array: np.ndarray) -> str:
        self.weights.append(numpy_helper.from_array(array, f"w{len(self.weights)}"))
        return self.weights[-1].name

    def node(self, op: str, *inputs: str, **attributes) -> str:
        name = f"{op.lower()}{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, list(inputs), [name], name=name, **attributes))
        return name

    def dense(self, x: str, fan_in: int, fan_out: int) -> str:
        return self.node("Add", self.node("MatMul", x, self.weight((fan_in, fan_out))), self.bias(fan_out))

    def conv(self, x: str, fan_in: int, fan_out: int, size: int = 3, group: int = 1, **more) -> str:
        weight, bias = self.weight((fan_out, fan_in // group, size, size)), self.bias(fan_out)
        pads = [size // 2] * 4
        return self.node("Conv", x, weight, bias, kernel_shape=[size, size], pads=pads, group=group, **more)

    def model(self, shape, output: str, out_shape) -> onnx.ModelProto:
        """The model from `x` to `y`."""
        self.nodes[-1].output[0] = "y"
        graph = helper.make_graph(
            self.nodes,
            "quant",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, out_shape)],
            self.weights,
        )
        made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
        onnx.checker.check_model(made, full_check=True)
        return made


def mlp() -> onnx.ModelProto:
    """8-32-16-4, MatMul and Add."""
    net = Net(51)
    x = net.node("Relu", net.dense("x", 8, 32))
    x = net.node("Relu", net.dense(x, 32, 16))
    return net.model(["n", 8], net.dense(x, 16, 4), ["n", 4])


def gemm() -> onnx.ModelProto:
    """8-24-3 of Gemm with a sigmoid between."""
    net = Net(52)
    x = net.node("Sigmoid", net.node("Gemm", "x", net.weight((8, 24)), net.bias(24)))
    return net.model(["n", 8], net.node("Gemm", x, net.weight((24, 3)), net.bias(3)), ["n", 3])


def cnn() -> onnx.ModelProto:
    """Convolutions with strides, groups and a residual, pooled and dense at the end."""
    net = Net(53)
    x = net.node("Relu", net.conv("x", 3, 8))
    x = net.node("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2])
    side = net.conv(net.node("Relu", net.conv(x, 8, 8, group=8)), 8, 8, size=1)
    x = net.node("Relu", net.node("Add", x, side))
    x = net.node("Relu", net.conv(x, 8, 16, strides=[2, 2]))
    x = net.node("Flatten", net.node("GlobalAveragePool", x))
    return net.model(["n", 3, 16, 16], net.dense(x, 16, 5), ["n", 5])


def branches() -> onnx.ModelProto:
    """What shares or keeps scales: Concat, AveragePool, Clip, Transpose, Reshape, LeakyRelu."""
    net = Net(54)
    a = net.node("Clip", net.conv("x", 3, 6), net.constant(np.float32(0)), net.constant(np.float32(6)))
    b = net.node("LeakyRelu", net.conv("x", 3, 6, dilations=[1, 1]), alpha=0.1)
    x = net.node("Concat", a, b, axis=1)
    x = net.node("AveragePool", x, kernel_shape=[2, 2], strides=[2, 2])
    x = net.node("Transpose", x, perm=[0, 2, 3, 1])
    x = net.node("Reshape", x, net.constant(np.array([0, -1], dtype=np.int64)))
    return net.model(["n", 3, 8, 8], net.dense(x, 192, 4), ["n", 4])


def sequence() -> onnx.ModelProto:
    """Attention-like: batched MatMul of two activations, Softmax, a dense layer after it."""
    net = Net(55)
    q, k = net.dense("x", 8, 8), net.dense("x", 8, 8)
    scores = net.node("MatMul", q, net.node("Transpose", k, perm=[0, 2, 1]))
    scores = net.node("Mul", scores, net.constant(np.float32(8**-0.5)))
    x = net.node("MatMul", net.node("Softmax", scores, axis=-1), net.dense("x", 8, 8))
    return net.model(["n", 6, 8], net.dense(x, 8, 4), ["n", 6, 4])


def recurrent() -> onnx.ModelProto:
    """Two LSTM layers, one of them in both directions, over six steps."""
    net = Net(56)
    x = net.node("Transpose", "x", perm=[1, 0, 2])
    for fan_in, directions in ((8, 1), (12, 2)):
        weights = [
            net.constant(net.rng.normal(0, 0.4, (directions, 48, width)).astype(np.float32)) for width in (fan_in, 12)
        ]
        bias = net.constant(net.rng.normal(0, 0.2, (directions, 96)).astype(np.float32))
        direction = "bidirectional" if directions == 2 else "forward"
        x = net.node("LSTM", x, *weights, bias, hidden_size=12, direction=direction)
        x = net.node("Reshape", net.node("Transpose", x, perm=[0, 2, 1, 3]), net.constant(np.array([0, 0, -1])))
    x = net.node("Transpose", x, perm=[1, 0, 2])
    return net.model(["n", 6, 8], net.dense(x, 24, 4), ["n", 6, 4])


def rows(model: onnx.ModelProto, count: int, seed: int) -> np.ndarray:
    """Inputs for a model."""
    shape = [dim.dim_value or count for dim in model.graph.input[0].type.tensor_type.shape.dim]
    return np.random.default_rng(seed).normal(0, 1, shape).astype(np.float32)
