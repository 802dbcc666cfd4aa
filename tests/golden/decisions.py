#!/usr/bin/env python3
"""What the libraries make of a model's answers: `python tests/golden/decisions.py FOLDER`.

NumPy, SciPy, pandas, scikit-learn, OpenCV and ONNX Runtime; src/decide is held against this by
tests/it/golden.
"""

import itertools
import sys
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
import pandas
from onnx import TensorProto, helper
from scipy.spatial.distance import mahalanobis
from scipy.special import expit, softmax
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import make_classification
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from store import Store

random = np.random.default_rng(30)


def activations(store):
    for row in (random.normal(0, 5, 7), np.array([1000.0, 0, -1000]), np.array([-800.0, 3e-12]), np.zeros(4), np.array([2.0])):
        store.case("activation", x=row, softmax=softmax(row), sigmoid=expit(row), argmax=int(np.argmax(row)))
    for row in (random.normal(size=20), random.integers(0, 4, 30).astype(float)):
        order = np.argsort(-row, kind="stable")
        store.case("top_k", x=row, order=order.astype(np.int64))


def calibration(store):
    rows, labels = make_classification(600, 8, n_informative=5, n_classes=3, random_state=1)
    for classes in (2, 3):
        for method in ("sigmoid", "isotonic"):
            mask = labels < classes
            x, y = rows[mask], labels[mask]
            model = CalibratedClassifierCV(LogisticRegression(), method=method, cv=3, ensemble=False).fit(x[:400], y[:400])
            fitted = model.calibrated_classifiers_[0]
            raw = fitted.estimator.decision_function(x[400:]).reshape(len(x) - 400, -1)
            calibrators = []
            for one in fitted.calibrators:
                if method == "sigmoid":
                    calibrators.append({"a": float(one.a_), "b": float(one.b_)})
                else:
                    calibrators.append({"x": list(one.X_thresholds_), "y": list(one.y_thresholds_)})
            store.case("calibrated", method=method, calibrators=calibrators, raw=raw, result=model.predict_proba(x[400:]))
    x = np.sort(random.normal(size=40))
    curve = IsotonicRegression(out_of_bounds="clip").fit(x, x + random.normal(0, 0.5, 40))
    asked = np.concatenate([np.linspace(-5, 5, 101), curve.X_thresholds_])
    store.case("isotonic", x=curve.X_thresholds_, y=curve.y_thresholds_, asked=asked, result=curve.predict(asked))
    logits = random.normal(0, 3, 6)
    store.case("temperature", x=logits, temperature=1.7, result=softmax(logits / 1.7))


