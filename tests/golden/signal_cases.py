"""Golden cases of series and spectra: a JSON file of `{function, parameters, inputs, output, tolerance}`.

`output` is flat, in row-major order; NaN is null. `tolerance` is relative: 1e-9, or 1e-6 where the
reference computes in float32; `absolute` is what may be off besides, for logarithms of such numbers.
"""

import json
import math
from pathlib import Path

import numpy as np


def plain(values):
    flat = np.asarray(values, dtype=np.float64).ravel()
    return [None if math.isnan(v) else float(v) for v in flat]


class Cases:
    def __init__(self):
        self.cases = []

    def add(self, function, inputs, output, tolerance=1e-9, absolute=0.0, **parameters):
        """Notes one case; a complex output is written as its real, then its imaginary parts."""
        output = np.asarray(output)
        if np.iscomplexobj(output):
            output = np.stack([output.real, output.imag])
        self.cases.append(
            {
                "function": function,
                "parameters": parameters,
                "inputs": {name: plain(values) for name, values in inputs.items()},
                "output": plain(output),
                "tolerance": tolerance,
                "absolute": absolute,
            }
        )

    def write(self, path: Path):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(self.cases))
