"""What the suites of exported models share: the exports are held against the framework's own answers.

A case whose export ONNX Runtime computes as the framework does goes to the suite. One where it does not
must be listed as different, with whose doing it is and the reason, and goes to `<suite>-differs`; what
does not convert must be listed too, and goes with what the converter said to
`<suite>-differs/not_converted.json`. The expected values are the framework's everywhere. A case that is
not where it is listed fails the run.
"""

import json
from pathlib import Path

import numpy as np
from cases import compare, decode, encode, write_case
from onnx import helper
from onnxruntime_verdict import session


def write_suite(out: Path, suite: str, cases, export, source, differ: dict, left_out: dict, only: str = ""):
    """Writes a suite and what differs; returns (names of all cases, faults). `differ` is {name: (whose
    doing, reason)}, `left_out` is {name: reason}, `source(case)` tells who computed the outputs."""
    seen, not_converted, faults = set(), {}, []
    for case in cases:
        if only not in case.name:
            continue
        assert case.name not in seen, f"{case.name} twice"
        seen.add(case.name)
        try:
            exported = export(case)
        except Exception as error:
            lines = str(error).strip().splitlines() or [""]
            not_converted[case.name] = f"{type(error).__name__}: {lines[0][:300]}"
            if case.name not in left_out:
                faults.append(f"{case.name}: not converted: {not_converted[case.name]}")
            continue
        # The converters draw a random one.
        exported.graph.name = case.name
        expected, verdict = held_against(case, exported)
        known = differ.get(case.name)
        if (known is None) != (verdict is None):
            faults.append(f"{case.name}: {verdict or 'is listed as different, but agrees'}")
            continue
        name, more = suite, {}
        if known:
            name, more = f"{suite}-differs", {"whose": known[0], "reason": known[1], "onnxruntime": verdict}
        inputs = [case.x[port] for port, _ in case.types] if isinstance(case.x, dict) else [case.x]
        sets = [(inputs, expected)]
        write_case(out, name, case.name, exported, sets, case.rtol, case.atol(), source(case), **more)
    told = {name: {"reason": left_out.get(name), "converter": said} for name, said in not_converted.items()}
    (out / f"{suite}-differs").mkdir(exist_ok=True, parents=True)
    (out / f"{suite}-differs" / "not_converted.json").write_text(json.dumps(told, indent=1) + "\n")
    if not only:
        faults += [f"{name}: listed as different, but there is no such case" for name in sorted(set(differ) - seen)]
        converted = sorted(set(left_out) - set(not_converted))
        faults += [f"{name}: listed as not converted, but is" for name in converted]
    return seen, faults


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
            compare(stored, other, case.rtol, case.atol(), port.name)
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
