"""What can be wrong with what `spinec train` is given: sound data sets and specs, and a way to break each."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import coco_sets
import numpy as np
from taught import TINY

BOXES = TINY.replace("classes: 3", "classes: [cat, traffic light]")
BODY = TINY[: TINY.index("head:")]
SPECS = {
    "boxes.yaml": BOXES,
    "few.yaml": TINY.replace("classes: 3", "classes: 1"),
    "other.yaml": TINY.replace("classes: 3", "classes: [cat, bus]"),
    "masks.yaml": f"{BODY}head: {{kind: mask_rcnn, dim: 8, classes: [background, cat, traffic light]}}\n",
    "classes.yaml": f"{BODY}head: {{kind: classification, classes: [cat, dog]}}\n",
    "maps.yaml": f"{BODY}head: {{kind: segmentation, dim: 8, layers: 1, classes: 5}}\n",
    "headless.yaml": BODY,
}
RECIPES = {
    "boxes.yaml": "small-detection",
    "few.yaml": "small-detection",
    "other.yaml": "small-detection",
    "masks.yaml": "small-detection",
    "classes.yaml": "small-classification",
    "maps.yaml": "small-detection",
    "headless.yaml": "small-detection",
}
LISTED = "annotations/instances_train.json"
XML = (
    "<annotation><size><width>60</width><height>40</height></size><object><name>cat</name><bndbox><xmin>5</xmin>"
    "<ymin>5</ymin><xmax>30</xmax><ymax>30</ymax></bndbox></object></annotation>\n"
)


class Case(NamedTuple):
    """One thing that is wrong."""

    spec: str
    data: str
    """A sound data set, which is broken."""
    change: Callable[[Path], object] = lambda folder: None
    """What breaks it."""
    more: tuple[str, ...] = ()
    """What is said besides on the command line."""


def write_all(folder: Path) -> None:
    """Every sound data set, by name, and every spec."""
    folder.mkdir(exist_ok=True)
    for split in ("train", "val"):
        coco_sets.write(folder / "coco", coco_sets.listing(3), split)
    _folders(folder / "folders")
    _voc(folder / "voc")
    _shards(folder / "shards")
    for name, text in SPECS.items():
        (folder / name).write_text(text)


def _picture(path: Path, size: tuple[int, int] = (60, 40)) -> None:
    from PIL import Image

    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, "teal").save(path)


def _folders(folder: Path) -> None:
    for split in ("train", "val"):
        for name in ("cat", "dog"):
            for i in range(2):
                _picture(folder / split / name / f"{i}.jpg")


def _voc(folder: Path) -> None:
    from PIL import Image

    for name in "abcd":
        _picture(folder / "JPEGImages" / f"{name}.jpg")
        for maps in ("Annotations", "SegmentationClass"):
            (folder / maps).mkdir(exist_ok=True)
        (folder / "Annotations" / f"{name}.xml").write_text(XML)
        Image.fromarray(np.full((40, 60), 3, np.uint8)).save(folder / "SegmentationClass" / f"{name}.png")
    for kind in ("Main", "Segmentation"):
        (folder / "ImageSets" / kind).mkdir(parents=True)
        for split, text in {"train": "a\nb\n", "val": "c\nd\n"}.items():
            (folder / "ImageSets" / kind / f"{split}.txt").write_text(text)


def _png() -> bytes:
    from PIL import Image

    data = io.BytesIO()
    Image.new("RGB", (60, 40), "teal").save(data, "PNG")
    return data.getvalue()


def tar(path: Path, *files: tuple[str, bytes]) -> None:
    """Write a tar file."""
    with tarfile.open(path, "w") as archive:
        for name, data in files:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))


def _shards(folder: Path) -> None:
    folder.mkdir()
    for split in ("train", "val"):
        files = [(f"{i}.{end}", data) for i in range(4) for end, data in (("cls", b"%d" % (i % 2)), ("png", _png()))]
        tar(folder / f"{split}-0.tar", *files)
    (folder / "classes.txt").write_text("cat\ndog\n")


def listing(change: Callable[[Any], object]) -> Callable[[Path], object]:
    """A file of COCO's form, of which something is changed."""

    def changed(folder: Path) -> None:
        path = folder / "coco" / LISTED
        found = json.loads(path.read_text())
        change(found)
        path.write_text(json.dumps(found))

    return changed


def text(name: str, change: Callable[[str], str]) -> Callable[[Path], object]:
    """A file, of which the text is changed."""
    return lambda folder: (folder / name).write_text(change((folder / name).read_text()))


def image(name: str, size: tuple[int, int], mode: str = "RGB", value: int = 0) -> Callable[[Path], object]:
    """A picture in the place of another."""

    def changed(folder: Path) -> None:
        from PIL import Image

        Image.new(mode, size, value).save(folder / name)

    return changed


def turned(folder: Path) -> None:
    """A picture that its EXIF turns by a quarter."""
    from PIL import Image

    picture, exif = Image.open(folder / "coco/train/0.png").copy(), Image.Exif()
    exif[0x0112] = 6
    picture.save(folder / "coco/train/0.png", exif=exif)


