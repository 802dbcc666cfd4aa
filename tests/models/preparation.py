#!/usr/bin/env python3
"""Bundles whose input is prepared, with rows to score and what Python makes of them.

`listening` hears through a window by time: readings of one number at about 200 Hz, out of order, late,
missing and with a hole, are brought to a grid (NumPy), then to log-mel spectra (librosa), then scored
(ONNX Runtime). `burst` gets 4,000 values of sound in one message. `drift` is told by how far its newest
reading is from all before (pandas), without a window.

Beside each bundle stand `rows.jsonl` and `expected.json`: what is said of every row.
"""

import json
from datetime import datetime, timezone
from pathlib import Path

import librosa
import numpy as np
import pandas as pd
from bundles import model, session, tensor, write_bundle
from onnx import TensorProto, helper

BEGIN = 1_767_225_600  # 2026-01-01T00:00:00Z


def stamp(secs: float) -> str:
    """A time as the verdict tells it."""
    return datetime.fromtimestamp(BEGIN + secs, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def mean_and_weights(mels, frames, rng):
    """`[N, mels, frames]` f32: the mean over time, weighted and squashed to one number."""
    made = model(
        [
            helper.make_node("ReduceMean", ["x"], ["mean"], axes=[2], keepdims=0),
            helper.make_node("Gemm", ["mean", "w", "b"], ["z"]),
            helper.make_node("Tanh", ["z"], ["score"]),
        ],
        [("x", TensorProto.FLOAT, ["N", mels, frames])],
        [("score", TensorProto.FLOAT, ["N", 1])],
        [
            tensor("w", rng.normal(0, 0.01, (mels, 1)).astype(np.float32)),
            tensor("b", np.array([0.1], np.float32)),
        ],
    )
    return made, session(made.SerializeToString())


SCORE = """
[outputs.score]
tensor = "score"
kind = "value"
"""


def finish(folder, made, description, body, rows, expected):
    write_bundle(folder, made, description, body)
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "expected.json").write_text(json.dumps(expected))


def listening(folder, rng):
    duration, step, lateness, gap, rate = 2.0, 1.0, 0.5, 0.2, 200.0
    body = f"""
[payload]
time = "at"

[inputs.x]
fields = [{{ path = "v", missing = "nan" }}]

[window]
duration_secs = {duration}
step_secs = {step}
lateness_secs = {lateness}
gap_secs = {gap}
resample = {{ rate_hz = {rate}, method = "linear" }}

[prepare]
version = 1
layout = "feature_time"

[[prepare.steps]]
step = "log_mel"
n_fft = 64
hop_length = 32
n_mels = 12
fmax_hz = 100.0
{SCORE}"""
    frames = 1 + int(duration * rate) // 32
    made, run = mean_and_weights(12, frames, rng)
    # About 200 readings a second for eight seconds, none from 4.5 to 4.9.
    times = np.sort(rng.uniform(0, 8, 1600))
    times = times[(times < 4.5) | (times > 4.9)]
    values = np.sin(2 * np.pi * 30 * times) + 0.3 * rng.normal(0, 1, len(times))
    missing = rng.uniform(0, 1, len(times)) < 0.03
    # Up to 0.3 s out of order; and a few four seconds late.
    arrival = times + rng.uniform(0, 0.3, len(times))
    late = rng.choice(len(times), 24, replace=False)
    arrival[late] += 4
    rows, said, closed, newest, kept = [], [], 0, -np.inf, []
    for i in np.argsort(arrival):
        # As the reading tells it: whole microseconds.
        at = round(float(times[i]), 6)
        value = None if missing[i] else float(values[i])
        rows.append({"at": f"2026-01-01T00:00:{at:09.6f}Z", "v": value})
        if np.floor(at / step) * step + duration + lateness <= newest:
            said.append("late")
            continue
        kept.append((at, value))
        newest = max(newest, at)
        verdicts = []
        # The first window that holds a reading begins a second before it.
        while (begin := (closed - 1) * step) + duration + lateness <= newest:
            inside = sorted((t, v) for t, v in kept if begin <= t < begin + duration)
            edges = np.array([begin, *(t for t, _ in inside), begin + duration])
            known = [(t, v) for t, v in inside if v is not None]
            grid = begin + np.arange(int(duration * rate)) / rate
            even = np.interp(grid, [t for t, _ in known], [v for _, v in known])
            powers = librosa.feature.melspectrogram(
                y=even, sr=rate, n_fft=64, hop_length=32, n_mels=12, fmax=100.0, dtype=np.float64
            )
            mels = librosa.power_to_db(powers).astype(np.float32)
            (score,) = run.run(None, {"x": mels[None]})
            verdicts.append(
                {
                    "score": float(score[0, 0]),
                    "start": stamp(begin),
                    "readings": len(inside),
                    "gaps": int(np.sum(np.diff(edges) > gap)),
                }
            )
            closed += 1
        said.append(verdicts)
    assert said.count("late") >= 10 and sum(len(v) for v in said if v != "late") >= 6
    finish(folder, made, "Sound through a window by time", body, rows, said)


