"""Tar files of pictures and what they show, in WebDataset's layout: files of a sample share a name up to the dot.

A tar file is not unpacked: where each file begins in it is read once, shard by shard, when it is first asked for.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from spinec.backends.image import in_colour
from spinec.backends.image_file import picture_in
from spinec.spec.errors import BackendError, DataError
from spinec.train.data.coco import Image as Listed
from spinec.train.data.coco import Index, row_of, set_of
from spinec.train.data.examples import Example, Numbering, Task
from spinec.train.data.maps import map_in
from spinec.train.data.masks import Mask, mask_of
from spinec.train.data.numbering import numbered, numbered_values, task_of
from spinec.train.data.tar_samples import CLASS, LISTED, MAP, read_bytes, samples_of

if TYPE_CHECKING:
    from PIL.Image import Image

BRACES = re.compile(r"\{(\d+)\.\.(\d+)\}")
TASKS: Mapping[str, Task] = {CLASS: "classification", LISTED: "detection", MAP: "segmentation"}
CATEGORIES, NAMES, SIZES = "categories.json", "classes.txt", "sizes.json"


@dataclass(frozen=True, eq=False)
class ShardSet:
    """The samples of tar files, one file after the other."""

    name: str
    shards: tuple[Path, ...] = field(repr=False)
    ends: NDArray[np.int64] = field(repr=False)
    """How many samples there are up to each shard's end."""
    numbering: Numbering = field(repr=False)
    task: Task

    def absent(self) -> Iterable[str]:
        """None: what a shard holds is in it."""
        return ()

    def __len__(self) -> int:
        return int(self.ends[-1])

    def __getitem__(self, position: int) -> Example:
        number = int(np.searchsorted(self.ends, position, side="right"))
        shard = self.shards[number]
        sample = samples_of(shard)[position - (int(self.ends[number - 1]) if number else 0)]
        name = f"{shard}:{sample.key}"
        read = partial(_picture, shard, sample.picture, name)
        if TASKS[sample.suffix] != self.task:
            raise DataError(f"{name}: a {sample.suffix} file, which is for {TASKS[sample.suffix]}, not for {self.task}")
        if self.task == "segmentation":
            read_map = partial(_map, shard, sample.label, f"{name}{MAP}", self.numbering.numbers)
            return Example(sample.key, name, read, read_map=read_map)
        label = read_bytes(shard, sample.label, name)
        if self.task == "classification":
            return Example(sample.key, name, read, label=self._number(_whole(label, name), name))
        return self._boxes(sample.key, name, read, label)

    def _number(self, label: int, name: str) -> int:
        if label not in self.numbering.numbers:
            known = ", ".join(map(str, [*self.numbering.numbers][:10]))
            raise DataError(f"{name}{CLASS}: class {label}, expected {known}")
        return self.numbering.numbers[label]

    def _boxes(self, key: str, name: str, read: Any, label: bytes) -> Example:
        """The boxes of a sample, whose JSON has annotations as COCO's files have them."""
        try:
            annotations = [{**each, "image_id": key} for each in json.loads(label)["annotations"]]
            rows = [row_of(each, (0, 0)) for each in annotations]
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(f"{name}{LISTED}: expected COCO's annotations: {error}") from None
        if strange := [row.category for row in rows if row.category not in self.numbering.numbers]:
            raise DataError(f"{name}{LISTED}: category {strange[0]} is not one of {CATEGORIES}")
        index = Index({key: Listed(key, key, None)}, rows, {})
        outlines = [each.get("segmentation") for each in annotations]
        masks = partial(_masks, outlines, name) if all(outlines) else None
        return replace(set_of(Path(name), Path(), index, self.numbering)[0], name=name, read=read, read_masks=masks)


def is_shards(path: Path) -> bool:
    """Whether a name stands for tar files: one, several as shard-{000..010}.tar, or a folder of them."""
    return path.suffix == ".tar" or (path.is_dir() and any(path.glob("*.tar")))


