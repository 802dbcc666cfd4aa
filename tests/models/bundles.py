"""Helpers of the model scripts: write a model and its bundle.

A bundle is a folder with `bundle.toml`, the `.onnx` file and, optionally, `samples.jsonl`; the format
is described in docs/bundles.md. Values in samples are computed with ONNX Runtime and printed as the
shortest decimal that reads back as the same float32.
"""

import hashlib
import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

# Old enough for every engine in use, new enough for every operator the scripts write.
IR_VERSION = 8
OPSET = 17


def f32(value) -> float:
    """The float that JSON prints as the shortest decimal reading back as this float32."""
    return float(str(np.float32(value)))


def tensor(name: str, array: np.ndarray) -> TensorProto:
    """A named initializer."""
    return numpy_helper.from_array(np.ascontiguousarray(array), name)


def model(nodes, inputs, outputs, initializers=(), opsets=(("", OPSET),), check=True):
    """A model from parts; `inputs` and `outputs` are (name, TensorProto type, shape)."""
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info(*port) for port in inputs],
        [helper.make_tensor_value_info(*port) for port in outputs],
        list(initializers),
    )
    made = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid(domain, version) for domain, version in opsets],
        ir_version=IR_VERSION,
        producer_name="edgeward-tests",
    )
    if check:
        onnx.checker.check_model(made, full_check=True)
    return made


def session(model_bytes: bytes) -> onnxruntime.InferenceSession:
    """An ONNX Runtime session on one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model_bytes, options, providers=["CPUExecutionProvider"])


def write_bundle(folder: Path, made: onnx.ModelProto, description: str, body: str, samples=None, version="1.0.0"):
    """Writes `folder` (its name is the bundle's): the model, the samples, and a `bundle.toml` whose
    tables after `[model]` are `body`. `samples` is a list of (payload, outputs by name)."""
    folder.mkdir(parents=True, exist_ok=True)
    model_bytes = made.SerializeToString(deterministic=True)
    (folder / "model.onnx").write_bytes(model_bytes)
    parts = [
        "format = 1",
        f'name = "{folder.name}"',
        f'version = "{version}"',
        f'description = "{description}"',
        "",
        "[model]",
        'file = "model.onnx"',
        f'sha256 = "{hashlib.sha256(model_bytes).hexdigest()}"',
        "",
        body.strip(),
    ]
    if samples:
        parts += ["", "[samples]", 'file = "samples.jsonl"']
        lines = [json.dumps({"input": payload, "outputs": outputs}) for payload, outputs in samples]
        (folder / "samples.jsonl").write_text("\n".join(lines) + "\n")
    (folder / "bundle.toml").write_text("\n".join(parts) + "\n")
