"""Runs a thousand inputs with ONNX Runtime on one thread, as asked line by line.

    peer.py FOLDER, then lines `MODEL LENGTHS` on stdin; LENGTHS is `same` or `different`

Answers each with the microseconds a run took on average.
"""

import sys
import time
from pathlib import Path

import numpy as np
import onnxruntime

FIXED, COUNT = 900, 1000


def lengths(kind):
    """The same as the bench's own."""
    return [400 + at * 617 % COUNT if kind == "different" else FIXED for at in range(COUNT)]


def main():
    folder = Path(sys.argv[1])
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    for line in sys.stdin:
        model, kind = line.split()
        session = onnxruntime.InferenceSession(str(folder / f"{model}.onnx"), options, providers=["CPUExecutionProvider"])
        shape = (lambda n: (1, 1, n)) if model.startswith("wave") else (lambda n: (1, n, 8))
        inputs = [np.full(shape(n), 0.25, np.float32) for n in lengths(kind)]
        session.run(None, {"x": inputs[0]})
        start = time.perf_counter()
        for x in inputs:
            session.run(None, {"x": x})
        print((time.perf_counter() - start) * 1e6 / COUNT, flush=True)


main()
