"""Suite `quant`: networks quantised by onnxruntime.quantization, held against ONNX Runtime; and suite
`quant-contrib`: the same where the tool writes operators of com.microsoft.

`unit` in `case.json` is one step of the quantised type at the output, and the tolerance; where onnx's
reference implementation differs by more (`reference_noise`), that.
"""

import logging
import tempfile
import warnings
from pathlib import Path

import numpy as np
import onnx
import quant_models
from cases import write_case
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_dynamic,
    quantize_static,
)
from onnxruntime_verdict import session

SUITES = ["quant", "quant-contrib"]
TYPES = {"u8": QuantType.QUInt8, "s8": QuantType.QInt8, "u16": QuantType.QUInt16, "s16": QuantType.QInt16}
ROWS = 24


def main(out: Path, _suites):
    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory() as folder:
        for name, made in [*static(Path(folder)), *dynamic(Path(folder)), *blocked()]:
            write(out, name, made)


class Readings(CalibrationDataReader):
    """Calibration rows."""

    def __init__(self, model: onnx.ModelProto):
        self.left = [{"x": quant_models.rows(model, 32, seed)} for seed in range(4)]

    def get_next(self):
        return self.left.pop() if self.left else None


def networks():
    return {make.__name__: make() for make in (quant_models.mlp, quant_models.gemm, quant_models.cnn, quant_models.branches, quant_models.sequence)}


def static(folder: Path):
    """QDQ and QOperator forms; activations and weights of each type, per tensor and per channel."""
    for net, model in networks().items():
        source, target = folder / f"{net}.onnx", folder / "quantised.onnx"
        onnx.save(model, source)
        wanted = [
            (form, activations, weights, per_channel)
            for form in ("qdq", "qoperator")
            for activations, weights in (("u8", "s8"), ("s8", "s8"), ("u8", "u8"))
            for per_channel in (False, True)
        ]
        wanted += [("qdq", "u16", "s8", False), ("qdq", "s16", "s8", True)]
        for form, activations, weights, per_channel in wanted:
            quantize_static(
                str(source),
                str(target),
                Readings(model),
                quant_format=QuantFormat.QDQ if form == "qdq" else QuantFormat.QOperator,
                activation_type=TYPES[activations],
                weight_type=TYPES[weights],
                per_channel=per_channel,
                calibrate_method=CalibrationMethod.MinMax,
                extra_options={"ActivationSymmetric": activations == "s8"},
            )
            yield f"{net}-{form}-{activations}{weights}{'-channels' * per_channel}", onnx.load(target)


def dynamic(folder: Path):
    """DynamicQuantizeLinear before MatMulInteger and ConvInteger, and DynamicQuantizeLSTM."""
    source, target = folder / "recurrent.onnx", folder / "quantised.onnx"
    onnx.save(quant_models.recurrent(), source)
    quantize_dynamic(str(source), str(target), weight_type=TYPES["u8"])
    yield "recurrent-dynamic-u8", onnx.load(target)
    for net, model in networks().items():
        source, target = folder / f"{net}.onnx", folder / "quantised.onnx"
        onnx.save(model, source)
        for weights in ("s8", "u8"):
            for per_channel in (False, True):
                quantize_dynamic(str(source), str(target), weight_type=TYPES[weights], per_channel=per_channel)
                yield f"{net}-dynamic-{weights}{'-channels' * per_channel}", onnx.load(target)


