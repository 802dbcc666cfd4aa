"""Reference cases on disk: one folder a case, the same for every suite.

    OUT/<suite>/<case>/model.onnx
    OUT/<suite>/<case>/case.json
    OUT/<suite>/<case>/set_0/input_0.pb, output_0.pb, ...

A `.pb` file is the ONNX message of the value's kind: TensorProto, SequenceProto, OptionalProto or
MapProto. Its number is the place in graph.input or graph.output; an input that is not fed has no file.
`case.json` has suite, name, rtol, atol, inputs and outputs as [{"name", "kind"}], and in "from" who
computed the outputs.
"""

import json
from pathlib import Path

import numpy as np
import onnx
from onnx import MapProto, OptionalProto, SequenceProto, TensorProto, helper, numpy_helper

MESSAGES = {"tensor": TensorProto, "sequence": SequenceProto, "optional": OptionalProto, "map": MapProto}
KINDS = {"tensor_type": "tensor", "sequence_type": "sequence", "optional_type": "optional", "map_type": "map"}


class Absent:
    """Stands for an input that is not fed."""


ABSENT = Absent()


def kind_of(type_proto: onnx.TypeProto) -> str:
    """The kind of a value in `case.json`."""
    return KINDS[type_proto.WhichOneof("value")]


def encode(value, type_proto: onnx.TypeProto, name: str = ""):
    """The ONNX message of a value of the given type: array-likes, lists, dicts, None, or a message."""
    kind = kind_of(type_proto)
    if isinstance(value, MESSAGES[kind]):
        return value
    if kind == "tensor":
        return _tensor(value, type_proto.tensor_type.elem_type, name)
    if kind == "sequence":
        inner = type_proto.sequence_type.elem_type
        made = SequenceProto(name=name, elem_type=SequenceProto.DataType.Value(kind_of(inner).upper()))
        field = getattr(made, f"{kind_of(inner)}_values")
        field.extend(encode(item, inner) for item in value)
        return made
    if kind == "optional":
        inner = type_proto.optional_type.elem_type
        made = OptionalProto(name=name, elem_type=OptionalProto.DataType.Value(kind_of(inner).upper()))
        if value is not None:
            getattr(made, f"{kind_of(inner)}_value").CopyFrom(encode(value, inner))
        return made
    key_type = type_proto.map_type.key_type
    made = MapProto(name=name, key_type=key_type)
    if key_type == TensorProto.STRING:
        made.string_keys.extend(key.encode() for key in value)
    else:
        made.keys.extend(int(key) for key in value)
    inner = type_proto.map_type.value_type
    made.values.elem_type = SequenceProto.DataType.Value(kind_of(inner).upper())
    getattr(made.values, f"{kind_of(inner)}_values").extend(encode(item, inner) for item in value.values())
    return made


def _tensor(value, elem_type: int, name: str) -> TensorProto:
    array = np.asarray(value)
    if isinstance(value, (int, float)):
        # A plain number has no type of its own.
        array = array.astype(helper.tensor_dtype_to_np_dtype(elem_type))
    if elem_type == TensorProto.STRING:
        flat = [item if isinstance(item, bytes) else str(item).encode() for item in array.reshape(-1)]
        return helper.make_tensor(name, TensorProto.STRING, array.shape, flat)
    return numpy_helper.from_array(array if array.flags.c_contiguous else array.copy(), name)


def decode(message):
    """A message as NumPy array, list, dict or None."""
    if isinstance(message, TensorProto):
        array = numpy_helper.to_array(message)
        if array.dtype == object:
            text = [item.decode() if isinstance(item, bytes) else item for item in array.reshape(-1)]
            array = np.array(text, dtype=object).reshape(array.shape)
        return array
    if isinstance(message, SequenceProto):
        field = SequenceProto.DataType.Name(message.elem_type).lower()
        return [] if field == "undefined" else [decode(item) for item in getattr(message, f"{field}_values")]
    if isinstance(message, OptionalProto):
        for field in ("tensor_value", "sequence_value", "map_value"):
            if message.HasField(field):
                return decode(getattr(message, field))
        return None
    keys = [key.decode() if isinstance(key, bytes) else key for key in message.string_keys] or list(message.keys)
    return dict(zip(keys, decode(message.values), strict=True))


