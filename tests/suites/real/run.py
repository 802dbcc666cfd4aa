"""Scores real models with edgeward and with ONNX Runtime, and holds the answers against each other.

    run.py --edgeward PATH --folder FOLDER [--small] [--only TEXT] [--json OUT]

Packages are downloaded into FOLDER at their pinned versions, and nothing else is taken from them but their models.
"""

import argparse
import hashlib
import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import onnxruntime

from fetch import fetch
from models import ROWS


def made_up(row):
    """The messages' arrays: always the same."""
    random = np.random.default_rng(int.from_bytes(hashlib.sha256(row.file.encode()).digest()[:4]))
    for shapes in row.messages:
        yield {
            name: random.integers(0, row.ints[name], shape)
            if name in row.ints
            else random.uniform(0 if row.positive else -1, 1, shape).round(4).astype(np.float32)
            for name, shape in shapes.items()
        }


def as_message(arrays):
    values = {name: array.tolist() for name, array in arrays.items()}
    return values if len(values) > 1 else next(iter(values.values()))


def reference(row, onnx):
    """What ONNX Runtime answers, message by message, in the loop that one writes around it."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])
    types = {"tensor(int64)": np.int64, "tensor(int32)": np.int32, "tensor(float)": np.float32}
    kinds = {port.name: types.get(port.type, np.float32) for port in session.get_inputs()}
    outputs = [port.name for port in session.get_outputs()]
    left = {name: np.zeros(shape, np.float32) for name, _, shape in row.states}
    def given(arrays):
        for name, of in row.constants.items():
            if isinstance(of, tuple):
                yield name, np.zeros(of, kinds[name])
            elif isinstance(of, str):
                yield name, np.array([arrays[of].shape[1]], kinds[name])
            else:
                yield name, np.array(of, kinds[name])

    answers = []
    for arrays in made_up(row):
        feed = {name: array.astype(kinds[name]) for name, array in arrays.items()} | dict(given(arrays)) | left
        answer = dict(zip(outputs, session.run(outputs, feed)))
        left = {name: answer[output] for name, output, _ in row.states}
        carried = {output for _, output, _ in row.states}
        answers.append({name: value for name, value in answer.items() if name not in carried})
    return answers


def scored(row, onnx, edgeward, folder):
    """What edgeward answers, and how it runs it."""
    work = folder / "work" / f"{row.package}-{onnx.stem}"
    work.mkdir(parents=True, exist_ok=True)
    messages = work / "messages.jsonl"
    messages.write_text("".join(json.dumps(as_message(arrays)) + "\n" for arrays in made_up(row)))
    model = onnx
    if row.declared:
        model = work / "bundle"
        model.mkdir(exist_ok=True)
        (model / onnx.name).write_bytes(onnx.read_bytes())
        digest = hashlib.sha256(onnx.read_bytes()).hexdigest()
        head = f'format = 1\nname = "{onnx.stem}"\nversion = "1"\n[model]\nfile = "{onnx.name}"\nsha256 = "{digest}"\n'
        (model / "bundle.toml").write_text(head + row.declared)
    command = [edgeward, "score", model, messages, "--quiet", "--strict", "--output-format", "jsonl"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr.strip() or f"exit code {done.returncode}")
    inspected = subprocess.run([edgeward, "model", "inspect", model, "--json"], capture_output=True, text=True)
    running = json.loads(inspected.stdout)["running"] or {}
    answers = [json.loads(line)["outputs"] for line in done.stdout.splitlines()]
    # For who scores the same messages in another way.
    (work / "answers.json").write_text(json.dumps({"model": str(model.resolve()), "outputs": answers}))
    return answers, running


def flat(value):
    if isinstance(value, dict):
        return value["data"]
    return value if isinstance(value, list) else [value]


def furthest(row, expected, found):
    """The largest difference of any output, relative to the largest number of it."""
    if len(expected) != len(found):
        raise RuntimeError(f"{len(found)} answers to {len(expected)} messages")
    worst = 0.0
    for step, (wanted, answer) in enumerate(zip(expected, found)):
        for name, array in wanted.items():
            own = np.array(flat(answer[name]), dtype=np.float64)
            array = np.asarray(array, dtype=np.float64)
            if own.size != array.size:
                raise RuntimeError(f"message {step}: {name} has {own.size} numbers, not {array.size}")
            if isinstance(answer[name], dict) and tuple(answer[name]["shape"]) != array.shape[-len(answer[name]["shape"]):]:
                raise RuntimeError(f"message {step}: {name} is {answer[name]['shape']}, not {array.shape}")
            if array.size:
                scale = max(np.abs(array).max(), row.least)
                worst = max(worst, float(np.abs(own - array.reshape(-1)).max() / scale))
    return worst


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--edgeward", type=Path, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--small", action="store_true", help="the ten smallest")
    parser.add_argument("--only", help="rows whose package or file contains this")
    parser.add_argument("--skip", help="and no others that contain this")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    rows = [row for row in ROWS if not asked.small or row.small]
    rows = [row for row in rows if not asked.only or asked.only in f"{row.package} {row.file}"]
    rows = [row for row in rows if not asked.skip or asked.skip not in f"{row.package} {row.file}"]
    table, failed = [], 0
    for row in rows:
        begun = time.monotonic()
        line = {"package": f"{row.package} {row.version}", "file": Path(row.file).name, "what": row.what,
                "declared": row.declared}
        try:
            onnx = fetch(row, asked.folder)
            found, running = scored(row, onnx, asked.edgeward, asked.folder)
            line["engine"], line["why"] = running.get("engine"), running.get("why")
            line["apart"] = furthest(row, reference(row, onnx), found)
            line["fault"] = None if line["apart"] <= row.tolerance else "its answer is another"
        except (RuntimeError, subprocess.CalledProcessError, StopIteration, KeyError, ValueError) as error:
            line["fault"] = str(error) or repr(error)
        failed += line["fault"] is not None
        table.append(line)
        as_it_came = "declared" if row.declared else "as it came"
        told = line["fault"] or f"{line['apart']:.1e} apart, by {line['engine']}"
        print(f"{time.monotonic() - begun:6.1f} s  {row.package} {Path(row.file).name}: {as_it_came}, {told}", flush=True)
    if asked.json:
        asked.json.write_text(json.dumps(table, indent=1))
    print(f"{len(table)} models, {failed} failed")
    sys.exit(1 if failed else 0)


main()
