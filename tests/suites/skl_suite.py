"""Suite `sklearn`: what skl2onnx exports from scikit-learn, held against scikit-learn's own answers (see
converted.py). Every estimator that skl2onnx lists has a case, and those that do not agree or convert stand in skl_left_out.py."""

import warnings
from pathlib import Path

import numpy as np
import skl_classifiers
import skl_left_out
import skl_pipelines
import skl_regressors
import skl_transformers
from converted import write_suite
from onnx import helper
from skl2onnx import to_onnx
from skl2onnx._supported_operators import sklearn_operator_name_map
from skl2onnx.common.data_types import FloatTensorType

SUITES = ["sklearn", "sklearn-differs"]
PARTS = [skl_classifiers, skl_regressors, skl_transformers, skl_pipelines]


def main(out: Path, _suites, only: str = ""):
    warnings.filterwarnings("ignore")
    cases = (case for part in PARTS for case in part.cases())
    differ, left_out = skl_left_out.DIFFER, skl_left_out.NOT_CONVERTED
    seen, faults = write_suite(out, "sklearn", cases, export, lambda _: "scikit-learn", differ, left_out, only)
    if not only:
        names = {kind.__name__ for kind in sklearn_operator_name_map}
        missing = names - {name.split("-")[0] for name in seen}
        faults += [f"{name}: skl2onnx converts it, and there is no case" for name in sorted(missing)]
    if faults:
        raise SystemExit("\n".join(faults))


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
