"""Small transformers with random weights, node by node as PyTorch's exporter writes them: what the optimisers look
for."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET, IR_VERSION = 17, 8
WORDS, PLACES, HIDDEN, HEADS, INNER, LAYERS = 30, 16, 32, 4, 48, 2


class Graph:
    """Nodes and weights, named as they come."""

    def __init__(self, seed: int, newer=False):
        self.random, self.nodes, self.weights, self.newer = np.random.default_rng(seed), [], [], newer

    def weight(self, *shape, scale=0.3):
        return self.constant((self.random.standard_normal(shape) * scale).astype(np.float32))

    def constant(self, value):
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def node(self, op, *inputs, **attributes):
        name = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, [name], name=f"{op}_{len(self.nodes)}", **attributes))
        return name

    def linear(self, x, inputs, outputs, bias=True):
        y = self.node("MatMul", x, self.weight(inputs, outputs))
        return self.node("Add", self.weight(outputs, scale=0.1), y) if bias else y

    def layer_norm(self, x):
        """As exporters write it from opset 17 on, and before that."""
        if self.newer:
            return self.node("LayerNormalization", x, self.weight(HIDDEN), self.weight(HIDDEN, scale=0.1), axis=-1)
        less = self.node("Sub", x, self.node("ReduceMean", x, axes=[-1]))
        square = self.node("Pow", less, self.constant(np.float32(2)))
        root = self.node("Sqrt", self.node("Add", self.node("ReduceMean", square, axes=[-1]), self.constant(np.float32(1e-5))))
        scaled = self.node("Mul", self.node("Div", less, root), self.weight(HIDDEN))
        return self.node("Add", scaled, self.weight(HIDDEN, scale=0.1))

    def rms_norm(self, x):
        square = self.node("Pow", x, self.constant(np.float32(2)))
        mean = self.node("Add", self.node("ReduceMean", square, axes=[-1], keepdims=1), self.constant(np.float32(1e-6)))
        root = self.node("Div", self.constant(np.float32(1)), self.node("Sqrt", mean))
        return self.node("Mul", self.weight(HIDDEN), self.node("Mul", x, root))

    def gelu(self, x):
        erf = self.node("Erf", self.node("Div", x, self.constant(np.float32(2**0.5))))
        halved = self.node("Mul", x, self.node("Add", erf, self.constant(np.float32(1))))
        return self.node("Mul", halved, self.constant(np.float32(0.5)))

    def gelu_of_tanh(self, x):
        cubed = self.node("Mul", self.node("Pow", x, self.constant(np.float32(3))), self.constant(np.float32(0.044715)))
        inner = self.node("Mul", self.node("Add", x, cubed), self.constant(np.float32(0.7978845834732056)))
        outer = self.node("Add", self.node("Tanh", inner), self.constant(np.float32(1)))
        return self.node("Mul", self.node("Mul", x, self.constant(np.float32(0.5))), outer)

    def quick_gelu(self, x):
        return self.node("Mul", x, self.node("Sigmoid", self.node("Mul", x, self.constant(np.float32(1.702)))))

    def heads(self, x):
        cut = self.node("Reshape", x, self.constant(np.array([0, 0, HEADS, HIDDEN // HEADS])))
        return self.node("Transpose", cut, perm=[0, 2, 1, 3])

    def attention(self, x, mask, bias=True):
        q, k, v = (self.heads(self.linear(x, HIDDEN, HIDDEN, bias)) for _ in range(3))
        scores = self.node("MatMul", q, self.node("Transpose", k, perm=[0, 1, 3, 2]))
        scores = self.node("Div", scores, self.constant(np.float32((HIDDEN / HEADS) ** 0.5)))
        if mask:
            scores = self.node("Add", scores, mask)
        seen = self.node("MatMul", self.node("Softmax", scores, axis=-1), v)
        merged = self.node("Transpose", seen, perm=[0, 2, 1, 3])
        merged = self.node("Reshape", merged, self.constant(np.array([0, 0, HIDDEN])))
        return self.linear(merged, HIDDEN, HIDDEN, bias)

    def model(self, inputs, y):
        ports = [helper.make_tensor_value_info(name, kind, ["batch", "steps", *more]) for name, kind, *more in inputs]
        self.nodes.append(helper.make_node("Identity", [y], ["y"], name="last"))
        made = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", "steps", HIDDEN])
        graph = helper.make_graph(self.nodes, "transformer", ports, [made], self.weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
        onnx.checker.check_model(model, full_check=True)
        return model


def bert(activation="gelu", newer=False):
    """Word ids, a mask and segment ids; post-normalised layers."""
    g = Graph(3, newer)
    words = g.node("Gather", g.weight(WORDS, HIDDEN), "ids")
    segments = g.node("Gather", g.weight(2, HIDDEN), "segments")
    steps = g.node("Unsqueeze", g.node("Gather", g.node("Shape", "ids"), g.constant(np.int64(1)), axis=0), g.constant(np.array([0])))
    numbers = g.constant(np.arange(PLACES)[None])
    ids = g.node("Slice", numbers, g.constant(np.array([0])), steps, g.constant(np.array([1])), g.constant(np.array([1])))
    places = g.node("Gather", g.weight(PLACES, HIDDEN), ids)
    x = g.layer_norm(g.node("Add", g.node("Add", words, segments), places))
    mask = g.node("Unsqueeze", g.node("Unsqueeze", "mask", g.constant(np.array([1]))), g.constant(np.array([2])))
    hidden = g.node("Sub", g.constant(np.float32(1)), g.node("Cast", mask, to=TensorProto.FLOAT))
    mask = g.node("Mul", hidden, g.constant(np.float32(-10000)))
    for _ in range(LAYERS):
        x = g.layer_norm(g.node("Add", g.attention(x, mask), x))
        inner = getattr(g, activation)(g.linear(x, HIDDEN, INNER))
        x = g.layer_norm(g.node("Add", g.linear(inner, INNER, HIDDEN), x))
    return g.model([(name, TensorProto.INT64) for name in ("ids", "mask", "segments")], x)


def t5():
    """Vectors; layers normalised before, without biases."""
    g = Graph(5)
    x = "x"
    for _ in range(LAYERS):
        x = g.node("Add", x, g.attention(g.rms_norm(x), None, bias=False))
        inner = g.node("Relu", g.linear(g.rms_norm(x), HIDDEN, INNER, bias=False))
        x = g.node("Add", x, g.linear(inner, INNER, HIDDEN, bias=False))
    return g.model([("x", TensorProto.FLOAT, HIDDEN)], g.rms_norm(x))


def feeds(model, seed=11):
    random = np.random.default_rng(seed)
    made = {}
    for port in model.graph.input:
        if port.name == "x":
            made["x"] = random.standard_normal((2, 7, HIDDEN)).astype(np.float32)
        else:
            dtype = helper.tensor_dtype_to_np_dtype(port.type.tensor_type.elem_type)
            made[port.name] = random.integers(0, WORDS if port.name == "ids" else 2, (2, 7)).astype(dtype)
    if "mask" in made:
        made["mask"][:] = 1
        made["mask"][0, 4:] = 0
    return made
