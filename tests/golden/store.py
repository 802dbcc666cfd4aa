"""What the scripts of golden values share: arrays in one binary file, cases in JSON beside it.

An array is told as {"dtype": "u8" | "f32" | "f64" | "i64", "shape": [...], "at": byte offset}; its
elements are little-endian, in row-major order, in `data.bin`.
"""

import json
from pathlib import Path

import numpy as np

DTYPES = {"uint8": "u8", "float32": "f32", "float64": "f64", "int64": "i64"}


class Store:
    """Collects cases and arrays and writes them to a folder."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.data = bytearray()
        self.cases = []

    def array(self, values) -> dict:
        """Stores an array; returns what tells where it is."""
        values = np.ascontiguousarray(values)
        told = {"dtype": DTYPES[values.dtype.name], "shape": list(values.shape), "at": len(self.data)}
        self.data += values.astype(values.dtype.newbyteorder("<")).tobytes()
        return told

    def case(self, kind: str, **fields) -> None:
        """Adds a case; NumPy arrays among the fields are stored."""
        told = {key: self.array(v) if isinstance(v, np.ndarray) else v for key, v in fields.items()}
        self.cases.append({"kind": kind, **told})

    def write(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "data.bin").write_bytes(bytes(self.data))
        lines = ",\n".join(json.dumps(case) for case in self.cases)
        (self.folder / "cases.json").write_text(f"[\n{lines}\n]\n")
