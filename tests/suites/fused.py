"""Suite `fused`: what ONNX Runtime's optimiser, its quantiser and its optimiser for transformers write for the CPU,
held against ONNX Runtime.

Operators first, one by one, in every form of their inputs and attributes; then whole networks as the tools leave
them. Those begin as exporters write them (`transformer_models.py`).
"""

import logging
import tempfile
import warnings
from pathlib import Path

import fused_operators
import fused_tools
import numpy as np
import onnx
from cases import ABSENT, write_case
from onnxruntime_verdict import session

SUITES = ["fused"]


def main(out: Path, _suites):
    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    for name, model, feeds, tolerance in fused_operators.cases():
        write(out, name, model, feeds, tolerance)
    with tempfile.TemporaryDirectory() as folder:
        for name, model, feeds, tolerance in fused_tools.cases(Path(folder)):
            write(out, name, model, feeds, tolerance)


def write(out: Path, name: str, model: onnx.ModelProto, feeds: dict, tolerance: float):
    """A case whose outputs are ONNX Runtime's. `tolerance` is relative to the largest number of an output."""
    model_bytes = model.SerializeToString(deterministic=True)
    expected = session(model_bytes, optimised=False).run(None, feeds)
    inputs = [feeds.get(port.name, ABSENT) for port in model.graph.input]
    floats = [np.abs(value).max() for value in expected if value.dtype.kind == "f" and value.size]
    atol = tolerance * float(max([*floats, 1e-3]))
    write_case(out, "fused", name, model_bytes, [(inputs, expected)], 0.0, atol, "ONNX Runtime, not optimised")
