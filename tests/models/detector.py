#!/usr/bin/env python3
"""A detector made by hand, whose answer is laid out as that of YOLOv8: `detector/`, a bundle, with
pictures in `detector/pictures/` and beside them what a script with OpenCV and ONNX Runtime finds in them.

It looks at a picture of 64 x 64 pixels in squares of 8 x 8: how much redder or greener than the other two
colours a square is on average is the score of a box of 16 x 16 pixels around its centre.
"""

import json
import sys
from pathlib import Path

import cv2
import numpy as np
from bundles import model, session, tensor, write_bundle
from onnx import TensorProto, helper
from PIL import Image, ImageOps

F = TensorProto.FLOAT
SIDE, CELL, BOX = 64, 8, 16.0
LABELS = ["red", "green"]
SCORE, IOU = 0.3, 0.3


def detector():
    cells = SIDE // CELL
    centres = (np.arange(cells, dtype=np.float32) + 0.5) * CELL
    y, x = np.meshgrid(centres, centres, indexing="ij")
    grid = np.stack([x.ravel(), y.ravel(), np.full(cells**2, BOX), np.full(cells**2, BOX)]).astype(np.float32)
    colours = np.array([[1, -0.5, -0.5], [-0.5, 1, -0.5]], np.float32).reshape(2, 3, 1, 1)
    node = lambda operator, inputs, outputs, **kw: helper.make_node(operator, inputs, outputs, name=outputs[0], **kw)
    return model(
        [
            node("AveragePool", ["images"], ["squares"], kernel_shape=[CELL, CELL], strides=[CELL, CELL]),
            node("Conv", ["squares", "colours"], ["redder"]),
            node("Reshape", ["redder", "flat"], ["scores"]),
            node("ReduceSum", ["scores", "one"], ["sum"], keepdims=1),
            node("Mul", ["sum", "zero"], ["nothing"]),
            node("Add", ["nothing", "grid"], ["boxes"]),
            node("Concat", ["boxes", "scores"], ["output0"], axis=1),
        ],
        [("images", F, ["N", 3, SIDE, SIDE])],
        [("output0", F, ["N", 6, cells**2])],
        [
            tensor("colours", colours),
            tensor("flat", np.array([0, 2, cells**2], np.int64)),
            tensor("one", np.array([1], np.int64)),
            tensor("zero", np.zeros(1, np.float32)),
            tensor("grid", grid[None]),
        ],
    )


def picture(width, height, spots):
    """Spots are (left, top, side, colour)."""
    image = np.full((height, width, 3), 60, np.uint8)
    for left, top, side, colour in spots:
        image[top : top + side, left : left + side] = colour
    return image


RED, GREEN = (250, 20, 30), (10, 240, 40)
PICTURES = {
    "a_wide": (160, 90, [(10, 10, 30, RED), (100, 40, 40, GREEN)], None),
    "b_tall": (75, 133, [(5, 5, 25, RED), (40, 90, 30, RED)], None),
    "c_small": (20, 30, [(2, 2, 12, RED)], None),
    "d_none": (64, 64, [], None),
    "e_turned": (120, 50, [(0, 0, 25, RED), (80, 20, 30, RED)], 6),
    "f_exact": (64, 64, [(8, 8, 16, RED), (40, 32, 16, GREEN), (0, 48, 8, RED)], None),
}


def expected(image, made):
    """The usual script: letterbox, run, best class, suppress, scale back."""
    height, width = image.shape[:2]
    scale = min(SIDE / height, SIDE / width)
    new = round(width * scale), round(height * scale)
    dw, dh = (SIDE - new[0]) / 2, (SIDE - new[1]) / 2
    left, top = round(dw - 0.1), round(dh - 0.1)
    boxed = image if new == (width, height) else cv2.resize(image, new, interpolation=cv2.INTER_LINEAR)
    boxed = cv2.copyMakeBorder(boxed, top, round(dh + 0.1), left, round(dw + 0.1), cv2.BORDER_CONSTANT, value=(114,) * 3)
    pixels = (boxed.astype(np.float32) / 255).transpose(2, 0, 1)[None]
    answer = made.run(None, {"images": pixels})[0][0].T
    boxes, scores = answer[:, :4], answer[:, 4:]
    best, top_score = scores.argmax(axis=1), scores.max(axis=1)
    corners = np.concatenate([boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2], axis=1)
    sizes = np.concatenate([corners[:, :2], boxes[:, 2:]], axis=1).astype(np.float64)
    kept = cv2.dnn.NMSBoxesBatched(sizes, top_score, best.astype(np.int32), SCORE, IOU)
    found = []
    for i in np.asarray(kept, int).ravel():
        corner = (corners[i] - [left, top, left, top]) / scale
        corner = np.clip(corner, 0, [width, height, width, height])
        found.append({"label": LABELS[best[i]], "score": float(top_score[i]), "box": [float(c) for c in corner]})
    return found


BODY = """
[payload]
format = "image"

[inputs.images.image]
width = 64
height = 64
resize = "letterbox"
like = "opencv"
orientation = "exif"
range = [0, 1]

[outputs.objects]
tensor = "output0"
kind = "detections"
format = "yolov8"
labels = ["red", "green"]
score_threshold = 0.3
iou_threshold = 0.3

[conditions.red]
output = "objects"
label = "red"
confidence = 0.5
operator = ">="
value = 1
for_count = 2
"""


def main(models: Path):
    cv2.setNumThreads(1)
    made = detector()
    folder = models / "detector"
    write_bundle(folder, made, "Red and green spots in pictures", BODY)
    ran = session(made.SerializeToString())
    pictures = models / "detector_pictures"
    pictures.mkdir(parents=True, exist_ok=True)
    lines = []
    for name, (width, height, spots, orientation) in PICTURES.items():
        image = Image.fromarray(picture(width, height, spots))
        options = {}
        if orientation:
            options["exif"] = Image.Exif()
            options["exif"][0x0112] = orientation
        image.save(pictures / f"{name}.png", **options)
        upright = np.asarray(ImageOps.exif_transpose(Image.open(pictures / f"{name}.png")).convert("RGB"))
        lines.append(json.dumps({"picture": f"{name}.png", "objects": expected(upright, ran)}))
    (models / "detector_expected.jsonl").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