def burst(folder, rng):
    body = f"""
[inputs.x]
array = "sound"
points = 4000

[prepare]
version = 1
layout = "feature_time"

[[prepare.steps]]
step = "log_mel"
rate_hz = 8000.0
n_fft = 256
hop_length = 128
n_mels = 20
htk = true
edges = "reflect"
window = "hamming"
{SCORE}"""
    made, run = mean_and_weights(20, 1 + 4000 // 128, rng)
    rows, said = [], []
    for hertz in (300, 900, 2500):
        t = np.arange(4000) / 8000
        sound = np.sin(2 * np.pi * hertz * t) * np.exp(-t * 5) + 0.01 * rng.normal(0, 1, 4000)
        sound = np.round(sound, 6)
        powers = librosa.feature.melspectrogram(
            y=sound,
            sr=8000,
            n_fft=256,
            hop_length=128,
            n_mels=20,
            htk=True,
            pad_mode="reflect",
            window="hamming",
            dtype=np.float64,
        )
        mels = librosa.power_to_db(powers).astype(np.float32)
        (score,) = run.run(None, {"x": mels[None]})
        rows.append({"sound": sound.tolist()})
        said.append(float(score[0, 0]))
    finish(folder, made, "A burst of sound", body, rows, said)


def drift(folder, rng):
    body = """
[inputs.x]
fields = ["temperature", "pressure"]

[prepare]
version = 1

[[prepare.steps]]
step = "ewm"
over = "source"
span = 9
fields = ["pressure"]

[[prepare.steps]]
step = "z_score"
mean = [20.0, 5.0]
std = [2.0, 0.5]

[outputs.prepared]
tensor = "y"
kind = "vector"
"""
    made = model(
        [helper.make_node("Identity", ["x"], ["y"])],
        [("x", TensorProto.FLOAT, ["N", 2])],
        [("y", TensorProto.FLOAT, ["N", 2])],
    )
    rows, tables = [], {name: rng.normal([20, 5], [2, 0.5], (30, 2)) for name in ("a", "b")}
    for i in range(30):
        for name, table in tables.items():
            rows.append({"who": name, "temperature": table[i, 0], "pressure": table[i, 1]})
    smooth = {name: pd.Series(table[:, 1]).ewm(span=9).mean().to_numpy() for name, table in tables.items()}
    said = []
    for i in range(30):
        for name, table in tables.items():
            said.append([(table[i, 0] - 20) / 2, (smooth[name][i] - 5) / 0.5])
    finish(folder, made, "Readings smoothed by source", body, rows, said)


def main(models: Path):
    rng = np.random.default_rng(21)
    for make in (listening, burst, drift):
        make(models / make.__name__, rng)


if __name__ == "__main__":
    import sys

    main(Path(sys.argv[1]))
