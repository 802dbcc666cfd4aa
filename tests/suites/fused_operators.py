"""The operators of com.microsoft that ONNX Runtime's tools write, one by one."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

KINDS = {np.dtype(np.float32): TensorProto.FLOAT, np.dtype(np.int32): TensorProto.INT32}
SUM = 2e-6  # What the order of a sum may change in f32, relative to the largest result.


def cases():
    for make in (convolutions, products, gelus, skips, embeddings, attentions, multi_head, rotary, few_bits, gathers, channels_last):
        random = np.random.default_rng(7)
        for name, node, inputs, outputs, *tolerance in make(random):
            fed = {key: value for key, value in inputs.items() if not key.startswith("w_")}
            yield name, model(node, inputs, outputs), fed, *(tolerance or [SUM])


def model(node, inputs, outputs):
    """One node; what is named `w_...` is a weight, all else an input with free sizes."""
    nodes = node if isinstance(node, list) else [node]
    ports = [
        helper.make_tensor_value_info(name, kind(value), [f"{name}{at}" for at in range(value.ndim)])
        for name, value in inputs.items()
        if not name.startswith("w_")
    ]
    weights = [weight(name, value) for name, value in inputs.items() if name.startswith("w_")]
    made = [helper.make_tensor_value_info(name, elem_type, None) for name, elem_type in outputs.items()]
    graph = helper.make_graph(nodes, "one", ports, made, weights)
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=10)


def kind(value):
    return helper.np_dtype_to_tensor_dtype(value.dtype)


def weight(name, value):
    return value if isinstance(value, onnx.TensorProto) else numpy_helper.from_array(value, name)


def fused(op, inputs, outputs, **attributes):
    names = [name for name in inputs]
    while names and not names[-1]:
        names.pop()
    return helper.make_node(op, names, outputs, domain="com.microsoft", **attributes)


def f32(random, *shape, scale=1.0):
    return (random.standard_normal(shape) * scale).astype(np.float32)


FLOAT = TensorProto.FLOAT


def convolutions(random):
    x, w, b = f32(random, 2, 4, 9, 8), f32(random, 6, 4, 3, 3), f32(random, 6)
    z = f32(random, 2, 6, 9, 8)
    padded = {"pads": [1, 1, 1, 1], "kernel_shape": [3, 3]}
    for name, attributes in {
        "relu": {"activation": "Relu"},
        "tanh": {"activation": "Tanh"},
        "sigmoid": {"activation": "Sigmoid"},
        "leaky": {"activation": "LeakyRelu", "activation_params": [0.3]},
        "clip": {"activation": "Clip", "activation_params": [-0.5, 1.5]},
        "hard-sigmoid": {"activation": "HardSigmoid", "activation_params": [0.3, 0.4]},
        "none": {},
    }.items():
        for added in (False, True):
            inputs = {"x": x, "w_w": w, "w_b": b, **({"z": z} if added else {})}
            node = fused("FusedConv", inputs, ["y"], **padded, **attributes)
            yield f"conv-{name}{'-added' * added}", node, inputs, {"y": FLOAT}
    inputs = {"x": f32(random, 1, 8, 11), "w_w": f32(random, 8, 1, 3)}
    node = fused("FusedConv", inputs, ["y"], group=8, strides=[2], dilations=[2], activation="Relu")
    yield "conv-depthwise", node, inputs, {"y": FLOAT}


def products(random):
    a, b, c = f32(random, 5, 7), f32(random, 7, 6), f32(random, 6)
    for name, attributes in {
        "relu": {"activation": "Relu"},
        "elu": {"activation": "Elu", "activation_alpha": 0.7},
        "leaky": {"activation": "LeakyRelu", "activation_alpha": 0.2},
        "hard-sigmoid": {"activation": "HardSigmoid", "activation_alpha": 0.3, "activation_beta": 0.4},
        "softplus": {"activation": "Softplus"},
        "softsign": {"activation": "Softsign"},
        "tanh": {"activation": "Tanh"},
        "sigmoid": {"activation": "Sigmoid"},
    }.items():
        inputs = {"a": a, "w_b": b, "w_c": c}
        yield f"gemm-{name}", fused("FusedGemm", inputs, ["y"], **attributes), inputs, {"y": FLOAT}
    inputs = {"a": np.ascontiguousarray(a.T), "w_b": np.ascontiguousarray(b.T)}
    node = fused("FusedGemm", inputs, ["y"], transA=1, transB=1, alpha=0.5, activation="Relu")
    yield "gemm-turned", node, inputs, {"y": FLOAT}
    for op in ("FusedMatMul", "TransposeMatMul"):
        for turn_a in (0, 1):
            for turn_b in (0, 1):
                for outer_a, outer_b in (((), ()), ((3,), (3,)), ((2, 3), (2, 3)), ((2, 3), (1, 3)), ((2, 3), ())):
                    inputs = {
                        "a": f32(random, *outer_a, *((7, 5) if turn_a else (5, 7))),
                        "b": f32(random, *outer_b, *((6, 7) if turn_b else (7, 6))),
                    }
                    node = fused(op, inputs, ["y"], transA=turn_a, transB=turn_b, alpha=0.125)
                    name = f"{op.lower()}-{turn_a}{turn_b}-{len(outer_a)}{len(outer_b)}{'-one' * (outer_b[:1] == (1,))}"
                    yield name, node, inputs, {"y": FLOAT}
    for turns in ({"transBatchA": 1}, {"transBatchB": 1}, {"transBatchA": 1, "transBatchB": 1, "transB": 1}):
        a = f32(random, 5, 3, 7) if "transBatchA" in turns else f32(random, 3, 5, 7)
        b = f32(random, 7, 3, 6) if "transBatchB" in turns else f32(random, 3, 7, 6)
        if "transB" in turns:
            b = f32(random, 6, 3, 7)
        inputs = {"a": a, "b": b}
        yield f"matmul-{'-'.join(turns)}", fused("FusedMatMul", inputs, ["y"], **turns), inputs, {"y": FLOAT}
    inputs = {"a": f32(random, 7), "b": f32(random, 7, 6)}
    yield "matmul-vector", fused("FusedMatMul", inputs, ["y"], transA=1), inputs, {"y": FLOAT}


def gelus(random):
    x, b = f32(random, 3, 4, 16, scale=2), f32(random, 16)
    yield "gelu-bias", fused("BiasGelu", {"x": 0, "w_b": 0}, ["y"]), {"x": x, "w_b": b}, {"y": FLOAT}
    yield "gelu-fast", fused("FastGelu", {"x": 0}, ["y"]), {"x": x}, {"y": FLOAT}
    yield "gelu-fast-bias", fused("FastGelu", {"x": 0, "w_b": 0}, ["y"]), {"x": x, "w_b": b}, {"y": FLOAT}
    yield "gelu-quick", fused("QuickGelu", {"x": 0}, ["y"]), {"x": x}, {"y": FLOAT}
    yield "gelu-quick-one", fused("QuickGelu", {"x": 0}, ["y"], alpha=1.0), {"x": x}, {"y": FLOAT}
    yield "gelu", fused("Gelu", {"x": 0}, ["y"]), {"x": x}, {"y": FLOAT}


def skips(random):
    x, gamma, beta, bias = f32(random, 2, 5, 16), f32(random, 16), f32(random, 16), f32(random, 16)
    for form, skip in {"": f32(random, 2, 5, 16), "-one": f32(random, 1, 5, 16), "-flat": f32(random, 5, 16)}.items():
        for with_beta in (True, False):
            for with_bias in (True, False):
                inputs = {"x": x, "skip": skip, "w_gamma": gamma}
                names = ["x", "skip", "w_gamma", "w_beta" if with_beta else "", "w_bias" if with_bias else ""]
                inputs |= {"w_beta": beta} if with_beta else {}
                inputs |= {"w_bias": bias} if with_bias else {}
                node = fused("SkipLayerNormalization", names, ["y", "", "", "sum"], epsilon=1e-5)
                name = f"skip{form}{'-beta' * with_beta}{'-bias' * with_bias}"
                yield name, node, inputs, {"y": FLOAT, "sum": FLOAT}
    inputs = {"x": x, "skip": x[::-1].copy(), "w_gamma": gamma}
    yield "skip-default", fused("SkipLayerNormalization", inputs, ["y"]), inputs, {"y": FLOAT}
    for with_bias in (True, False):
        inputs = {"x": x, "skip": x[::-1].copy(), "w_gamma": gamma} | ({"w_bias": bias} if with_bias else {})
        node = fused("SkipSimplifiedLayerNormalization", inputs, ["y", "", "", "sum"], epsilon=1e-6)
        yield f"skip-rms{'-bias' * with_bias}", node, inputs, {"y": FLOAT, "sum": FLOAT}
    inputs = {"x": x, "w_gamma": gamma}
    node = helper.make_node("SimplifiedLayerNormalization", ["x", "w_gamma"], ["y"], axis=-1, epsilon=1e-6)
    yield "rms", node, inputs, {"y": FLOAT}


def embeddings(random):
    ids = {"ids": random.integers(0, 20, (2, 5)).astype(np.int32), "segments": random.integers(0, 2, (2, 5)).astype(np.int32)}
    mask = np.array([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]], np.int32)
    tables = {"w_words": f32(random, 20, 8), "w_places": f32(random, 9, 8), "w_segments": f32(random, 2, 8)}
    last = {"w_gamma": f32(random, 8), "w_beta": f32(random, 8)}
    inputs = ids | tables | last | {"mask": mask}
    outputs = {"y": FLOAT, "counts": TensorProto.INT32, "sum": FLOAT}
    node = fused("EmbedLayerNormalization", inputs, list(outputs), epsilon=1e-5)
    yield "embedding", node, inputs, outputs
    names = ["ids", "segments", "w_words", "w_places", "w_segments", "w_gamma", "w_beta"]
    yield "embedding-unmasked", fused("EmbedLayerNormalization", names, ["y", "counts"]), ids | tables | last, {"y": FLOAT, "counts": TensorProto.INT32}
    names = ["ids", "", "w_words", "w_places", "", "w_gamma", "w_beta", "", "places"]
    for form, shape in (("", (2, 5)), ("-one", (1, 5))):
        inputs = {"ids": ids["ids"], "w_words": tables["w_words"], "w_places": tables["w_places"], **last}
        inputs["places"] = random.integers(0, 9, shape).astype(np.int32)
        yield f"embedding-places{form}", fused("EmbedLayerNormalization", names, ["y", "counts"]), inputs, {"y": FLOAT, "counts": TensorProto.INT32}
    names = ["ids", "segments", "w_words", "w_places", "w_segments", "w_gamma", "w_beta", "mask"]
    eight = {name: random.integers(0, 255, value.shape).astype(np.uint8) for name, value in (tables | last).items()}
    scales = {f"{name}_scale": np.float32(random.uniform(0.01, 0.03)) for name in eight}
    points = {f"{name}_zero": np.uint8(random.integers(100, 150)) for name in eight}
    all_names = [*names, *scales, *points]
    inputs = ids | eight | {name: np.array(value) for name, value in (scales | points).items()} | {"mask": mask}
    node = fused("QEmbedLayerNormalization", all_names, ["y", "counts"], epsilon=1e-5)
    yield "embedding-quantised", node, inputs, {"y": FLOAT, "counts": TensorProto.INT32}


def masks(sequences, queries, keys, random):
    """Every form of a mask, by its name."""
    seen = random.integers(0, 2, (sequences, keys)).astype(np.int32)
    seen[:, 0] = 1
    ends = random.integers(1, keys + 1, sequences).astype(np.int32)
    starts = np.minimum(random.integers(0, keys, sequences), ends - 1).astype(np.int32)
    pairs = random.integers(0, 2, (sequences, queries, keys)).astype(np.int32)
    nothing = seen.copy()
    nothing[0] = 0
    return {
        "none": None,
        "ends": ends,
        "ranges": np.concatenate([ends, starts]),
        "keys": seen,
        "pairs": pairs,
        "nothing-seen": nothing,
    }


def attentions(random):
    sequences, steps, inner, heads, hidden = 2, 5, 12, 3, 24
    x, w, b = f32(random, sequences, steps, inner), f32(random, inner, 3 * hidden, scale=0.3), f32(random, 3 * hidden)
    quantised = random.integers(0, 255, x.shape).astype(np.uint8), random.integers(-127, 127, w.shape).astype(np.int8)
    for causal in (0, 1):
        for before in (0, 3):
            keys = before + steps
            past = f32(random, 2, sequences, heads, before, hidden // heads)
            for form, mask in masks(sequences, steps, keys, random).items():
                names = ["x", "w_w", "w_b", "mask" if mask is not None else "", "past" if before else ""]
                inputs = {"x": x, "w_w": w, "w_b": b} | ({"mask": mask} if mask is not None else {})
                inputs |= {"past": past} if before else {}
                outputs = {"y": FLOAT, "present": FLOAT}
                node = fused("Attention", names, list(outputs), num_heads=heads, unidirectional=causal)
                name = f"{form}{'-causal' * causal}{'-past' * bool(before)}"
                yield f"attention-{name}", node, inputs, outputs
                if form in ("none", "ends", "keys"):
                    names = ["x", "w_w", "w_b", "w_xs", "w_ws", names[3], "w_xz", "w_wz", names[4]]
                    inputs = {
                        "x": quantised[0],
                        "w_w": quantised[1],
                        "w_b": b,
                        "w_xs": np.float32(0.01),
                        "w_ws": np.float32(0.004),
                        "w_xz": np.uint8(120),
                        "w_wz": np.int8(0),
                    } | {key: value for key, value in inputs.items() if key in ("mask", "past")}
                    inputs = {key: np.asarray(value) for key, value in inputs.items()}
                    node = fused("QAttention", names, list(outputs), num_heads=heads, unidirectional=causal)
                    yield f"attention-quantised-{name}", node, inputs, outputs
    for form, shape in {"": (2, 3), "-one": (1, 3), "-both": (1, 1)}.items():
        names = ["x", "w_w", "w_b", "", "", "added"]
        inputs = {"x": x, "w_w": w, "w_b": b, "added": f32(random, *shape, steps, steps)}
        yield f"attention-added{form}", fused("Attention", names, ["y"], num_heads=heads), inputs, {"y": FLOAT}
    inputs = {"x": x, "w_w": f32(random, inner, 24 + 24 + 12), "w_b": f32(random, 60)}
    node = fused("Attention", inputs, ["y"], num_heads=heads, qkv_hidden_sizes=[24, 24, 12], scale=0.3, mask_filter_value=-3.0)
    yield "attention-widths", node, inputs, {"y": FLOAT}
    inputs = {"x": x, "w_w": w}
    yield "attention-no-bias", fused("Attention", inputs, ["y"], num_heads=heads), inputs, {"y": FLOAT}


def multi_head(random):
    sequences, steps, length, heads, hidden = 2, 4, 6, 3, 24
    q, k, v = f32(random, sequences, steps, hidden), f32(random, sequences, length, hidden), f32(random, sequences, length, hidden)
    bias = f32(random, 3 * hidden)
    for form, mask in masks(sequences, steps, length, random).items():
        if form == "ranges":
            continue
        for with_bias in (True, False):
            names = ["q", "k", "v", "w_bias" if with_bias else "", "mask" if mask is not None else ""]
            inputs = {"q": q, "k": k, "v": v} | ({"w_bias": bias} if with_bias else {})
            inputs |= {"mask": mask} if mask is not None else {}
            node = fused("MultiHeadAttention", names, ["y"], num_heads=heads)
            yield f"heads-{form}{'-bias' * with_bias}", node, inputs, {"y": FLOAT}
    names = ["q", "k", "v", "", "", "added"]
    inputs = {"q": q, "k": k, "v": v, "added": f32(random, 1, heads, steps, length)}
    yield "heads-added", fused("MultiHeadAttention", names, ["y"], num_heads=heads, scale=0.2), inputs, {"y": FLOAT}
    cut = f32(random, sequences, heads, length, hidden // heads), f32(random, sequences, heads, length, hidden // heads)
    inputs = {"q": q, "k": cut[0], "v": cut[1]}
    yield "heads-cut", fused("MultiHeadAttention", inputs, ["y"], num_heads=heads), inputs, {"y": FLOAT}
    for causal in (0, 1):
        past = f32(random, sequences, heads, 3, hidden // heads), f32(random, sequences, heads, 3, hidden // heads)
        k2, v2 = f32(random, sequences, steps, hidden), f32(random, sequences, steps, hidden)
        names = ["q", "k", "v", "w_bias", "", "", "pk", "pv"]
        inputs = {"q": q, "k": k2, "v": v2, "w_bias": bias, "pk": past[0], "pv": past[1]}
        outputs = {"y": FLOAT, "present_k": FLOAT, "present_v": FLOAT}
        node = fused("MultiHeadAttention", names, list(outputs), num_heads=heads, unidirectional=causal)
        yield f"heads-past{'-causal' * causal}", node, inputs, outputs


def rotary(random):
    cos, sin = np.cos(f32(random, 16, 4)), np.sin(f32(random, 16, 4))
    for form, x in {"cut": f32(random, 2, 3, 5, 8), "flat": f32(random, 2, 5, 24)}.items():
        for places in (np.array([3], np.int64), random.integers(0, 16, (2, 5))):
            for interleaved in (0, 1):
                inputs = {"x": x, "places": places, "w_cos": cos, "w_sin": sin}
                node = fused("RotaryEmbedding", inputs, ["y"], interleaved=interleaved)
                yield f"rotary-{form}-{places.size}{'-interleaved' * interleaved}", node, inputs, {"y": FLOAT}


def few_bits(random):
    rows, outputs = 3, 10
    for bits in (2, 4, 8):
        for inner, block in ((64, 16), (50, 32)):
            blocks = -(-inner // block)
            for zeros in ("none", "packed", "floats")[: 2 if bits == 8 else 3]:  # ONNX Runtime has no more.
                inputs = {
                    "a": f32(random, 2, rows, inner),
                    "w_b": random.integers(0, 256, (outputs, blocks, block * bits // 8)).astype(np.uint8),
                    "w_scales": random.uniform(0.01, 0.03, (outputs, blocks)).astype(np.float32),
                }
                if zeros == "packed":
                    inputs["w_zeros"] = random.integers(0, 256, (outputs, -(-blocks * bits // 8))).astype(np.uint8)
                if zeros == "floats":
                    inputs["w_zeros"] = random.uniform(0, 2**bits, (outputs, blocks)).astype(np.float32)
                node = fused("MatMulNBits", inputs, ["y"], K=inner, N=outputs, bits=bits, block_size=block, accuracy_level=1)
                yield f"bits-{bits}-{inner}-of-{block}-{zeros}", node, inputs, {"y": FLOAT}, 2e-5
    names = ["a", "w_b", "w_scales", "", "", "w_bias"]
    inputs = {
        "a": f32(random, rows, 64),
        "w_b": random.integers(0, 256, (100, 2, 16)).astype(np.uint8),
        "w_scales": random.uniform(0.01, 0.03, (100, 2)).astype(np.float32),
        "w_bias": f32(random, 100),
    }
    node = fused("MatMulNBits", names, ["y"], K=64, N=100, bits=4, block_size=32, accuracy_level=1)
    yield "bits-bias", node, inputs, {"y": FLOAT}, 2e-5
    for quant_type in (0, 1):
        inputs = {
            "a": f32(random, rows, 64),
            "w_b": random.integers(0, 256, 64 * outputs // 2).astype(np.uint8),
            "w_largest": random.uniform(0.1, 0.3, 64 * outputs // 16).astype(np.float32),
        }
        node = fused("MatMulBnb4", inputs, ["y"], K=64, N=outputs, block_size=16, quant_type=quant_type)
        yield f"bnb4-{('fp4', 'nf4')[quant_type]}", node, inputs, {"y": FLOAT}, 2e-5


def gathers(random):
    indices = np.array([[3, 0, -1], [7, 2, 5]], np.int64)
    for bits in (2, 4, 8):
        for with_zeros in (True, False):
            inputs = {
                "w_table": random.integers(0, 256, (9, 32 * bits // 8)).astype(np.uint8),
                "indices": indices,
                "w_scales": random.uniform(0.01, 0.03, (9, 2)).astype(np.float32),
            }
            if with_zeros:
                inputs["w_zeros"] = random.integers(0, 256, (9, -(-2 * bits // 8))).astype(np.uint8)
            node = fused("GatherBlockQuantized", inputs, ["y"], bits=bits, block_size=16, quantize_axis=1, gather_axis=0)
            yield f"gather-{bits}{'-zeros' * with_zeros}", node, inputs, {"y": FLOAT}
    for elem_type, low in ((TensorProto.UINT4, 0), (TensorProto.INT4, -8)):
        for gather_axis, quantize_axis in ((0, 1), (1, 0), (0, 0)):
            pack = helper.tensor_dtype_to_np_dtype(elem_type)
            shape = [32, 32]
            blocks = [2 if axis == quantize_axis else 32 for axis in range(2)]
            integers = lambda shape: numpy_helper.from_array(random.integers(low, low + 16, shape).astype(pack))
            table, zeros = integers(shape), integers(blocks)
            table.name, zeros.name = "w_table", "w_zeros"
            inputs = {
                "w_table": table,
                "indices": indices,
                "w_scales": random.uniform(0.01, 0.03, blocks).astype(np.float32),
                "w_zeros": zeros,
            }
            node = fused("GatherBlockQuantized", inputs, ["y"], block_size=16, quantize_axis=quantize_axis, gather_axis=gather_axis)
            yield f"gather-{'u' if low == 0 else 's'}4-{gather_axis}{quantize_axis}", node, inputs, {"y": FLOAT}


def channels_last(random):
    x = random.integers(0, 255, (2, 9, 8, 4)).astype(np.uint8)
    node = fused("NhwcMaxPool", {"x": 0}, ["y"], kernel_shape=[3, 2], strides=[2, 2], pads=[1, 0, 1, 0])
    yield "nhwc-max-pool", node, {"x": x}, {"y": TensorProto.UINT8}
    for last in (0, 1):
        inputs = {
            "x": x if last else np.ascontiguousarray(x.transpose(0, 3, 1, 2)),
            "w_xs": np.float32(0.02),
            "w_xz": np.uint8(120),
            "w_w": random.integers(-127, 127, (6, 4, 3, 3)).astype(np.int8),
            "w_ws": np.float32(0.01),
            "w_wz": np.int8(0),
            "w_ys": np.float32(0.3),
            "w_yz": np.uint8(100),
            "w_b": random.integers(-1000, 1000, 6).astype(np.int32),
        }
        inputs = {key: np.asarray(value) for key, value in inputs.items()}
        node = fused("QLinearConv", inputs, ["y"], kernel_shape=[3, 3], pads=[1, 1, 1, 1], channels_last=last)
        yield f"nhwc-conv-{('first', 'last')[last]}", node, inputs, {"y": TensorProto.UINT8}
