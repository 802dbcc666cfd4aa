"""Scores rows with ONNX Runtime on one thread, as asked line by line.

    peer.py FOLDER, then lines `MODEL ROWS SECONDS` on stdin

Answers each with the median of the microseconds of a call, and to `MODEL answer` with the float outputs of all
rows, as hexadecimal little-endian float32.
"""

import statistics
import sys
import time
from pathlib import Path

import numpy as np
import onnxruntime

FEATURES = 25


def main():
    folder = Path(sys.argv[1])
    rows = np.fromfile(folder / "rows.f32", "<f4").reshape(-1, FEATURES)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    sessions = {}
    for line in sys.stdin:
        model, *rest = line.split()
        if model not in sessions:
            path = str(folder / f"{model}.onnx")
            sessions[model] = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        session = sessions[model]
        name = session.get_inputs()[0].name
        if rest == ["answer"]:
            outputs = [output for output in session.run(None, {name: rows}) if output.dtype == np.float32]
            print(outputs[-1].astype("<f4").tobytes().hex(), flush=True)
            continue
        count, seconds = int(rest[0]), float(rest[1])
        batches = [{name: rows[at : at + count]} for at in range(0, len(rows), count)]
        times, end = [], time.perf_counter() + seconds
        while time.perf_counter() < end:
            for batch in batches:
                start = time.perf_counter()
                session.run(None, batch)
                times.append(time.perf_counter() - start)
        print(statistics.median(times) * 1e6, flush=True)


main()
