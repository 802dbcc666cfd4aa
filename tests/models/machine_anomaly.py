#!/usr/bin/env python3
"""Trains the bundle that ships with edgeward: modules/edgeward/bundles/machine-anomaly.

The message is the one of Azure IoT Edge's simulated temperature sensor:

    {"machine": {"temperature": 21.4, "pressure": 1.05},
     "ambient": {"temperature": 20.9, "humidity": 25}, "timeCreated": "..."}

A healthy machine climbs from 21 to about 100 degrees C by -0.25 to +1.25 a step, then stays there within
half a degree; its pressure follows the temperature, 1 + (T - 21) * 9 / 79; the room has about 21 degrees C
and 24 to 26 % humidity. What the model learns to tell from that:

- overheating: the machine leaves its plateau upwards;
- a leak or a blocked valve: pressure off the temperature's line;
- the room's cooling failed: ambient temperature or humidity away from their band.

Small deviations are ambiguous on purpose (the label is drawn with a probability that grows with the
deviation), so the forest's probabilities mean something: 0.8 is a threshold, not a rounding.

    .venv/bin/python tests/models/machine_anomaly.py [FOLDER]

Seeds are fixed: the same library versions write the same bytes.
"""

import sys
from pathlib import Path

import numpy as np
from bundles import OPSET, f32, session, write_bundle
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import average_precision_score

FEATURES = ["machine.temperature", "machine.pressure", "ambient.temperature", "ambient.humidity"]
SHIPPED = Path(__file__).resolve().parents[2] / "modules/edgeward/bundles/machine-anomaly"

BODY = """
[payload]
format = "json"
time = "timeCreated"

[inputs.float_input]
fields = ["machine.temperature", "machine.pressure", "ambient.temperature", "ambient.humidity"]

[outputs.label]
tensor = "label"
kind = "label"
labels = ["normal", "anomaly"]

[outputs.score]
tensor = "probabilities"
kind = "value"
index = 1

[conditions.anomaly]
output = "score"
operator = ">"
value = 0.8
"""


def pressure_at(temperature):
    """The pressure of a healthy machine at that temperature (degrees C)."""
    return 1 + (temperature - 21) * 9 / 79


def healthy(rng, count):
    """`count` readings of healthy machines: columns as in FEATURES."""
    temperatures = []
    while len(temperatures) < count:
        temperature = rng.uniform(20.5, 21.5)
        for _ in range(rng.integers(50, 400)):  # one run, from a reset to the next
            # Above the maximum the sensor jitters by half a degree; it drifts back, as a machine would.
            climbing = temperature < 100
            step = rng.uniform(-0.25, 1.25) if climbing else rng.uniform(-0.5, 0.5) - 0.1 * (temperature - 100)
            temperature += step
            temperatures.append(temperature)
    temperature = np.array(temperatures[:count])
    return np.column_stack([
        temperature,
        pressure_at(temperature) + rng.normal(0, 0.04, count),
        rng.uniform(20.4, 21.6, count),
        rng.integers(24, 27, count),
    ])


def simulate(seed, count):
    """Readings (float32 [count, 4]) and labels (0 normal, 1 anomaly), about one in four an anomaly."""
    rng = np.random.default_rng(seed)
    x = healthy(rng, count)
    rng.shuffle(x)
    # How far each reading is pushed away, in multiples of a clear anomaly; most are not.
    severity = np.where(rng.random(count) < 0.32, rng.exponential(1.1, count), 0.0)
    kind = rng.integers(0, 5, count)
    overheated = kind == 0
    temperature = np.where(overheated & (severity > 0), 100 + 7 * severity, x[:, 0])
    line = pressure_at(temperature) - pressure_at(x[:, 0])
    sign = np.where(rng.random(count) < 0.5, -1, 1)
    # A leak can't take away more than there is.
    off_line = np.maximum(np.where(np.isin(kind, [1, 2]), 2.0 * severity * sign, 0), 0.3 - x[:, 1])
    x[:, 0] = temperature
    x[:, 1] += line + off_line
    x[:, 2] += np.where(kind == 3, 6.0 * severity * sign, 0)
    x[:, 3] = np.clip(np.round(x[:, 3] + np.where(kind == 4, 14 * severity * sign, 0)), 5, 95)
    # Under half a clear anomaly it is mostly nothing, from there on mostly something.
    odds = 1 / (1 + np.exp(-12 * (severity - 0.5)))
    y = (rng.random(count) < np.where(severity > 0, odds, 0)).astype(np.int64)
    return x.astype(np.float32), y


def train():
    """The forest and how well it does on runs it has not seen."""
    x, y = simulate(seed=21, count=40_000)
    forest = RandomForestClassifier(
        # Each split may take any feature: only a fine staircase follows the pressure's line.
        n_estimators=10, max_leaf_nodes=96, min_samples_leaf=5, max_features=None, random_state=7, n_jobs=1
    ).fit(x, y)
    calm = healthy(np.random.default_rng(24), 20_000).astype(np.float32)
    unseen, truth = simulate(seed=22, count=20_000)
    score = forest.predict_proba(unseen)[:, 1]
    alarm = score > 0.8
    print(
        f"machine-anomaly: average precision {average_precision_score(truth, score):.3f}; "
        f"at 0.8: precision {truth[alarm].mean():.3f}, recall {alarm[truth == 1].mean():.3f}, "
        f"alarms on healthy machines {(forest.predict_proba(calm)[:, 1] > 0.8).mean():.5f}"
    )
    return forest


def payload(row):
    """The sensor's message for one reading."""
    t, p, ambient, humidity = (f32(value) for value in row)
    return {
        "machine": {"temperature": t, "pressure": p},
        "ambient": {"temperature": ambient, "humidity": int(humidity)},
        "timeCreated": "2026-01-01T00:00:00.0000000Z",
    }


def samples(model_bytes):
    """Readings one can judge by eye, a few random ones, and what ONNX Runtime says of them."""
    telling = [
        [21.4, 1.05, 20.9, 25],  # just reset
        [31.16469009, 2.158002669, 21.17794693, 25],  # climbing
        [60.0, pressure_at(60.0), 21.0, 24],
        [100.2, pressure_at(100.2), 21.0, 26],  # on the plateau
        [105.5457931, 10.63179922, 20.62029994, 26],  # overheating
        [115.0, pressure_at(115.0), 21.0, 25],
        [70.0, pressure_at(70.0) - 3.0, 21.1, 25],  # leak
        [40.0, pressure_at(40.0) + 3.0, 20.8, 25],  # blocked valve
        [80.0, pressure_at(80.0), 29.0, 25],  # the room too warm
        [80.0, pressure_at(80.0), 21.0, 45],  # the room too damp
    ]
    rows = np.vstack([np.array(telling, dtype=np.float32), simulate(seed=23, count=22)[0]])
    labels, probabilities = session(model_bytes).run(["label", "probabilities"], {"float_input": rows})
    names = ["normal", "anomaly"]
    return [
        (payload(row), {"label": names[label], "score": f32(p[1])})
        for row, label, p in zip(rows, labels, probabilities)
    ]


def main(folder=SHIPPED):
    forest = train()
    made = to_onnx(
        forest,
        initial_types=[("float_input", FloatTensorType([None, len(FEATURES)]))],
        options={"zipmap": False},
        target_opset={"": OPSET, "ai.onnx.ml": 3},
        name="machine-anomaly",
    )
    write_bundle(
        Path(folder),
        made,
        "Overheating, pressure faults and a failed room cooling from the simulated machine's four readings",
        BODY,
        samples(made.SerializeToString()),
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
