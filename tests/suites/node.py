"""Suite `node`: every case of onnx.backend.test.case.node, as the installed onnx package makes them."""

import contextlib
import io
import warnings
from pathlib import Path

from cases import write_case

SUITES = ["node"]


def main(out: Path, _suites):
    warnings.filterwarnings("ignore")
    with contextlib.redirect_stdout(io.StringIO()):
        from onnx.backend.test.case.node import collect_testcases

        collected = collect_testcases()
    for case in collected:
        source = "onnx.backend.test.case.node"
        write_case(out, "node", case.name, case.model, case.data_sets, case.rtol, case.atol, source)
