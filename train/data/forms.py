"""Data sets as people have them: which form a folder or a file is of, and which splits it has."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from spinec.spec.errors import DataError, did_you_mean
from spinec.spec.heads import Head
from spinec.train.data.coco import Report, open_coco
from spinec.train.data.examples import TASKS, DataSet, Task
from spinec.train.data.folders import class_folders, open_folders
from spinec.train.data.json_elements import elements
from spinec.train.data.numbering import task_of
from spinec.train.data.pictures import is_picture
from spinec.train.data.shards import is_shards, open_shards, shard_splits
from spinec.train.data.voc import open_voc_boxes, open_voc_maps, voc_root, voc_splits

EXPORTED = "_annotations.coco.json"  # the name that Roboflow gives to the file beside the pictures
PREFIX = "instances_"
AWAY = re.compile(r"[a-z][a-z0-9+.-]+:")  # the beginning of a URL, of which a path has one slash less
EXPECTED = f"""expected one of
  annotations/{PREFIX}SPLIT.json and SPLIT/*.jpg       boxes and outlines, as COCO has them
  SPLIT/{EXPORTED} and SPLIT/*.jpg     the same, as Roboflow exports them
  SPLIT/CLASS/*.jpg                                   folders of classes, as ImageNet has them
  ImageSets/Main/SPLIT.txt, Annotations, JPEGImages   boxes, as PASCAL VOC has them
  SPLIT-000.tar, SPLIT-001.tar and so on              pictures with .cls, .json or .seg.png files (WebDataset)"""


def open_data(
    path: Path | str,
    split: str | None = None,
    *,
    head: Head | None = None,
    task: Task | None = None,
    images: Path | str | None = None,
) -> DataSet:
    """The data set of a folder or a file, whichever form it is of; only what lists its contents is read.

    The classes are numbered as a `head` of a spec does, by name. `task` says what is to be learned where a data set is
    of use for several things, and follows from the head. `images` is the folder of the pictures of a JSON file, where
    that is none of the usual ones.

    Raises:
        DataError: when it is of no known form, has no such split, or classes that the head has no number for.

    >>> data = open_data("coco", "val2017", head=load("eff-spinenet-d0").head)  # doctest: +SKIP
    >>> data[0].boxes, data[0].classes, data[0].read()  # doctest: +SKIP
    """
    return look_at(Path(path), split, head, task, images)


def look_at(
    place: Path,
    split: str | None = None,
    head: Any = None,
    task: Task | None = None,
    images: Path | str | None = None,
    report: Report | None = None,
) -> DataSet:
    """The data set as `open_data` gives it; what is wrong with entries of its lists is reported to who asks for it."""
    wanted = task if task is not None else (task_of(head) if head is not None else None)
    if task is not None and task not in TASKS:
        raise DataError(f"no task {task!r}: {did_you_mean(task, TASKS)}")
    try:
        if elsewhere := next((part for part in place.parts if AWAY.fullmatch(part)), None):
            name = str(place)[str(place).index(elsewhere) :].replace(":/", "://", 1)
            raise DataError(f"{name}: is not on this machine: data sets are read from files, so copy or mount it")
        if not place.exists() and "{" not in place.name:
            raise DataError(f"{place}: no such file or folder")
        return _checked(_opened(place, split, head, wanted, images, report), wanted)
    except OSError as error:
        raise DataError(f"{place}: cannot be read: {error.strerror or error}") from None


def splits_of(folder: Path, task: Task | None = None) -> dict[str, Path]:
    """What each split of a folder is read from."""
    if is_shards(folder):
        return shard_splits(folder)
    if root := voc_root(folder):
        return voc_splits(root, "segmentation" if task == "segmentation" else "detection")
    listed = {path.stem.removeprefix(PREFIX): path for path in sorted((folder / "annotations").glob(f"{PREFIX}*.json"))}
    exported = {path.parent.name: path for path in sorted(folder.glob(f"*/{EXPORTED}"))}
    return listed or exported or {each.name: each for each in class_folders(folder) if _has_classes(each)}


def _opened(
    place: Path,
    split: str | None,
    head: Any,
    task: Task | None,
    images: Path | str | None,
    report: Report | None,
) -> DataSet:
    if place.is_file() and not is_shards(place):
        return open_coco(place, _pictures_of(place, images), _for(place, "detection", task, head), report)
    if (place / EXPORTED).is_file():
        return open_coco(place / EXPORTED, place, _for(place, "detection", task, head), report)
    splits = splits_of(place, task) if place.is_dir() else {}
    if is_shards(place):
        return open_shards(place, _split(place, split, splits) if splits or split else None, head)
    if not splits and split is None and _has_classes(place):
        return open_folders(place, _for(place, "classification", task, head))
    if not splits:
        raise DataError(f"{place}: not a data set of a known form: {EXPECTED}")
    source = splits[_split(place, split, splits)]
    if (root := voc_root(place)) and task == "segmentation":
        return open_voc_maps(root, source, head)
    if root:
        return open_voc_boxes(root, source, _for(source, "detection", task, head), report)
    if source.is_dir():
        return open_folders(source, _for(source, "classification", task, head), splits.values())
    return open_coco(source, _pictures_of(source, images), _for(source, "detection", task, head), report)


def _split(place: Path, split: str | None, splits: Mapping[str, Path]) -> str:
    if split in splits:
        return str(split)
    known = ", ".join(splits)
    if split is None and len(splits) == 1:
        return next(iter(splits))
    if split is None:
        raise DataError(f"{place}: has several splits, say which: {known}")
    raise DataError(f"{place}: has no split {split!r}: expected {known}")


def _checked(data: DataSet, task: Task | None) -> DataSet:
    _for(data.name, data.task, task, None)
    return data


def _for(name: object, own: Task, wanted: Task | None, head: Any) -> Any:
    """The head, if its task is that of the data set: otherwise not its classes are what is wrong.

    Raises:
        DataError: where it is another.
    """
    if wanted is not None and own != wanted:
        raise DataError(f"{name}: a data set for {own}, and the head is for {wanted}")
    return head


def _has_classes(folder: Path) -> bool:
    """Whether there are folders with pictures in it, by the first few entries of each."""
    return any(is_picture(path) for each in class_folders(folder) for path in each.iterdir())


def _pictures_of(file: Path, images: Path | str | None) -> Path:
    """The folder in which the first picture is that a file lists."""
    first = next((element.value for element in elements(file) if element.key == "images"), None)
    name = first.get("file_name") if isinstance(first, dict) else None
    tried = list(_candidates(file) if images is None else [Path(images)])
    if not isinstance(name, str):
        return tried[0]  # what is wrong with the file is said where it is read
    found = next((folder for folder in tried if (folder / name).is_file()), None)
    if found is None:
        looked = ", ".join(map(str, tried))
        raise DataError(
            f"{file}: its first picture {name!r} is in none of: {looked}; images= (--images) names another folder"
        )
    return found


def _candidates(file: Path) -> Iterator[Path]:
    split, beside = file.stem.removeprefix(PREFIX), file.parent
    above = beside.parent if beside.name == "annotations" else beside
    yield from dict.fromkeys((above / split, above / "images" / split, above / "images", above, beside))
