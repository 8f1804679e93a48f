"""What a batch takes from JPEG files to arrays, on one thread, in turn with others' transforms: `run.py batches`."""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from timm_import import import_timm

from spinec.train.data.augment import Jitter
from spinec.train.data.batches import Endless
from spinec.train.data.crops import RandomCrop
from spinec.train.data.examples import Example
from spinec.train.data.pictures import read_rgb
from spinec.train.data.workers import in_order

SIZE, BATCH = (480, 640), 8
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
BOXES = np.array([[10 * i, 20 * i, 10 * i + 90, 20 * i + 120] for i in range(7)], np.float32)
PHOTOGRAPH = Path(__file__).resolve().parent.parent / "examples" / "photograph.jpg"


class Photographs:
    """One photograph, turned a little differently in every file, with seven boxes."""

    name, names, ids = "photographs", ("thing",), (0,)

    def __init__(self, folder: Path, task: str) -> None:
        self.files, self.task = [folder / f"{i}.jpg" for i in range(BATCH)], task
        picture = Image.open(PHOTOGRAPH).convert("RGB").resize(SIZE[::-1])
        for i, file in enumerate(self.files):
            picture.rotate(i, Image.Resampling.BICUBIC).save(file, quality=92)

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, position: int) -> Example:
        file = self.files[position]
        classes, crowd = np.zeros(len(BOXES), np.int64), np.zeros(len(BOXES), np.bool_)
        read = partial(read_rgb, file)
        return Example(position, str(file), read, boxes=BOXES, classes=classes, crowd=crowd, label=0)


def batches(paired_ms: Any, runs: int = 40) -> list[tuple[str, str, str]]:
    """Rows of the table."""
    with tempfile.TemporaryDirectory() as folder:
        found, shown = Photographs(Path(folder), "detection"), Photographs(Path(folder), "classification")
        jitter, crop = Endless(found, Jitter((512, 512)), BATCH), Endless(shown, RandomCrop((224, 224)), BATCH)
        jittered, cropped = _torchvision(found)
        pairs = {
            "8 pictures and 56 boxes, jittered, 512 x 512": (jitter, jittered, "torchvision"),
            "8 pictures, a part of each, 224 x 224": (crop, cropped, "torchvision"),
            "8 pictures, a part of each, 224 x 224, beside Keras' layers": (crop, _keras(found), "Keras"),
        }
        rows = []
        for what, (ours, other, name) in pairs.items():
            steps = iter(range(1_000_000))
            a, b, ratio = paired_ms(lambda ours=ours, steps=steps: ours[next(steps)], other, runs)
            rows.append((what, f"{a:.0f} ms; {name} {b:.0f} ms", f"{ratio:.2f} of {name}'s"))
        return [*rows, _handed_over(paired_ms, runs)]


def _torchvision(found: Photographs) -> tuple[Any, Any]:
    """Its own transforms of the same kind: those of its detection and of its classification recipes."""
    import torch

    import_timm()  # which makes torchvision importable
    from torchvision import tv_tensors
    from torchvision.transforms import v2

    torch.set_num_threads(1)
    last = [v2.ToDtype(torch.float32, scale=True), v2.Normalize(MEAN, DEVIATION)]
    scale = v2.ScaleJitter((512, 512), (0.1, 2.0), antialias=True)
    crop = v2.RandomCrop((512, 512), pad_if_needed=True)
    jitter = v2.Compose([v2.ToImage(), v2.RandomHorizontalFlip(), scale, crop, *last, v2.SanitizeBoundingBoxes()])
    part = v2.Compose([v2.RandomResizedCrop(224), v2.RandomHorizontalFlip(), v2.ToImage(), *last])
    corners = torch.tensor(BOXES[:, [1, 0, 3, 2]])

    def jittered() -> Any:
        samples = []
        for file in found.files:
            boxes = tv_tensors.BoundingBoxes(corners, format="XYXY", canvas_size=SIZE)
            target = {"boxes": boxes, "labels": torch.zeros(len(BOXES), dtype=torch.int64)}
            samples.append(jitter(Image.open(file).convert("RGB"), target))
        return torch.stack([image for image, _ in samples])

    return jittered, lambda: torch.stack([part(Image.open(file).convert("RGB")) for file in found.files])


def _keras(found: Photographs) -> Any:
    """Layers that scale, cut, mirror and normalise; they draw no scale, so that this is less than a random part."""
    import keras
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    variance = [each**2 for each in DEVIATION]
    layers = [
        keras.layers.Resizing(256, 341),
        keras.layers.RandomCrop(224, 224),
        keras.layers.RandomFlip("horizontal"),
        keras.layers.Rescaling(1 / 255),
        keras.layers.Normalization(mean=MEAN, variance=variance),
    ]

    @tf.function
    def made(files: Any) -> Any:
        read = tf.map_fn(lambda file: tf.io.decode_jpeg(tf.io.read_file(file), 3), files, fn_output_signature=tf.uint8)
        images = tf.cast(read, tf.float32)
        for layer in layers:
            images = layer(images, training=True)
        return images

    files = tf.constant([str(file) for file in found.files])
    return lambda: made(files).numpy()


def _handed_over(paired_ms: Any, runs: int) -> tuple[str, str, str]:
    """A batch from a worker process, beside a copy of it in this one."""
    given = in_order(_made, range(1_000_000), workers=1)
    values = _made(0)
    a, b, ratio = paired_ms(lambda: next(given), values.copy, runs)
    given.close()  # type: ignore[attr-defined]  # a generator
    return (
        "8 pictures of 512 x 512 from a worker process",
        f"{a:.0f} ms; a copy {b:.0f} ms",
        f"{ratio:.1f} of the copy's",
    )


def _made(number: int) -> Any:
    return np.full((BATCH, 512, 512, 3), number % 7, np.float32)
