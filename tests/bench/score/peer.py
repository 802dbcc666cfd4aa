"""Offline scoring as people write it: pandas in, one batched onnxruntime call, pandas out.

    peer.py MODEL.onnx IN.csv OUT.csv
"""

import sys

import numpy as np
import onnxruntime
import pandas as pd

FEATURES = ["machine.temperature", "machine.pressure", "ambient.temperature", "ambient.humidity"]

model, source, target = sys.argv[1:4]
frame = pd.read_csv(source)
session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
x = frame[FEATURES].to_numpy(dtype=np.float32)
label, probabilities = session.run(["label", "probabilities"], {"float_input": x})
frame["label"] = np.array(["normal", "anomaly"])[label]
frame["score"] = probabilities[:, 1]
frame["anomaly"] = frame["score"] > 0.8
frame[["label", "score", "anomaly"]].to_csv(target, index=False)
