"""Suites `simple`, `pytorch-converted`, `pytorch-operator` and `light`: models with their data that ship
inside the onnx package.

The `light` models are whole networks whose weights are made by constant nodes. Their outputs ship; their
input is, as in onnx.backend.test.runner, 0, 1, ... n-1 divided by n in the input's shape.
"""

import json
from pathlib import Path

import numpy as np
import onnx
import onnx.backend.test
from cases import ABSENT, MESSAGES, kind_of, write_case

DATA = Path(onnx.backend.test.__file__).parent / "data"
STORED = ["simple", "pytorch-converted", "pytorch-operator"]
SUITES = [*STORED, "light"]
# The defaults of onnx.backend.test.loader.
RTOL, ATOL = 1e-3, 1e-7


def main(out: Path, suites):
    for suite in STORED:
        if suite in suites:
            for folder in sorted((DATA / suite).iterdir()):
                if folder.is_dir():
                    stored(out, suite, folder)
    if "light" in suites:
        for told in sorted((DATA / "real").glob("*/data.json")):
            light(out, told)


def stored(out: Path, suite: str, folder: Path):
    model_bytes = (folder / "model.onnx").read_bytes()
    graph = onnx.load_from_string(model_bytes).graph
    told = json.loads((folder / "data.json").read_text()) if (folder / "data.json").exists() else {}
    sets = []
    for values in sorted(folder.glob("test_data_set_*")):
        sides = []
        for side, ports in (("input", graph.input), ("output", graph.output)):
            files = [values / f"{side}_{place}.pb" for place in range(len(ports))]
            sides.append([message(file, port) if file.exists() else ABSENT for file, port in zip(files, ports)])
        sets.append(tuple(sides))
    source = f"onnx/backend/test/data/{suite}"
    write_case(out, suite, folder.name, model_bytes, sets, told.get("rtol", RTOL), told.get("atol", ATOL), source)


def light(out: Path, told: Path):
    data = json.loads(told.read_text())
    model_file = DATA / "light" / Path(data["url"]).name
    model_bytes = model_file.read_bytes()
    graph = onnx.load_from_string(model_bytes).graph
    initializers = {tensor.name for tensor in graph.initializer}
    inputs = [ABSENT if port.name in initializers else ramp(port) for port in graph.input]
    outputs = [
        message(model_file.with_name(f"{model_file.stem}_output_{place}.pb"), port)
        for place, port in enumerate(graph.output)
    ]
    source = "onnx/backend/test/data/light (the onnx reference implementation)"
    sets = [(inputs, outputs)]
    write_case(out, "light", told.parent.name, model_bytes, sets, data["rtol"], data["atol"], source)


def message(file: Path, port):
    return MESSAGES[kind_of(port.type)].FromString(file.read_bytes())


def ramp(port) -> np.ndarray:
    shape = [dim.dim_value if dim.HasField("dim_value") else 1 for dim in port.type.tensor_type.shape.dim]
    count = int(np.prod(shape))
    return (np.arange(count).reshape(shape) / count).astype(np.float32)
