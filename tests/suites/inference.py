#!/usr/bin/env python3
"""Writes what ONNX's own shape inference knows of the suites' models, for the test that holds our own against
it: `python tests/suites/inference.py SUITES_DIR [FILE]` (SUITES_DIR/inference.json without a file).

For each suite the number of values that nodes of the outermost graph make, and of how many of them the
element type is known, the rank, and every dimension (as a number, or by a name that the model gives).
Declarations of inner values and of outputs are taken away before, so that only inference counts."""

import json
import sys
from pathlib import Path

import onnx
from onnx import shape_inference


def innermost(kind):
    """The tensor type within sequences, optionals and maps."""
    while True:
        match kind.WhichOneof("value"):
            case "tensor_type":
                return kind.tensor_type
            case "sparse_tensor_type":
                return kind.sparse_tensor_type
            case "sequence_type":
                kind = kind.sequence_type.elem_type
            case "optional_type":
                kind = kind.optional_type.elem_type
            case "map_type":
                kind = kind.map_type.value_type
            case _:
                return None


def known(tensor):
    """(element type, rank, all dimensions), each as 0 or 1."""
    if tensor is None:
        return 0, 0, 0
    has_shape = tensor.HasField("shape")
    # Inference makes up names of its own for what it doesn't know.
    is_known = lambda dim: dim.HasField("dim_value") or dim.dim_param and not dim.dim_param.startswith("unk__")
    return int(tensor.elem_type != 0), int(has_shape), int(has_shape and all(map(is_known, tensor.shape.dim)))


def count(path):
    model = onnx.load(path, load_external_data=False)
    del model.graph.value_info[:]
    for output in model.graph.output:
        output.ClearField("type")
    names = [name for node in model.graph.node for name in node.output if name]
    try:
        inferred = shape_inference.infer_shapes(model, data_prop=True).graph
        types = {info.name: info.type for info in [*inferred.value_info, *inferred.output]}
    except Exception:
        types = {}
    all_known = [known(innermost(types[name]) if name in types else None) for name in names]
    return [len(names), *(sum(column) for column in zip(*all_known, strict=True))] if names else [0] * 4


def main(suites, file=None):
    counts = {}
    for suite in sorted(path for path in suites.iterdir() if path.is_dir()):
        rows = [count(path) for path in sorted(suite.glob("*/model.onnx"))]
        if rows:
            columns = ("values", "types", "ranks", "dimensions")
            counts[suite.name] = dict(zip(columns, map(sum, zip(*rows, strict=True)), strict=True))
    (file or suites / "inference.json").write_text(json.dumps(counts, indent=1) + "\n")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