def onnx_nms(boxes, scores, iou, score, most):
    """Indices by class, as ONNX NonMaxSuppression of ONNX Runtime gives them."""
    value = lambda name, kind, shape: helper.make_tensor_value_info(name, kind, shape)
    graph = helper.make_graph(
        [helper.make_node("NonMaxSuppression", ["b", "s", "m", "i", "t"], ["o"])],
        "nms",
        [
            value("b", TensorProto.FLOAT, None),
            value("s", TensorProto.FLOAT, None),
            value("m", TensorProto.INT64, [1]),
            value("i", TensorProto.FLOAT, [1]),
            value("t", TensorProto.FLOAT, [1]),
        ],
        [value("o", TensorProto.INT64, None)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=8)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    feeds = {"b": boxes[None], "s": scores.T[None], "m": [most], "i": [iou], "t": [score]}
    feeds = {key: np.asarray(v, np.int64 if key == "m" else np.float32) for key, v in feeds.items()}
    return session.run(None, feeds)[0][:, 1:]


def some_boxes(count, classes, side=100):
    corner = random.uniform(0, side * 0.8, (count, 2))
    boxes = np.concatenate([corner, corner + random.uniform(5, side * 0.4, (count, 2))], axis=1).astype(np.float32)
    # Some are moved copies of others, as real models give them.
    copies = random.integers(0, count, count // 2)
    boxes[: count // 2] = boxes[copies] + random.uniform(-3, 3, (count // 2, 4)).astype(np.float32)
    boxes = np.sort(boxes.reshape(count, 2, 2), axis=1).reshape(count, 4)
    scores = random.uniform(0, 1, (count, classes)).astype(np.float32)
    return boxes, scores


def suppression(store):
    for count, classes, iou, score in [(50, 1, 0.5, 0.0), (200, 3, 0.45, 0.25), (200, 3, 0.7, 0.5), (1, 1, 0.5, 0.1), (300, 10, 0.3, 0.6)]:
        boxes, scores = some_boxes(count, classes)
        case = {"boxes": boxes, "scores": scores, "iou": iou, "score": score}
        store.case("nms_each_class", **case, result=onnx_nms(boxes, scores, iou, score, count).astype(np.int64))
        best, top = scores.argmax(axis=1), scores.max(axis=1)
        sizes = np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1).astype(np.float64)
        agnostic = cv2.dnn.NMSBoxes(sizes, top, score, iou)
        by_class = cv2.dnn.NMSBoxesBatched(sizes, top, best.astype(np.int32), score, iou)
        store.case("nms_agnostic", **case, result=np.asarray(agnostic, np.int64))
        store.case("nms_best_class", **case, result=np.asarray(by_class, np.int64))


def decoding(store):
    classes = 4
    for family, canvas in (("v5", (64, 48)), ("v8", (64, 48)), ("v8_across", (64, 48)), ("v10", (64, 48)), ("x", (96, 64))):
        count = 30 if family != "x" else sum((canvas[0] // s) * (canvas[1] // s) for s in (8, 16, 32))
        xywh = np.concatenate([random.uniform(0, 64, (count, 2)), random.uniform(2, 40, (count, 2))], axis=1)
        scores = random.uniform(0, 1, (count, classes))
        objectness = random.uniform(0, 1, (count, 1))
        if family == "x":
            xywh = random.normal(0, 1, (count, 4))
        xywh, scores, objectness = (a.astype(np.float32) for a in (xywh, scores, objectness))
        wide = xywh.astype(np.float64)
        if family == "x":
            cells = [(x, y, s) for s in (8, 16, 32) for y in range(canvas[1] // s) for x in range(canvas[0] // s)]
            cells = np.array(cells, np.float64)
            wide[:, :2] = (wide[:, :2] + cells[:, :2]) * cells[:, 2:]
            wide[:, 2:] = np.exp(wide[:, 2:]) * cells[:, 2:]
        corners = np.concatenate([wide[:, :2] - wide[:, 2:] / 2, wide[:, :2] + wide[:, 2:] / 2], axis=1)
        best = scores.argmax(axis=1)
        top = scores.max(axis=1)
        if family in ("v5", "x"):
            answer = np.concatenate([xywh, objectness, scores], axis=1)
            kept = (objectness[:, 0] > 0.3) & (top * objectness[:, 0] > 0.3)
            top = top * objectness[:, 0]
        elif family == "v10":
            corners = np.sort(xywh.reshape(-1, 2, 2), axis=1).reshape(-1, 4)
            answer = np.concatenate([corners, top[:, None], best[:, None]], axis=1).astype(np.float32)
            kept = top > 0.3
        else:
            answer = np.concatenate([xywh, scores], axis=1)
            kept = top > 0.3
            if family == "v8":
                answer = answer.T
        store.case("yolo", family=family, canvas=list(canvas), classes=classes, answer=np.ascontiguousarray(answer),
                   corners=corners[kept].astype(np.float64), best=best[kept].astype(np.int64), top=top[kept])
    for order in ("xywh", "yxhw"):
        count = 25
        priors = np.concatenate([random.uniform(0, 1, (count, 2)), random.uniform(0.05, 0.5, (count, 2))], axis=1).astype(np.float32)
        deltas = random.normal(0, 1, (count, 4)).astype(np.float32)
        logits = random.normal(0, 2, (count, 3)).astype(np.float32)
        p, d, v = priors.astype(float), deltas.astype(float), np.array([0.1, 0.1, 0.2, 0.2])
        centre, size = p[:, :2] + d[:, :2] * v[:2] * p[:, 2:], p[:, 2:] * np.exp(d[:, 2:] * v[2:])
        low, high = centre - size / 2, centre + size / 2
        if order == "yxhw":
            low, high = low[:, ::-1], high[:, ::-1]
        corners = np.concatenate([low, high], axis=1) * [64, 48, 64, 48]
        scores = softmax(logits.astype(float), axis=1).astype(np.float32)
        index, best = np.nonzero((scores > 0.2) & (np.arange(3) != 0))
        store.case("ssd", order=order, canvas=[64, 48], priors=priors, deltas=deltas, logits=logits,
                   corners=corners[index], best=best.astype(np.int64), top=scores[index, best])


def texts(store):
    for steps, classes, blank in [(40, 6, 0), (60, 4, 3), (1, 3, 0), (25, 2, 1)]:
        logits = np.repeat(random.normal(0, 3, (steps, classes)), random.integers(1, 4, steps), axis=0).astype(np.float32)
        scores = softmax(logits.astype(float), axis=1)
        best = scores.argmax(axis=1)
        firsts = [next(group) for _, group in itertools.groupby(range(len(best)), key=lambda i: best[i])]
        read = [i for i in firsts if best[i] != blank]
        store.case("ctc", blank=blank, logits=logits, read=best[read].astype(np.int64), scores=scores[read, best[read]])


def smoothing(store):
    labels = random.integers(0, 3, 60)
    for length in (1, 3, 4, 7):
        steady = []
        for i in range(len(labels)):
            last = list(labels[max(0, i + 1 - length) : i + 1])
            counts = Counter(last)
            most = max(counts.values())
            steady.append(next(label for label in reversed(last) if counts[label] == most))
        store.case("majority", length=length, labels=labels.astype(np.int64), result=np.array(steady, np.int64))
    values = random.uniform(0, 1, (30, 3))
    for alpha in (0.1, 0.5, 1.0):
        result = pandas.DataFrame(values).ewm(alpha=alpha, adjust=False).mean().to_numpy()
        store.case("exponential_mean", alpha=alpha, values=values, result=result)


def anomalies(store):
    reference = random.normal(0, 1, (500, 5)) @ random.normal(0, 1, (5, 5)) + 3
    rows = np.concatenate([reference[:20], random.normal(0, 10, (20, 5))])
    mean, std = reference.mean(axis=0), reference.std(axis=0, ddof=1)
    z = np.abs((rows - mean) / std)
    inverse = np.linalg.inv(np.cov(reference.T))
    distances = np.array([mahalanobis(row, mean, inverse) for row in rows])
    store.case("anomaly", rows=rows, mean=mean, std=std, inverse=inverse, max=z.max(axis=1), means=z.mean(axis=1),
               rms=np.sqrt((z**2).mean(axis=1)), mahalanobis=distances)


def main(folder: Path):
    store = Store(folder)
    for write in (activations, calibration, suppression, decoding, texts, smoothing, anomalies):
        write(store)
    store.write()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
