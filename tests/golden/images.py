#!/usr/bin/env python3
"""What Pillow and OpenCV make of drawn images: `python tests/golden/images.py FOLDER`.

src/vision is held against this by tests/it/golden.
"""

import io
import sys
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageOps

from store import Store

# One thread, and OpenCV's own code: Intel's IPP rounds differently.
cv2.setNumThreads(1)
cv2.ipp.setUseIPP(False)
random = np.random.default_rng(20)

PILLOW = {
    "nearest": Image.Resampling.NEAREST,
    "box": Image.Resampling.BOX,
    "bilinear": Image.Resampling.BILINEAR,
    "hamming": Image.Resampling.HAMMING,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}
OPENCV = {
    "nearest": cv2.INTER_NEAREST,
    "nearest_exact": cv2.INTER_NEAREST_EXACT,
    "bilinear": cv2.INTER_LINEAR,
    "bicubic": cv2.INTER_CUBIC,
    "area": cv2.INTER_AREA,
    "lanczos": cv2.INTER_LANCZOS4,
}


def gradient(width, height):
    """Each colour grows in another direction."""
    x, y = np.linspace(0, 255, width)[None, :], np.linspace(0, 255, height)[:, None]
    return np.stack([x + 0 * y, 0 * x + y, (x + y) / 2], axis=-1).astype(np.uint8)


def noise(width, height):
    return random.integers(0, 256, (height, width, 3), dtype=np.uint8)


