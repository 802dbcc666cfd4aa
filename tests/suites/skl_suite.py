"""Suite `sklearn`: what skl2onnx exports from scikit-learn, held against scikit-learn's own answers.

A case whose export ONNX Runtime computes as scikit-learn does goes to `sklearn`. One where it does not
must stand in skl_left_out.DIFFER with the reason, and goes to `sklearn-differs`; in its `case.json`
"whose" tells where the fault lies: conversion, float32 or onnxruntime. The expected values are
scikit-learn's everywhere. What skl2onnx does not convert stands in skl_left_out.NOT_CONVERTED and, with what it said,
in `sklearn-differs/not_converted.json`. A case that no longer belongs where it is listed fails the run.
"""

import json
import warnings
from pathlib import Path

import numpy as np
import skl_classifiers
import skl_left_out
import skl_pipelines
import skl_regressors
import skl_transformers
from cases import compare, encode, decode, write_case
from onnx import helper
from onnxruntime_verdict import session
from skl2onnx import to_onnx
from skl2onnx._supported_operators import sklearn_operator_name_map
from skl2onnx.common.data_types import FloatTensorType

SUITES = ["sklearn", "sklearn-differs"]
PARTS = [skl_classifiers, skl_regressors, skl_transformers, skl_pipelines]


def main(out: Path, suites, only: str = ""):
    warnings.filterwarnings("ignore")
    seen, not_converted, faults = set(), {}, []
    for part in PARTS:
        for case in part.cases():
            if only not in case.name:
                continue
            assert case.name not in seen, f"{case.name} twice"
            seen.add(case.name)
            try:
                exported = export(case)
            except Exception as error:
                told = f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else ''}"
                not_converted[case.name] = told[:300]
                if case.name not in skl_left_out.NOT_CONVERTED:
                    faults.append(f"{case.name}: not converted: {told[:600]}")
                continue
            expected, verdict = held_against(case, exported)
            reason = skl_left_out.DIFFER.get(case.name)
            if (reason is None) != (verdict is None):
                faults.append(f"{case.name}: {verdict or 'is listed as different, but agrees'}")
                continue
            suite = "sklearn" if verdict is None else "sklearn-differs"
            more = {} if verdict is None else {"whose": reason[0], "reason": reason[1], "onnxruntime": verdict}
            inputs = [case.x[name] for name, _ in case.types] if isinstance(case.x, dict) else [case.x]
            tolerance = 1.5 * 10.0**-case.decimal
            write_case(out, suite, case.name, exported, [(inputs, expected)], 0.0, tolerance, "scikit-learn", **more)
    (out / "sklearn-differs").mkdir(exist_ok=True, parents=True)
    reasons = {name: {"reason": skl_left_out.NOT_CONVERTED.get(name), "skl2onnx": told} for name, told in not_converted.items()}
    (out / "sklearn-differs" / "not_converted.json").write_text(json.dumps(reasons, indent=1) + "\n")
    if not only:
        faults += complete(seen, not_converted)
    if faults:
        raise SystemExit("\n".join(faults))


def complete(seen, not_converted) -> list[str]:
    """What is missing: estimators that skl2onnx lists without a case, and stale entries."""
    names = {kind.__name__ for kind in sklearn_operator_name_map}
    with_case = {name.split("-")[0] for name in seen}
    faults = [f"{name}: skl2onnx converts it, and there is no case" for name in sorted(names - with_case - set(skl_left_out.NO_CASE))]
    faults += [f"{name}: listed as without a case, but has one" for name in sorted(with_case & set(skl_left_out.NO_CASE))]
    faults += [f"{name}: listed as different, but there is no such case" for name in sorted(set(skl_left_out.DIFFER) - seen)]
    listed = set(skl_left_out.NOT_CONVERTED)
    return faults + [f"{name}: listed as not converted, but is" for name in sorted(listed - set(not_converted))]


def without_bools(make_attribute):
    """skl2onnx 1.20 hands lists of Python bools over as integers, which protobuf 7 refuses (older ones
    take them): HistGradientBoosting would not convert."""

    def wrapped(key, value, *more, **named):
        if isinstance(value, list) and any(isinstance(item, bool | np.bool_) for item in value):
            value = [int(item) for item in value]
        return make_attribute(key, value, *more, **named)

    return wrapped


helper.make_attribute = without_bools(helper.make_attribute)


def export(case):
    """The ONNX model of a case."""
    types = case.types or [("x", FloatTensorType([None, case.x.shape[1]]))]
    return to_onnx(case.model, initial_types=types, options=case.options or None, target_opset=case.target_opset)


def held_against(case, exported):
    """scikit-learn's values in the layout of the exported model, and how ONNX Runtime's differ (None:
    they do not)."""
    ports = list(exported.graph.output)
    try:
        ready = session(exported.SerializeToString())
        feeds = case.x if isinstance(case.x, dict) else {ready.get_inputs()[0].name: case.x}
        got = ready.run(None, feeds)
    except Exception as error:
        got, failed = [None] * len(ports), f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
    else:
        failed = None
    assert len(case.outputs) == len(ports), f"{case.name}: outputs are {[port.name for port in ports]}"
    expected = [laid_out(value, port, like) for value, port, like in zip(case.outputs, ports, got)]
    if failed:
        return expected, failed
    try:
        for port, value, other in zip(ports, expected, got):
            stored = decode(encode(value, port.type))
            compare(stored, other, 0.0, 1.5 * 10.0**-case.decimal, port.name)
    except AssertionError as error:
        return expected, " | ".join(line.strip() for line in str(error).splitlines() if line.strip())[:500]
    return expected, None


def laid_out(value, port, like):
    """Values as the exported model arranges them: skl2onnx answers one column where scikit-learn has one
    number a row, and two, -d and d, for the decision value d of some binary classifiers."""
    if not port.type.HasField("tensor_type"):
        return value
    elem_type = port.type.tensor_type.elem_type
    value = np.asarray(value)
    if elem_type != 8:
        value = value.astype(helper.tensor_dtype_to_np_dtype(elem_type))
    if like is None:
        rank = len(port.type.tensor_type.shape.dim)
        return value.reshape(-1, 1) if rank == 2 and value.ndim == 1 else value
    if value.ndim == 1 and like.ndim == 2 and like.shape[0] == 1:
        return value.reshape(1, -1)
    if value.ndim == 1 and like.ndim == 2:
        if like.shape[1] == 2:
            return np.stack([-value, value], axis=1)
        return value.reshape(-1, 1)
    if value.ndim == 2 and value.shape[1] == 1 and like.ndim == 1:
        return value.reshape(-1)
    return value
