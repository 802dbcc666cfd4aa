#!/usr/bin/env python3
"""Models that must be refused with a clear error, without a crash and without runaway memory.

Written into `bad/` under the models' folder, one `.onnx` each, named after what is wrong:

    truncated, truncated_weights, empty, text, other_protobuf
    unsupported_operator    Conv of com.microsoft.nchwc, with weights laid out for one processor
    made_up_operator        domain com.example, operator Wobble
    future_opset            default domain, opset 9999
    dangling_input          a node that reads a tensor nobody makes
    external_outside        weights at ../outside.bin, which exists
    external_absolute       weights at an absolute path, which exists
    external_symlink        weights at link.bin, a symbolic link to ../outside.bin
    external_missing        weights at missing.bin, which does not exist
    external_short          weights at short.bin, which has half the bytes
    huge_initializer        declares 4 TiB of weights and carries none
    huge_initializer_overflow  dimensions whose product overflows 64 bits
    huge_constant           ConstantOfShape of 4 TiB
    huge_input              an input of 1 x 2^40 fixed
    huge_expand             Expand of a scalar to 4 TiB
    negative_dimension      an initializer with a dimension of -1
    matrices_apart          MatMul of [N, 4] by [5, 4]
    shape_apart             Reshape of 12 elements to 10
    parts_apart             Concat of [N, 4] and [2, 3, 4]

Every one is written whole; those of fixed huge shapes are not run here.
"""

import sys
from pathlib import Path

import numpy as np
from bundles import model, tensor
from onnx import TensorProto, helper

F = TensorProto.FLOAT
ML = (("", 17), ("ai.onnx.ml", 3))


def linear(initializer):
    """y = x @ w, with that initializer as w: what most of the bad ones are made of."""
    return model(
        [helper.make_node("MatMul", ["x", "w"], ["y"], name="project")],
        [("x", F, ["N", 4])],
        [("y", F, ["N", 4])],
        [initializer],
        check=False,
    )


def external(location, length=64):
    """A 4x4 initializer whose bytes lie in the file `location`."""
    w = TensorProto(name="w", data_type=F, dims=[4, 4], data_location=TensorProto.EXTERNAL)
    for key, value in (("location", location), ("offset", "0"), ("length", str(length))):
        w.external_data.add(key=key, value=value)
    return linear(w)


def declared(*dims):
    """An initializer of those dimensions with no data at all."""
    return linear(TensorProto(name="w", data_type=F, dims=list(dims), raw_data=b""))


def one_node(operator, domain="", inputs=("x",), outputs=(("y", F, ["N", 1]),), opsets=(("", 17),), initializers=(), **attributes):
    node = helper.make_node(operator, list(inputs), [o[0] for o in outputs], name=f"the_{operator}", domain=domain, **attributes)
    return model([node], [("x", F, ["N", 4])], list(outputs), initializers, opsets, check=False)


def constant_of_huge_shape():
    fill = helper.make_node("ConstantOfShape", ["shape"], ["big"], name="fill")
    total = helper.make_node("ReduceSum", ["big"], ["sum"], name="sum", keepdims=0)
    add = helper.make_node("Add", ["x", "sum"], ["y"], name="add")
    shape = tensor("shape", np.array([1 << 20, 1 << 20], dtype=np.int64))
    return model([fill, total, add], [("x", F, ["N", 4])], [("y", F, ["N", 4])], [shape], check=False)


def huge_expand():
    grow = helper.make_node("Expand", ["one", "shape"], ["big"], name="grow")
    total = helper.make_node("ReduceSum", ["big"], ["sum"], name="sum", keepdims=0)
    add = helper.make_node("Add", ["x", "sum"], ["y"], name="add")
    constants = [tensor("shape", np.array([1 << 20, 1 << 20], dtype=np.int64)), tensor("one", np.float32([1]))]
    return model([grow, total, add], [("x", F, ["N", 4])], [("y", F, ["N", 4])], constants, check=False)


def huge_input():
    huge = [1, 1 << 40]
    relu = helper.make_node("Relu", ["x"], ["y"], name="relu")
    return model([relu], [("x", F, huge)], [("y", F, huge)], check=False)


def reshaped():
    nodes = [
        helper.make_node("ReduceSum", ["x"], ["sum"], name="sum", keepdims=0),
        helper.make_node("Expand", ["sum", "twelve"], ["many"], name="many"),
        helper.make_node("Reshape", ["many", "shape"], ["y"], name="reshape"),
    ]
    constants = [tensor("twelve", np.array([12])), tensor("shape", np.array([5, 2]))]
    return model(nodes, [("x", F, ["N", 4])], [("y", F, None)], constants, check=False)


def main(models: Path):
    folder = models / "bad"
    folder.mkdir(parents=True, exist_ok=True)
    good = linear(tensor("w", np.eye(4, dtype=np.float32))).SerializeToString()
    outside = models / "outside.bin"
    outside.write_bytes(np.eye(4, dtype=np.float32).tobytes())
    (folder / "short.bin").write_bytes(outside.read_bytes()[:32])
    (folder / "link.bin").symlink_to("../outside.bin")
    # make_all.py writes into a folder that is renamed afterwards; the absolute path is the final one.
    final = Path(str(outside.absolute()).replace("test-models.new", "test-models"))
    made = {
        "truncated": good[: len(good) // 2],
        # Cut inside the last weights: the message before them is whole.
        "truncated_weights": (models / "autoencoder/model.onnx").read_bytes()[:400_000],
        "empty": b"",
        "text": b"This is not a model.\n" * 20,
        # A valid protobuf message (field 1, length-delimited) that is no ModelProto.
        "other_protobuf": b"\x0a\x05hello\x12\x05world",
        "unsupported_operator": one_node("Conv", domain="com.microsoft.nchwc", opsets=(("", 17), ("com.microsoft.nchwc", 1))),
        "made_up_operator": one_node("Wobble", domain="com.example", opsets=(("", 17), ("com.example", 1))),
        "future_opset": one_node("Relu", outputs=(("y", F, ["N", 4]),), opsets=(("", 9999),)),
        "dangling_input": one_node("Add", inputs=("x", "nobody"), outputs=(("y", F, ["N", 4]),)),
        "external_outside": external("../outside.bin"),
        "external_absolute": external(str(final)),
        "external_symlink": external("link.bin"),
        "external_missing": external("missing.bin"),
        "external_short": external("short.bin"),
        "huge_initializer": declared(1 << 20, 1 << 20),
        "huge_initializer_overflow": declared(1 << 40, 1 << 40),
        "huge_constant": constant_of_huge_shape(),
        "huge_input": huge_input(),
        "huge_expand": huge_expand(),
        "negative_dimension": declared(-1, 4),
        "matrices_apart": linear(tensor("w", np.ones((5, 4), dtype=np.float32))),
        "shape_apart": reshaped(),
        "parts_apart": one_node(
            "Concat", inputs=("x", "w"), initializers=[tensor("w", np.ones((2, 3, 4), dtype=np.float32))], axis=0
        ),
    }
    for name, content in made.items():
        content = content if isinstance(content, bytes) else content.SerializeToString(deterministic=True)
        (folder / f"{name}.onnx").write_bytes(content)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