def shard_splits(folder: Path) -> dict[str, Path]:
    """The splits of a folder of tar files: what their names begin with, up to the last hyphen."""
    names = {path.stem.rpartition("-")[0] for path in folder.glob("*.tar")}
    return dict.fromkeys(sorted(names - {""}), folder)


def open_shards(path: Path, split: str | None = None, head: Any = None) -> ShardSet:
    """The data set of tar files; of these, only the names and sizes of the files within are read.

    Beside them, `classes.txt` names the classes that `.cls` files and the values of `.seg.png` files number, from 0 on;
    without it they are the head's.
    For `.json` files with boxes, `categories.json` lists the categories as a file of COCO does. `sizes.json` says how
    many samples each shard has; where it does, a shard is not looked at before its first sample is asked for.

    Raises:
        DataError: when there are none, or one of them is damaged.
    """
    shards = tuple(_expanded(path, split))
    if not shards:
        raise DataError(f"{path}: no tar files")
    if missing := [each for each in shards if not each.is_file()]:
        raise DataError(f"{missing[0]}: no such file")
    folder = shards[0].parent
    sizes = _listed(folder / SIZES) or {}
    counts = [sizes[each.name] if each.name in sizes else len(samples_of(each)) for each in shards]
    first = next((samples_of(each)[0] for each in shards if samples_of(each)), None)
    if first is None:
        raise DataError(f"{path}: no pictures with {CLASS}, {LISTED} or {MAP} files beside them")
    task = TASKS[first.suffix]
    if head is not None and (wanted := task_of(head)) != task:
        raise DataError(f"{path}: a data set for {task}, and the head is for {wanted}")
    numbering = _numbering(folder, task, head)
    return ShardSet(str(path), shards, np.cumsum(np.array(counts, np.int64)), numbering, task)


def _expanded(path: Path, split: str | None) -> list[Path]:
    found = BRACES.search(path.name)
    if found:
        first, last = found.groups()
        numbers = (f"{number:0{len(first)}}" for number in range(int(first), int(last) + 1))
        return [path.with_name(path.name.replace(found[0], number)) for number in numbers]
    return sorted(path.glob(f"{split}-*.tar" if split else "*.tar")) if path.is_dir() else [path]


def _numbering(folder: Path, task: Task, head: Any) -> Numbering:
    if task != "detection":
        if (folder / NAMES).is_file():
            names = (folder / NAMES).read_text(encoding="utf-8").splitlines()
            return numbered(dict(enumerate(names)), head, str(folder / NAMES), range(len(names)))
        if head is None and task == "classification":
            raise DataError(f"{folder}: expected {NAMES} with a class on every line")
        return numbered_values(head)
    listed = _listed(folder / CATEGORIES)
    if listed is None:
        raise DataError(f"{folder}: expected {CATEGORIES} with the categories as a file of COCO lists them")
    try:
        categories = {int(each["id"]): str(each["name"]) for each in listed}
    except (ValueError, KeyError, TypeError):
        raise DataError(f"{folder / CATEGORIES}: expected a list of objects with id and name") from None
    return numbered(categories, head, str(folder / CATEGORIES), categories)


def _listed(path: Path) -> Any:
    """What a JSON file says; nothing where there is none."""
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        raise DataError(f"{path}: not a JSON file that can be read") from None


def _picture(shard: Path, place: tuple[int, int], name: str) -> Image:
    try:
        return in_colour(picture_in(io.BytesIO(read_bytes(shard, place, name)), name))
    except BackendError as error:
        raise DataError(str(error)) from None


def _map(shard: Path, place: tuple[int, int], name: str, numbers: Mapping[int, int]) -> NDArray[np.uint8]:
    return map_in(io.BytesIO(read_bytes(shard, place, name)), name, numbers)


def _whole(label: bytes, name: str) -> int:
    try:
        return int(label)
    except ValueError:
        raise DataError(f"{name}{CLASS}: expected the number of a class, got {label[:20]!r}") from None


def _masks(outlines: Sequence[Any], name: str) -> list[Mask]:
    try:
        return [mask_of(each) for each in outlines]
    except ValueError as error:
        raise DataError(f"{name}{LISTED}: segmentation: {error}") from None
