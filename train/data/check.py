"""What is wrong or odd about a data set: every example is looked at, and what stops training is told from the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from spinec.backends.image_file import orientation_of
from spinec.spec.errors import DataError
from spinec.spec.heads import MaskRCNN
from spinec.train.data.augment import NO_OUTLINE
from spinec.train.data.batches import MOST
from spinec.train.data.examples import NONE, DataSet, Example, Task
from spinec.train.data.findings import KINDS, Finding
from spinec.train.data.forms import look_at, splits_of
from spinec.train.data.numbering import task_of
from spinec.train.data.workers import in_order

SHOWN = 3  # examples of each kind that are kept


@dataclass
class Tally:
    """What was found of one kind: how often, and the first of it."""

    count: int = 0
    first: list[Finding] = field(default_factory=list)

    def add(self, finding: Finding) -> None:
        """Count a finding."""
        self.count += 1
        if self.count <= SHOWN:
            self.first.append(finding)


@dataclass
class Checked:
    """A split of a data set, looked at."""

    name: str
    split: str
    task: Task | None = None
    examples: int = 0
    tallies: dict[str, Tally] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether a network can be trained on it."""
        return not any(KINDS[kind].stops for kind in self.tallies)

    def add(self, finding: Finding) -> None:
        """Count a finding."""
        self.tallies.setdefault(finding.kind, Tally()).add(finding)


class Looked(NamedTuple):
    """What was seen of one example."""

    findings: list[Finding]
    digest: bytes
    """Of the picture's pixels; nothing where it was not read."""
    classes: tuple[int, ...]


def check_data(
    path: Path,
    split: str | None = None,
    *,
    head: Any = None,
    task: Task | None = None,
    images: Path | None = None,
    pictures: bool = True,
    workers: int = 0,
    watched: Callable[[Iterable[int]], Iterable[int]] = iter,
) -> list[Checked]:
    """Each split, or one, looked at from end to end; without `pictures`, only what lists them.

    `watched` is told of the progress: it is given the positions of a split and gives them back.
    """
    with suppress(DataError, OSError):
        if split is None and len(splits := splits_of(path, task)) > 1:
            return [
                check
                for each in splits
                for check in check_data(
                    path, each, head=head, task=task, images=images, pictures=pictures, workers=workers, watched=watched
                )
            ]
    checked = Checked(str(path), split or "")
    data = _opened(checked, path, split, head, task, images)
    if data is None:
        return [checked]
    checked.task, checked.examples = data.task, len(data)
    looking = partial(look, data, pictures, isinstance(head, MaskRCNN))
    _look(data, checked, in_order(looking, watched(range(len(data))), workers))
    return [checked]


def _opened(
    checked: Checked, path: Path, split: str | None, head: Any, task: Task | None, images: Any
) -> DataSet | None:
    """The data set; where it can be opened without the head alone, its classes are what does not fit."""
    found: list[Finding] = []
    data = None
    wanted = task if task is not None or head is None else task_of(head)
    try:
        data = look_at(path, split, head, wanted, images, found.append)
    except DataError as error:
        found = [Finding("file", "", str(error))]
        if head is not None:
            others: list[Finding] = []
            with suppress(DataError):
                data = look_at(path, split, None, wanted, images, others.append)
                found = [Finding("class", "", str(error)), *others]
    for each in found:
        checked.add(each)
    return data


def _look(data: DataSet, checked: Checked, found: Iterable[Looked]) -> None:
    seen: dict[bytes, str] = {}
    used: set[int] = set()
    for position, looked in enumerate(found):
        used.update(looked.classes)
        for finding in looked.findings:
            checked.add(finding)
        if looked.digest:
            name = data[position].name
            if looked.digest in seen:
                checked.add(Finding("picture twice", name, f"the same as {seen[looked.digest]}"))
            seen.setdefault(looked.digest, name)
    if data.task != "segmentation":
        for number, name in enumerate(data.numbering.names):
            if data.numbering.ids[number] != NONE and number not in used:
                checked.add(Finding("no examples", name, f"class {number}"))


def look(data: DataSet, pictures: bool, masks: bool, position: int) -> Looked:
    """Look at one example, and where masks are learned, at whether it has them."""
    try:
        example = data[position]
    except DataError as error:
        return Looked([Finding("file", "", str(error))], b"", ())
    findings: list[Finding] = []
    size, digest = example.size, b""
    if pictures:
        try:
            picture = example.read()
            size = picture.height, picture.width
            digest = blake2b(picture.tobytes() + repr(size).encode(), digest_size=16).digest()
            findings += _turned(example)
        except DataError as error:
            findings.append(Finding("picture", "", str(error)))
        findings += _outlines(example)
        findings += _map(example, size)
    if masks and len(example.boxes) and example.read_masks is None:
        findings.append(Finding("outline", example.name, NO_OUTLINE))
    if data.task == "detection":
        findings += _boxes(example, size)
    classes = [example.label] if example.label is not None else example.classes[~example.crowd].tolist()
    return Looked(findings, digest, tuple(classes))


def _boxes(example: Example, size: tuple[int, int] | None) -> Iterator[Finding]:
    if not len(example.boxes):
        yield Finding("no boxes", example.name, "")
    if (~example.crowd).sum() > MOST:
        yield Finding("many boxes", example.name, f"{(~example.crowd).sum()}, of which {MOST} are learned")
    seen = set()
    limits = np.array([np.inf, np.inf] if size is None else size)
    for row, (box, number) in enumerate(zip(example.boxes.tolist(), example.classes.tolist(), strict=True)):
        where = f"{example.name} box {row + 1}"
        told = ", ".join(f"{edge:g}" for edge in box)
        detail = f"top, left, bottom, right: {told}" + ("" if size is None else f" of {size[0]} x {size[1]}")
        top, left = max(0.0, box[0]), max(0.0, box[1])
        bottom, right = min(limits[0], box[2]), min(limits[1], box[3])
        if bottom <= top or right <= left:
            yield Finding("no area", where, detail)
        elif min(box) < 0 or box[2] > limits[0] or box[3] > limits[1]:
            yield Finding("outside", where, detail)
        if example.crowd[row]:
            yield Finding("crowd", where, "")
        if (number, *box) in seen:
            yield Finding("box twice", where, detail)
        seen.add((number, *box))


def _turned(example: Example) -> Iterator[Finding]:
    turn = orientation_of(Path(example.name))
    if turn != 1:
        yield Finding("turned", example.name, f"orientation {turn}")


def _outlines(example: Example) -> Iterator[Finding]:
    if example.read_masks is not None:
        try:
            example.read_masks()
        except DataError as error:
            yield Finding("outline", "", str(error))


def _map(example: Example, size: tuple[int, int] | None) -> Iterator[Finding]:
    if example.read_map is not None:
        try:
            own = example.read_map().shape
        except DataError as error:
            yield Finding("map", "", str(error))
            return
        if size is not None and own != size:
            yield Finding("map", example.name, f"{size[0]} x {size[1]} pixels, and its map has {own[0]} x {own[1]}")