def cut(name: str, length: int) -> Callable[[Path], object]:
    """The beginning of a file."""
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes()[:length])


def gone(name: str) -> Callable[[Path], object]:
    """A file that is not there."""
    return lambda folder: (folder / name).unlink()


def packed(folder: Path) -> None:
    """A shard that is compressed."""
    path = folder / "shards/train-0.tar"
    path.write_bytes(gzip.compress(path.read_bytes()))


def shard(*files: tuple[str, bytes]) -> Callable[[Path], object]:
    """A shard of other files."""
    return lambda folder: tar(folder / "shards/train-0.tar", *files)


def emptied(folder: Path) -> None:
    """Folders of classes in which nothing is."""
    for path in (folder / "folders/train").rglob("*.jpg"):
        path.unlink()


def recipe(text: str, **others: str) -> Case:
    """A recipe of one's own, and what it extends."""

    def change(folder: Path) -> None:
        for name, own in {"mine": text, **others}.items():
            (folder / f"{name}.yaml").write_text(own)

    return Case("boxes.yaml", "coco", change, ("--recipe", "mine.yaml"))


def weights(folder: Path) -> None:
    """Weights of another network."""
    from spinec import build, loads, lower
    from spinec.backends.backend import backend
    from spinec.backends.checkpoints import write_checkpoint

    program = lower(loads(BOXES.replace("kernel: 3", "kernel: 5")))
    write_checkpoint(folder / "w.safetensors", program, backend("pytorch").read_weights(build(program), program))


