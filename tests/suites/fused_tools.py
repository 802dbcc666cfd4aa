"""Networks as ONNX Runtime's tools leave them: its optimiser's levels, its optimiser for transformers, its quantisers."""

import contextlib
import io
from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import quant_models
import transformer_models
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.quantization.matmul_bnb4_quantizer import MatMulBnb4Quantizer
from onnxruntime.quantization.matmul_nbits_quantizer import DefaultWeightOnlyQuantConfig, MatMulNBitsQuantizer
from onnxruntime.transformers import optimizer
from onnxruntime.transformers.fusion_options import FusionOptions

LEVELS = onnxruntime.GraphOptimizationLevel
#: The results pass through layers of sums in f32.
WHOLE = 1e-5
#: A number on the edge of two 8-bit levels may fall to the other side, in every layer.
QUANTISED = 3e-2


def cases(folder: Path):
    transformers = {
        "bert": (transformer_models.bert(), "bert"),
        "bert-tanh": (transformer_models.bert("gelu_of_tanh"), "bert"),
        "clip": (transformer_models.bert("quick_gelu"), "clip"),
        "t5": (transformer_models.t5(), "t5"),
    }
    written = Counter()
    for name, model, feeds, tolerance in made(folder, transformers):
        operators = {node.op_type for node in model.graph.node if node.domain == "com.microsoft"}
        written.update(operators)
        yield f"tool-{name}", model, feeds, tolerance
    expected = {
        *("Attention", "BiasGelu", "EmbedLayerNormalization", "FastGelu", "FusedConv", "FusedMatMul", "GatherBlockQuantized"),
        *("MatMulBnb4", "MatMulNBits", "MultiHeadAttention", "QAttention", "QEmbedLayerNormalization", "QuickGelu"),
        *("SkipLayerNormalization", "SkipSimplifiedLayerNormalization"),
    }
    assert expected <= set(written), f"the tools no longer write {expected - set(written)}"


def made(folder: Path, transformers: dict):
    for name, (model, kind) in transformers.items():
        feeds = transformer_models.feeds(model)
        for level in ("BASIC", "EXTENDED"):
            yield f"{name}-ort-{level.lower()}", by_runtime(folder, model, level), feeds, WHOLE
        for option in ("", "-heads", "-approximate"):
            fused = by_optimizer(folder, model, kind, option)
            asked = fit(fused, feeds)
            yield f"{name}-fused{option}", fused, asked, WHOLE
            for weights in (QuantType.QInt8, QuantType.QUInt8):
                eight = dynamic(folder, fused, weights)
                yield f"{name}-fused{option}-{weights.name[1:].lower()}", eight, asked, QUANTISED
    # These raise the operator set, beyond the one that has the older form.
    model = transformer_models.bert(newer=True)
    feeds = transformer_models.feeds(model)
    for bits in (2, 4, 8):
        for symmetric in (True, False):
            config = DefaultWeightOnlyQuantConfig(block_size=16, is_symmetric=symmetric, bits=bits, accuracy_level=1)
            with silence():
                quantizer = MatMulNBitsQuantizer(onnx.ModelProto.FromString(model.SerializeToString()), algo_config=config)
                quantizer.process()
            yield f"bert-{bits}-bits{'-symmetric' * symmetric}", quantizer.model.model, feeds, WHOLE
    config = DefaultWeightOnlyQuantConfig(
        block_size=16, is_symmetric=False, bits=4, accuracy_level=1, op_types_to_quantize=("MatMul", "Gather")
    )
    with silence():
        quantizer = MatMulNBitsQuantizer(onnx.ModelProto.FromString(model.SerializeToString()), algo_config=config)
        quantizer.process()
    yield "bert-4-bits-gather", quantizer.model.model, feeds, WHOLE
    for quant_type in (0, 1):
        with silence():
            quantizer = MatMulBnb4Quantizer(onnx.ModelProto.FromString(model.SerializeToString()), quant_type, 16)
            quantizer.process()
        yield f"bert-bnb4-{quant_type}", quantizer.model.model, feeds, WHOLE
    for make in (quant_models.cnn, quant_models.branches, quant_models.gemm, quant_models.sequence):
        model = make()
        feeds = {"x": quant_models.rows(model, 5, 3)}
        yield f"{make.__name__}-ort-extended", by_runtime(folder, model, "EXTENDED"), feeds, WHOLE


def by_runtime(folder: Path, model, level: str):
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = getattr(LEVELS, f"ORT_ENABLE_{level}")
    options.optimized_model_filepath = str(folder / "optimised.onnx")
    options.log_severity_level = 4
    onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return onnx.load(folder / "optimised.onnx")


def by_optimizer(folder: Path, model, kind: str, option: str):
    source, target = folder / "model.onnx", folder / "fused.onnx"
    onnx.save(model, source)
    options = FusionOptions(kind)
    options.use_multi_head_attention = option == "-heads"
    options.enable_gelu_approximation = option == "-approximate"
    with silence():
        fused = optimizer.optimize_model(
            str(source),
            model_type=kind,
            num_heads=transformer_models.HEADS,
            hidden_size=transformer_models.HIDDEN,
            optimization_options=options,
            opt_level=0,
        )
        fused.save_model_to_file(str(target))
    return onnx.load(target)


def dynamic(folder: Path, model, weights):
    source, target = folder / "model.onnx", folder / "quantised.onnx"
    onnx.save(model, source)
    extra = {"DefaultTensorType": onnx.TensorProto.FLOAT}
    with silence():
        quantize_dynamic(str(source), str(target), weight_type=weights, extra_options=extra)
    return onnx.load(target)


def fit(model, feeds: dict):
    """The optimiser makes ids 32 bits wide."""
    ports = {port.name: port.type.tensor_type.elem_type for port in model.graph.input}
    dtypes = {name: onnx.helper.tensor_dtype_to_np_dtype(ports[name]) for name in feeds if name in ports}
    return {name: np.ascontiguousarray(feeds[name].astype(dtype)) for name, dtype in dtypes.items()}


@contextlib.contextmanager
def silence():
    """The tools print what they do."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        yield