def edges(width, height):
    """Black and white squares, a bright frame: what makes cubic filters overshoot."""
    x, y = np.arange(width)[None, :], np.arange(height)[:, None]
    image = np.repeat((((x // 3 + y // 5) % 2) * 255).astype(np.uint8)[..., None], 3, axis=-1)
    image[0, :] = image[-1, :] = (255, 128, 0)
    image[:, 0] = image[:, -1] = (0, 128, 255)
    return image


# Source sizes and what each is resized to, as (width, height).
SIZES = [
    ((37, 29), [(64, 48), (16, 16), (37, 10), (10, 29), (111, 87), (1, 1)]),
    ((64, 64), [(32, 32), (16, 16), (128, 128), (21, 33), (64, 32)]),
    ((60, 45), [(20, 15), (30, 15), (12, 9), (61, 46), (59, 44)]),
    ((13, 7), [(5, 3), (40, 40), (13, 14)]),
    ((1, 1), [(7, 5)]),
    ((1, 50), [(3, 20), (2, 80)]),
    ((50, 2), [(20, 3), (80, 1)]),
    ((2, 2), [(5, 5), (1, 1)]),
    ((333, 250), [(96, 72), (400, 300)]),
]
DRAWN = [gradient, noise, edges]


def pillow(image, to, name, box=None):
    """8-bit RGB or gray, or one channel of floats, as an array."""
    return np.asarray(Image.fromarray(image).resize(to, PILLOW[name], box=box))


def resizing(store):
    for number, (size, targets) in enumerate(SIZES):
        for draw in DRAWN:
            image = draw(*size)
            source = store.array(image)
            gray = np.ascontiguousarray(image[..., 1])
            gray_source = store.array(gray)
            floats = (image.astype(np.float32) / 255 - 0.45) / 0.225
            float_source = store.array(floats)
            for to in targets:
                for like, filters in (("pillow", PILLOW), ("opencv", OPENCV)):
                    for name in filters:
                        case = {"like": like, "filter": name, "to": to}
                        if like == "pillow":
                            rgb = pillow(image, to, name)
                            one = pillow(gray, to, name)
                            # Pillow has floats of one channel only.
                            planes = [pillow(np.ascontiguousarray(floats[..., c]), to, name) for c in range(3)]
                            real = np.stack(planes, axis=-1)
                        else:
                            rgb = cv2.resize(image, to, interpolation=filters[name])
                            one = cv2.resize(gray, to, interpolation=filters[name])
                            real = cv2.resize(floats, to, interpolation=filters[name])
                        store.case("resize", **case, source=source, result=rgb)
                        if number % 2 == 0:
                            store.case("resize", **case, source=gray_source, result=one)
                        if draw is noise and size[0] < 200:
                            store.case("resize", **case, source=float_source, result=real)


def png(image, exif=None):
    """The PNG file of an image, as an array of bytes; `exif` is an orientation."""
    buffer, extra = io.BytesIO(), {}
    if exif is not None:
        extra["exif"] = Image.Exif()
        extra["exif"][0x0112] = exif
    Image.fromarray(image).save(buffer, "PNG", **extra)
    return np.frombuffer(buffer.getvalue(), np.uint8)


def jpeg(image, exif=None, **options):
    buffer = io.BytesIO()
    if exif is not None:
        options["exif"] = Image.Exif()
        options["exif"][0x0112] = exif
    Image.fromarray(image).save(buffer, "JPEG", **options)
    return np.frombuffer(buffer.getvalue(), np.uint8)


def letterbox(image, width, height, name, scale_up=True, centre=True, fill=114):
    """Ultralytics' LetterBox with auto=False and scale_fill=False, and scale_boxes' way back."""
    high, wide = image.shape[:2]
    scale = min(height / high, width / wide)
    if not scale_up:
        scale = min(scale, 1.0)
    new = round(wide * scale), round(high * scale)
    dw, dh = width - new[0], height - new[1]
    if centre:
        dw, dh = dw / 2, dh / 2
    if (wide, high) != new:
        image = cv2.resize(image, new, interpolation=OPENCV[name])
    left, right = (round(dw - 0.1), round(dw + 0.1)) if centre else (0, round(dw))
    top, bottom = (round(dh - 0.1), round(dh + 0.1)) if centre else (0, round(dh))
    image = cv2.copyMakeBorder(image, top, bottom, left, right, cv2.BORDER_CONSTANT, value=(fill,) * 3)
    corners = np.array([[0, 0], [width, height], [width / 3, height / 2]], np.float64)
    back = (corners - [left, top]) / scale
    return image, corners, np.clip(back, 0, [wide, high])


def shorter_side(image, side, width, height, name):
    """torchvision's Resize(side) and CenterCrop((height, width)) of a PIL image."""
    wide, high = image.size
    short, long = min(wide, high), max(wide, high)
    other = int(side * long / short)
    image = image.resize((side, other) if wide <= high else (other, side), PILLOW[name])
    wide, high = image.size
    if width > wide or height > high:
        left, top = max(0, (width - wide) // 2), max(0, (height - high) // 2)
        right, bottom = max(0, (width - wide + 1) // 2), max(0, (height - high + 1) // 2)
        image = ImageOps.expand(image, (left, top, right, bottom), fill=0)
        wide, high = image.size
    top, left = int(round((high - height) / 2.0)), int(round((wide - width) / 2.0))
    return image.crop((left, top, left + width, top + height))


def nchw(image):
    return np.ascontiguousarray(image.transpose(2, 0, 1))


def preparing(store):
    """Whole preparations: a file and options as in a bundle; values as the model gets them."""
    for size in [(97, 61), (61, 97), (40, 40), (13, 200), (7, 5), (320, 240)]:
        image = noise(*size) if size[0] % 2 else gradient(*size)
        file, upright = png(image), Image.fromarray(image)
        source = store.array(file)
        case = {"file": source, "width": 64, "height": 48}
        for name in ("bilinear", "area", "nearest"):
            for scale_up in (True, False):
                for centre in (True, False):
                    boxed, corners, back = letterbox(image, 64, 48, name, scale_up, centre)
                    store.case("prepare", **case, fit="letterbox", like="opencv", filter=name, fill=114, scale_up=scale_up,
                               align="centre" if centre else "top_left", result=nchw(boxed),
                               corners=corners, undone=back)
        for name in ("bilinear", "bicubic", "lanczos"):
            fitted = np.asarray(ImageOps.fit(upright, (64, 48), PILLOW[name]))
            store.case("prepare", **case, fit="crop", like="pillow", filter=name, layout="nhwc", result=fitted)
            for side in (48, 80, 30):
                cut = np.asarray(shorter_side(upright, side, 64, 48, name))
                store.case("prepare", **case, fit="shorter_side", shorter_side=side, like="pillow", filter=name,
                           layout="nhwc", result=cut)
        stretched = np.asarray(upright.resize((64, 48), Image.Resampling.BILINEAR))
        store.case("prepare", **case, fit="stretch", channels="bgr", result=nchw(stretched[..., ::-1]))
        unit = stretched.astype(np.float64) / 255
        mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
        store.case("prepare", **case, fit="stretch", mean=list(mean), std=list(std), result=nchw((unit - mean) / std))
        store.case("prepare", **case, fit="stretch", low=-1.0, high=1.0, result=nchw(unit * 2 - 1))
        gray = upright.convert("L")
        store.case("prepare", **case, fit="stretch", channels="gray",
                   result=np.asarray(gray.resize((64, 48), Image.Resampling.BILINEAR))[None])
        store.case("prepare", **case, fit="stretch", channels="gray", like="opencv", filter="bilinear",
                   result=cv2.resize(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), (64, 48))[None])
        planes = [Image.fromarray(image[..., c].astype(np.float32)).resize((64, 48), Image.Resampling.BICUBIC) for c in range(3)]
        store.case("prepare", **case, fit="stretch", pixels="f32", filter="bicubic",
                   result=np.stack([np.asarray(plane) for plane in planes]))
        side = min(size)
        left, top = (size[0] - side) // 2, (size[1] - side) // 2
        square = cv2.resize(image[top : top + side, left : left + side], (32, 32))
        store.case("prepare", file=source, width=32, height=32, fit="crop", like="opencv", filter="bilinear", result=nchw(square))
        region = [1, 2, size[0] - 3, size[1] - 2]
        part = upright.crop((1, 2, size[0] - 2, size[1])).resize((64, 48), Image.Resampling.BILINEAR)
        store.case("prepare", **case, fit="stretch", region=region, result=nchw(np.asarray(part)))
    small = noise(20, 11)
    for align, at in (("top_left", (0, 0)), ("centre", (22, 18))):
        canvas = np.full((48, 64, 3), 7, np.uint8)
        canvas[at[1] : at[1] + 11, at[0] : at[0] + 20] = small
        store.case("prepare", file=png(small), width=64, height=48, fit="pad", align=align, fill=7, result=nchw(canvas))


def orienting(store):
    """The eight orientations a camera may note, and none."""
    for orientation in range(1, 9):
        image = noise(12, 7)
        for make in (png, lambda *args: jpeg(*args, subsampling=0)):
            file = make(image, orientation)
            opened = Image.open(io.BytesIO(file.tobytes()))
            turned = np.asarray(ImageOps.exif_transpose(opened).convert("RGB"))
            store.case("orientation", format="png" if make is png else "jpeg", file=file, result=turned)


def decoding(store):
    """JPEG files as libjpeg-turbo decodes them; PNG files of every kind of pixel."""
    for draw in DRAWN:
        image = draw(123, 77)
        for quality in (60, 90):
            for subsampling in (0, 1, 2):
                for progressive in (False, True):
                    file = jpeg(image, quality=quality, subsampling=subsampling, progressive=progressive)
                    pixels = np.asarray(Image.open(io.BytesIO(file.tobytes())).convert("RGB"))
                    store.case("jpeg", drawn=draw.__name__, quality=quality, subsampling=subsampling, file=file, result=pixels)
    image = Image.fromarray(noise(31, 17))
    alpha = Image.fromarray(noise(31, 17)[..., 0])
    transparent = image.copy()
    transparent.putalpha(alpha)
    luma_alpha = image.convert("L")
    luma_alpha.putalpha(alpha)
    for name, one in (("RGB", image), ("L", image.convert("L")), ("P", image.quantize(17)), ("RGBA", transparent),
                      ("LA", luma_alpha), ("1", image.convert("1"))):
        buffer = io.BytesIO()
        one.save(buffer, "PNG")
        file = np.frombuffer(buffer.getvalue(), np.uint8)
        store.case("png", mode=name, file=file, result=np.asarray(one.convert("RGB")))


def main(folder: Path):
    store = Store(folder)
    resizing(store)
    preparing(store)
    orienting(store)
    decoding(store)
    store.write()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
