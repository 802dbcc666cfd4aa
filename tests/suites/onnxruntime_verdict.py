#!/usr/bin/env python3
"""Which cases ONNX Runtime passes: `python tests/suites/onnxruntime_verdict.py OUT_DIR [SUITE ...]
[--json FILE] [--no-optimisation]`, with the comparison of cases.py, on one thread of the CPU.

The JSON is {"onnxruntime": version, "suites": {suite: {"passed": n, "of": n, "failed": {case: reason}}}}.
"""

import argparse
import ctypes
import json
import multiprocessing
import sys
from pathlib import Path

import numpy as np
import onnxruntime
from cases import ReadCase, compare
from onnx import TensorProto, helper, numpy_helper
from onnxruntime import OrtValue


def session(model: bytes, optimised: bool = True, exact: bool = False) -> onnxruntime.InferenceSession:
    """A session on one thread, silent. `exact`: 8-bit products that never saturate, whatever the
    processor has (by default they may, on x86 without VNNI)."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    if exact:
        options.add_session_config_entry("session.x64quantprecision", "1")
    if not optimised:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def is_extended(value) -> bool:
    """An array of a type that NumPy itself lacks (bfloat16, float8, int4 ...)."""
    return isinstance(value, np.ndarray) and value.dtype.type.__module__ == "ml_dtypes"


def to_ort(value) -> OrtValue:
    """A tensor as OrtValue; the types NumPy lacks go over as ONNX's raw bytes."""
    if not is_extended(value):
        return OrtValue.ortvalue_from_numpy(value)
    elem_type = helper.np_dtype_to_tensor_dtype(value.dtype)
    raw = numpy_helper.from_array(value).raw_data
    made = OrtValue.ortvalue_from_shape_and_type(value.shape, elem_type)
    assert made.tensor_size_in_bytes() == len(raw)
    ctypes.memmove(made.data_ptr(), raw, len(raw))
    return made


def from_ort(value: OrtValue, like):
    """The way back. `like` is what is expected; another type comes back as it is, to be told apart."""
    if not is_extended(like):
        return value.numpy()
    elem_type = value.element_type()
    expected_type = helper.np_dtype_to_tensor_dtype(like.dtype)
    assert elem_type == expected_type, f"{value.data_type()} instead of {TensorProto.DataType.Name(expected_type)}"
    raw = ctypes.string_at(value.data_ptr(), value.tensor_size_in_bytes())
    return numpy_helper.to_array(TensorProto(data_type=elem_type, dims=value.shape(), raw_data=raw))


def run(ready: onnxruntime.InferenceSession, feeds: dict, expected: list) -> list:
    """The outputs of one run."""
    if not any(is_extended(value) for value in [*feeds.values(), *expected]):
        return ready.run(None, feeds)
    names = [port.name for port in ready.get_outputs()]
    outputs = ready.run_with_ort_values(names, {name: to_ort(value) for name, value in feeds.items()})
    return [from_ort(value, like) for value, like in zip(outputs, expected, strict=True)]


def verdict(folder: str, optimised: bool = True) -> str | None:
    """None if the case passes, else the first lines of why not."""
    case = ReadCase(Path(folder))
    try:
        ready = session(case.model_bytes(), optimised)
        for feeds, expected in case.sets():
            got = run(ready, feeds, expected)
            for port, one, other in zip(case.told["outputs"], expected, got, strict=True):
                compare(one, other, case.rtol, case.atol, port["name"])
    except Exception as error:  # Whatever goes wrong is the verdict.
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        return f"{type(error).__name__}: {' | '.join(lines[:4])}"[:400]
    return None


def all_verdicts(folders: list[Path], optimised: bool) -> dict[str, str | None]:
    """Verdicts in children, so that a crash of the runtime costs one case and not the run."""
    found, left = {}, list(folders)
    while left:
        reader, writer = multiprocessing.Pipe(duplex=False)
        child = multiprocessing.Process(target=batch, args=([str(f) for f in left], optimised, writer))
        child.start()
        writer.close()
        try:
            for folder in list(left):
                found[folder] = reader.recv()
                left.pop(0)
        except EOFError:
            found[left.pop(0)] = "crash: the process died"
        child.join()
    return found


def batch(folders: list[str], optimised: bool, writer):
    for folder in folders:
        writer.send(verdict(folder, optimised))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("suites", nargs="*")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--no-optimisation", action="store_true")
    arguments = parser.parse_args()
    suites = arguments.suites or sorted(folder.name for folder in arguments.out.iterdir() if folder.is_dir())
    told = {"onnxruntime": onnxruntime.__version__, "optimised": not arguments.no_optimisation, "suites": {}}
    for suite in suites:
        folders = sorted(file.parent for file in (arguments.out / suite).glob("*/case.json"))
        if not folders:
            sys.exit(f"no cases in {arguments.out / suite}")
        verdicts = all_verdicts(folders, told["optimised"])
        failed = {folder.name: reason for folder, reason in verdicts.items() if reason}
        told["suites"][suite] = {"passed": len(folders) - len(failed), "of": len(folders), "failed": failed}
        print(f"{suite}: {len(folders) - len(failed)} of {len(folders)}", file=sys.stderr)
    text = json.dumps(told, indent=1)
    if arguments.json:
        arguments.json.write_text(text + "\n")
    else:
        print(text)


if __name__ == "__main__":
    main()