def blocked():
    """Weights in 4 and 8 bits with a scale for each block, before a plain MatMul."""
    for kind, elem_type, low, high in (
        ("int4", TensorProto.INT4, -8, 7),
        ("uint4", TensorProto.UINT4, 0, 15),
        ("int8", TensorProto.INT8, -128, 127),
        ("uint8", TensorProto.UINT8, 0, 255),
    ):
        for axis, block in ((0, 16), (1, 8), (0, 32)):
            rng = np.random.default_rng(61)
            shape = (64, 24)
            scales_shape = tuple(size // block if place == axis else size for place, size in enumerate(shape))
            integers = rng.integers(low, high + 1, shape)
            points = rng.integers(low, high + 1, scales_shape)
            scales = rng.uniform(0.01, 0.05, scales_shape).astype(np.float32) * (15 / (high - low))
            pack = helper.tensor_dtype_to_np_dtype(elem_type)
            weights = [
                numpy_helper.from_array(integers.astype(pack), "w"),
                numpy_helper.from_array(scales, "scales"),
                numpy_helper.from_array(points.astype(pack), "points"),
            ]
            for with_points in (True, False):
                inputs = ["w", "scales", *["points"] * with_points]
                nodes = [
                    helper.make_node("DequantizeLinear", inputs, ["wide"], axis=axis, block_size=block),
                    helper.make_node("MatMul", ["x", "wide"], ["y"]),
                ]
                graph = helper.make_graph(
                    nodes,
                    "blocked",
                    [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 64])],
                    [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 24])],
                    weights[: len(inputs)],
                )
                opset = helper.make_opsetid("", quant_models.OPSET)
                made = helper.make_model(graph, opset_imports=[opset], ir_version=quant_models.IR_VERSION)
                onnx.checker.check_model(made, full_check=True)
                yield f"blocked-{kind}-axis-{axis}-of-{block}{'' if with_points else '-no-points'}", made


def write(out: Path, name: str, made: onnx.ModelProto):
    contrib = any(node.domain == "com.microsoft" for node in made.graph.node)
    if contrib and ("u8s8" in name or "channels" in name):
        # ONNX Runtime alone knows these operators, and its 8-bit products saturate on processors
        # without VNNI: up to 67 steps beside the QDQ form of the same network.
        return
    x = quant_models.rows(made, ROWS, 99)
    model_bytes = made.SerializeToString(deterministic=True)
    reference = None if contrib else ReferenceEvaluator(made).run(None, {"x": x})[0]
    expected, source = by_runtime(name, model_bytes, x)
    if expected is None:
        expected, source = reference, "the onnx reference implementation"
    noise = 0.0 if contrib else float(np.abs(expected - reference).max())
    unit = output_step(made)
    if unit is None:
        # No quantised output: floats, which only the order of sums may change.
        unit = float(1e-5 * np.abs(expected).max())
    more = {"unit": unit, "reference_noise": noise}
    suite = "quant-contrib" if contrib else "quant"
    write_case(out, suite, name, model_bytes, [([x], [expected])], 0.0, 1.01 * max(unit, noise), source, **more)


def by_runtime(name: str, model_bytes: bytes, x: np.ndarray):
    """ONNX Runtime's answer, or None where it cannot, and how it was asked.

    The QDQ form means what its nodes say, so it runs as it is: the optimised form takes other products
    (for 16 bits it differs by 300 steps). The QOperator form names its products; there the optimiser
    is wanted for the exact ones, except for signed activations, which these do not know."""
    if name.startswith("blocked-int8") and name.endswith("no-points"):
        # It wants zero points there.
        return None, ""
    if "-qdq-" in name or "blocked" in name:
        ready, how = session(model_bytes, optimised=False), ", not optimised"
    elif "-qoperator-s8s8" in name:
        ready, how = session(model_bytes), ""
    else:
        ready, how = session(model_bytes, exact=True), ", with exact products"
    return ready.run(None, {"x": x})[0], "ONNX Runtime" + how


def output_step(made: onnx.ModelProto) -> float | None:
    """The scale of the DequantizeLinear that makes the output."""
    values = {tensor.name: tensor for tensor in made.graph.initializer}
    for node in made.graph.node:
        if "y" in node.output and node.op_type == "DequantizeLinear" and node.input[1] in values:
            return float(numpy_helper.to_array(values[node.input[1]]).max())
    return None