CASES = {
    "coco: a list that is cut off": Case("boxes.yaml", "coco", cut(f"coco/{LISTED}", 400)),
    "coco: another JSON": Case("boxes.yaml", "coco", text(f"coco/{LISTED}", lambda _: '{"shapes": []}')),
    "coco: no JSON": Case("boxes.yaml", "coco", text(f"coco/{LISTED}", lambda _: "images: []\n")),
    "coco: no pictures": Case("boxes.yaml", "coco", listing(lambda d: d["images"].clear())),
    "coco: no categories": Case("boxes.yaml", "coco", listing(lambda d: d["categories"].clear())),
    "coco: no annotations": Case("boxes.yaml", "coco", listing(lambda d: d["annotations"].clear())),
    "coco: nothing but crowds": Case(
        "boxes.yaml", "coco", listing(lambda d: [each.update(iscrowd=1) for each in d["annotations"]])
    ),
    "coco: a picture is missing": Case("boxes.yaml", "coco", gone("coco/train/2.png")),
    "coco: a picture is missing in val": Case("boxes.yaml", "coco", gone("coco/val/2.png")),
    "coco: a picture is a text": Case("boxes.yaml", "coco", lambda f: (f / "coco/train/1.png").write_text("<html>")),
    "coco: a picture is cut off": Case("boxes.yaml", "coco", cut("coco/train/1.png", 2000)),
    "coco: a picture of another size": Case("boxes.yaml", "coco", image("coco/train/1.png", (64, 48))),
    "coco: a picture turned by its EXIF": Case("boxes.yaml", "coco", turned),
    "coco: an unknown category": Case(
        "boxes.yaml", "coco", listing(lambda d: d["annotations"][4].update(category_id=99))
    ),
    "coco: an unknown picture": Case("boxes.yaml", "coco", listing(lambda d: d["annotations"][4].update(image_id=99))),
    "coco: an id twice": Case("boxes.yaml", "coco", listing(lambda d: d["images"][1].update(id=10))),
    "coco: a category twice": Case("boxes.yaml", "coco", listing(lambda d: d["categories"][1].update(id=3))),
    "coco: a box of three numbers": Case(
        "boxes.yaml", "coco", listing(lambda d: d["annotations"][4].update(bbox=[1, 2, 3]))
    ),
    "coco: a box of NaN": Case(
        "boxes.yaml", "coco", listing(lambda d: d["annotations"][4].update(bbox=[1, 2, float("nan"), 3]))
    ),
    "coco: an outline of two corners": Case(
        "masks.yaml", "coco", listing(lambda d: d["annotations"][4].update(segmentation=[[1, 2, 3, 4]]))
    ),
    "coco: runs of another size": Case(
        "masks.yaml",
        "coco",
        listing(lambda d: d["annotations"][4].update(segmentation={"size": [3, 3], "counts": [1, 2]})),
    ),
    "coco: no outlines for masks": Case(
        "masks.yaml", "coco", listing(lambda d: [each.pop("segmentation") for each in d["annotations"][3:5]])
    ),
    "coco: no such split": Case("boxes.yaml", "coco", gone("coco/annotations/instances_val.json")),
    "coco: a class that the head lacks": Case("other.yaml", "coco"),
    "coco: more classes than the head": Case("few.yaml", "coco"),
    "coco: data for another task": Case("classes.yaml", "coco"),
    "folders: data for another task": Case("boxes.yaml", "folders"),
    "folders: a class that the head lacks": Case(
        "classes.yaml", "folders", lambda f: (f / "folders/train/cat").rename(f / "folders/train/cow")
    ),
    "folders: no pictures": Case("classes.yaml", "folders", emptied),
    "folders: no such folder": Case("classes.yaml", "nowhere"),
    "folders: an empty folder": Case("classes.yaml", "empty", lambda f: (f / "empty").mkdir()),
    "folders: a picture is a text": Case(
        "classes.yaml", "folders", lambda f: (f / "folders/val/dog/1.jpg").write_text("<html>")
    ),
    "voc: XML that is cut off": Case("boxes.yaml", "voc", cut("voc/Annotations/b.xml", 90)),
    "voc: a box without an edge": Case(
        "boxes.yaml", "voc", text("voc/Annotations/b.xml", lambda t: t.replace("<xmax>30</xmax>", ""))
    ),
    "voc: a picture without XML": Case("boxes.yaml", "voc", gone("voc/Annotations/b.xml")),
    "voc: an empty list": Case("boxes.yaml", "voc", text("voc/ImageSets/Main/train.txt", lambda _: "\n")),
    "voc: a map is missing": Case("maps.yaml", "voc", gone("voc/SegmentationClass/b.png")),
    "voc: a map of another size": Case("maps.yaml", "voc", image("voc/SegmentationClass/b.png", (40, 60), "L", 1)),
    "voc: a map in colour": Case("maps.yaml", "voc", image("voc/SegmentationClass/b.png", (60, 40))),
    "voc: a label of no class": Case("maps.yaml", "voc", image("voc/SegmentationClass/b.png", (60, 40), "L", 7)),
    "shards: one that is cut off": Case("classes.yaml", "shards", cut("shards/train-0.tar", 3000)),
    "shards: one that is compressed": Case("classes.yaml", "shards", packed),
    "shards: a picture without a class": Case(
        "classes.yaml", "shards", shard(("0.png", _png()), ("1.cls", b"0"), ("1.png", _png()))
    ),
    "shards: a class that is no number": Case("classes.yaml", "shards", shard(("0.cls", b"cat"), ("0.png", _png()))),
    "shards: a class of no number": Case("classes.yaml", "shards", shard(("0.cls", b"7"), ("0.png", _png()))),
    "shards: boxes without categories": Case("boxes.yaml", "shards", shard(("0.json", b"{}"), ("0.png", _png()))),
    "shards: in the cloud": Case("classes.yaml", "s3://bucket/train-{000..003}.tar"),
    "recipe: no YAML": recipe("recipe: mine\nbatch: [\n"),
    "recipe: an unknown field": recipe("recipe: mine\nextends: small-detection\noptimiser: {rate: 1}\n"),
    "recipe: a text for a number": recipe("recipe: mine\nextends: small-detection\nbatch: many\n"),
    "recipe: a word that is unknown": recipe("recipe: mine\nextends: small-detection\noptimizer: {kind: adam}\n"),
    "recipe: steps and epochs": recipe("recipe: mine\nschedule: {steps: 5, epochs: 5}\n"),
    "recipe: no length": recipe("recipe: mine\nbatch: 4\n"),
    "recipe: a cycle": recipe(
        "recipe: mine\nextends: yours.yaml\nbatch: 4\n", yours="recipe: yours\nextends: mine.yaml\n"
    ),
    "recipe: an unknown parent": recipe("recipe: mine\nextends: small-detections\n"),
    "recipe: a range the wrong way": recipe("recipe: mine\nextends: small-detection\naugment: {scale: [2, 0.5]}\n"),
    "recipe: a share above 1": recipe("recipe: mine\nextends: small-detection\naugment: {flip: 50}\n"),
    "recipe: drops before the beginning": recipe("recipe: mine\nextends: detection\nschedule: {epochs: 12}\n"),
    "recipe: drops before the first step": recipe(
        "recipe: mine\nextends: detection\ndata: {train: train, evaluate: val}\nschedule: {steps: 12}\nbatch: 1\n"
    ),
    "recipe: all is held out": recipe("recipe: mine\nextends: small-detection\ndata: {hold_out: 3}\n"),
    "recipe: a spec": Case("boxes.yaml", "coco", more=("--recipe", "boxes.yaml")),
    "recipe: an unknown name": Case("boxes.yaml", "coco", more=("--recipe", "smal-detection")),
    "recipe: an unknown setting": Case("boxes.yaml", "coco", more=("--set", "optimizer.lr=0.1")),
    "spec: no head": Case("headless.yaml", "coco"),
    "spec: a recipe": Case("mine.yaml", "coco", recipe("recipe: mine\nextends: small-detection\n").change),
    "weights: of another network": Case("boxes.yaml", "coco", weights, ("--weights", "w.safetensors")),
    "weights: a text": Case(
        "boxes.yaml", "coco", lambda f: (f / "w.safetensors").write_text("<html>"), ("--weights", "w.safetensors")
    ),
    "weights: no such file": Case("boxes.yaml", "coco", more=("--weights", "w.safetensors")),
}