def write_case(out: Path, suite: str, name: str, model, sets, rtol: float, atol: float, source: str, **more):
    """Writes a case. `model` is a ModelProto or its bytes; `sets` is a list of (inputs, outputs), each a
    list in the graph's order. Further keywords go into `case.json` as they are."""
    model_bytes = model if isinstance(model, bytes) else model.SerializeToString(deterministic=True)
    graph = (onnx.load_from_string(model) if isinstance(model, bytes) else model).graph
    folder = out / suite / name
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(model_bytes)
    for number, (inputs, outputs) in enumerate(sets):
        values = folder / f"set_{number}"
        values.mkdir()
        assert len(inputs) <= len(graph.input) and len(outputs) == len(graph.output), name
        for side, ports, given in (("input", graph.input, inputs), ("output", graph.output, outputs)):
            for place, (port, value) in enumerate(zip(ports, given, strict=False)):
                if value is not ABSENT:
                    message = encode(value, port.type, port.name)
                    (values / f"{side}_{place}.pb").write_bytes(message.SerializeToString(deterministic=True))
    told = {
        "suite": suite,
        "name": name,
        "rtol": rtol,
        "atol": atol,
        "inputs": [{"name": port.name, "kind": kind_of(port.type)} for port in graph.input],
        "outputs": [{"name": port.name, "kind": kind_of(port.type)} for port in graph.output],
        "from": source,
        **more,
    }
    (folder / "case.json").write_text(json.dumps(told, indent=1) + "\n")


class ReadCase:
    """A case read back."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.told = json.loads((folder / "case.json").read_text())
        self.rtol, self.atol = self.told["rtol"], self.told["atol"]

    def model_bytes(self) -> bytes:
        """The model as stored."""
        return (self.folder / "model.onnx").read_bytes()

    def sets(self):
        """Yields (feeds by name, expected outputs in order)."""
        for values in sorted(self.folder.glob("set_*")):
            feeds = {}
            for place, port in enumerate(self.told["inputs"]):
                file = values / f"input_{place}.pb"
                if file.exists():
                    feeds[port["name"]] = decode(MESSAGES[port["kind"]].FromString(file.read_bytes()))
            expected = [
                decode(MESSAGES[port["kind"]].FromString((values / f"output_{place}.pb").read_bytes()))
                for place, port in enumerate(self.told["outputs"])
            ]
            yield feeds, expected


def compare(expected, got, rtol: float, atol: float, where: str = "output"):
    """Raises AssertionError where `got` differs from `expected`: the rule of onnx.backend.test.runner
    (same shape and element type, numpy.testing.assert_allclose, bfloat16 within two of its units)."""
    if isinstance(expected, list):
        assert isinstance(got, list | tuple), f"{where}: a sequence is expected, not {type(got).__name__}"
        assert len(expected) == len(got), f"{where}: {len(got)} items instead of {len(expected)}"
        for i, (one, other) in enumerate(zip(expected, got, strict=True)):
            compare(one, other, rtol, atol, f"{where}[{i}]")
    elif isinstance(expected, dict):
        assert isinstance(got, dict), f"{where}: a map is expected, not {type(got).__name__}"
        assert sorted(expected) == sorted(got), f"{where}: keys differ"
        for key, one in expected.items():
            compare(np.asarray(one), np.asarray(got[key], dtype=one.dtype), rtol, atol, f"{where}[{key!r}]")
    elif expected is None:
        assert got is None, f"{where}: nothing is expected"
    else:
        got = np.asarray(got)
        assert expected.shape == got.shape, f"{where}: shape {got.shape} instead of {expected.shape}"
        if expected.dtype == object:
            np.testing.assert_array_equal(got, expected, err_msg=where)
            return
        assert expected.dtype == got.dtype, f"{where}: {got.dtype} instead of {expected.dtype}"
        if expected.dtype.name == "bfloat16":
            rtol = max(rtol, 2**-6)
            expected, got = expected.astype(np.float32), got.astype(np.float32)
        np.testing.assert_allclose(got, expected, rtol=rtol, atol=atol, err_msg=where)
