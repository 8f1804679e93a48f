"""PASCAL VOC's form: a list of pictures for each split, and of each an XML file of boxes or a PNG file of classes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree

from spinec.spec.errors import DataError
from spinec.train.data.coco import CocoSet, Image, Index, Report, Row, checked, set_of
from spinec.train.data.examples import Example, Numbering, Task
from spinec.train.data.findings import Finding
from spinec.train.data.maps import map_in
from spinec.train.data.masks import FARTHEST
from spinec.train.data.numbering import numbered, numbered_values
from spinec.train.data.pictures import read_rgb

LISTS: Mapping[Task, str] = {"detection": "Main", "segmentation": "Segmentation"}
EDGES = ("xmin", "ymin", "xmax", "ymax")
PICTURES, BOXES, MAPS, AUGMENTED = "JPEGImages", "Annotations", "SegmentationClass", "SegmentationClassAug"


class Found(NamedTuple):
    """A thing that the XML file of a picture lists: its class, its edges, and whether it is marked as difficult."""

    name: str
    box: tuple[float, float, float, float]
    difficult: bool


@dataclass(frozen=True, eq=False)
class VocMaps:
    """The pictures of a list, with the class of every pixel."""

    listed: Path
    folder: Path
    numbering: Numbering = field(repr=False)
    pairs: list[tuple[str, str]] = field(repr=False)
    """The picture and the map of each, from the folder."""
    task: Task = "segmentation"

    @property
    def name(self) -> str:
        """What messages call it: its list."""
        return str(self.listed)

    def absent(self) -> Iterable[str]:
        """The pictures and maps that are listed and not there."""
        return (str(self.folder / each) for pair in self.pairs for each in pair if not (self.folder / each).is_file())

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, position: int) -> Example:
        picture, values = (self.folder / each for each in self.pairs[position])
        read = partial(map_in, values, str(values), self.numbering.numbers)
        return Example(picture.stem, str(picture), partial(read_rgb, picture), read_map=read)


def voc_root(folder: Path) -> Path | None:
    """The folder of VOC's form that a folder is, or has in it as `VOCdevkit/VOC2012` has."""
    inner = (folder, *sorted(folder.glob("VOC*")), *sorted(folder.glob("VOCdevkit/VOC*")))
    found = [each for each in inner if (each / PICTURES).is_dir() and (each / "ImageSets").is_dir()]
    if len(found) > 1:
        raise DataError(f"{folder}: has several years, say which: {', '.join(map(str, found))}")
    return found[0] if found else None


def voc_splits(root: Path, task: Task) -> dict[str, Path]:
    """The lists of pictures of each split; those of single classes, such as cat_train, are none."""
    lists = {path.stem: path for path in sorted((root / "ImageSets" / LISTS[task]).glob("*.txt"))}
    return {name: path for name, path in lists.items() if "_" not in name or not _is_of_class(path)}


def open_voc_boxes(root: Path, split: Path, head: Any = None, report: Report | None = None) -> CocoSet:
    """The data set of a list, with the boxes of its XML files; all of these are read, as they list the classes.

    What is marked as difficult counts as a crowd: it is not learned, and its finds are not judged.

    Raises:
        DataError: when a file is damaged, or the head has no number for a class.
    """
    found: list[Finding] = []
    index = read_voc(root, split, report or found.append)
    checked(found, split)
    used = {row.category for row in index.rows}
    return set_of(split, root / PICTURES, index, numbered(index.categories, head, str(split), used))


def open_voc_maps(root: Path, split: Path, head: Any = None) -> VocMaps:
    """The data set of a list, with the maps of classes; nothing but the list is read.

    Lines are names of pictures, or pairs of a picture and a map as the augmented list (arXiv 1606.00915) has them. Maps
    are in `SegmentationClass`, those of a split with 'aug' in its name in `SegmentationClassAug`.
    """
    maps = AUGMENTED if "aug" in split.stem and (root / AUGMENTED).is_dir() else MAPS
    pairs = []
    for words in _lines(split):
        picture, values = (f"{PICTURES}/{words[0]}.jpg", f"{maps}/{words[0]}.png") if len(words) == 1 else words[:2]
        pairs.append((picture.lstrip("/"), values.lstrip("/")))
    return VocMaps(split, root, numbered_values(head), pairs)


def read_voc(root: Path, split: Path, report: Report) -> Index:
    """What the XML files of a list say, as a file of COCO's form says it; the classes are those of all splits."""
    names = {found.name for path in sorted((root / BOXES).glob("*.xml")) for found in _things(path, lambda _: None)[1]}
    categories = dict(enumerate(sorted(names), 1))
    numbers = {name: number for number, name in categories.items()}
    index = Index({}, [], categories)
    for name, *_ in _lines(split):
        image, things = _things(root / BOXES / f"{name}.xml", report)
        index.images[name] = image
        index.rows.extend(
            Row(name, numbers[each.name], each.box, each.difficult, each.box[2] * each.box[3], False, (0, 0))
            for each in things
        )
    return index


def _lines(split: Path) -> Iterator[list[str]]:
    try:
        lines = split.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        raise DataError(f"{split}: cannot be read") from None
    found = [line.split() for line in lines if line.strip()]
    if not found:
        raise DataError(f"{split}: lists no pictures")
    yield from found


def _is_of_class(path: Path) -> bool:
    """Whether a list says of each picture whether it shows a class: 1, 0 or -1 behind its name."""
    first = path.read_text(encoding="utf-8", errors="replace").partition("\n")[0].split()
    return len(first) == 2 and first[1] in ("-1", "0", "1")


def _things(path: Path, report: Report) -> tuple[Image, list[Found]]:
    """The picture of an XML file, and what is in it; what is wrong is reported and left out."""
    name = f"{path.parent.name}/{path.name}"
    try:
        root = ElementTree.parse(path).getroot()
    except OSError as error:
        report(Finding("file", name, _unread(error)))
        return Image(path.stem, f"{path.stem}.jpg", None), []
    except ElementTree.ParseError as error:
        report(Finding("file", name, f"not XML: {error}"))
        return Image(path.stem, f"{path.stem}.jpg", None), []
    things = []
    for number, each in enumerate(root.iter("object"), 1):
        try:
            things.append(_thing(each))
        except ValueError as error:
            report(Finding("malformed", f"{name} object {number}", str(error)))
    return Image(path.stem, root.findtext("filename") or f"{path.stem}.jpg", _size(root)), things


def _unread(error: OSError) -> str:
    return "no such file" if isinstance(error, FileNotFoundError) else f"cannot be read: {error.strerror or error}"


def _thing(each: ElementTree.Element) -> Found:
    """A thing; its edges are counted from 1, and the last pixel is within."""
    name = (each.findtext("name") or "").strip()
    if not name:
        raise ValueError("expected a name")
    try:
        left, top, right, bottom = (float(each.findtext(f"bndbox/{edge}") or "") for edge in EDGES)
    except ValueError:
        raise ValueError(f"expected a bndbox of {', '.join(EDGES)}") from None
    if not all(abs(edge) < FARTHEST for edge in (left, top, right, bottom)):  # NaN is not
        raise ValueError("expected a bndbox of pixels")
    box = (left - 1, top - 1, right - left + 1, bottom - top + 1)
    return Found(name, box, (each.findtext("difficult") or "0").strip() == "1")


def _size(root: ElementTree.Element) -> tuple[int, int] | None:
    """Height and width; some tools write 0 where they do not know."""
    try:
        height, width = (int(root.findtext(f"size/{side}") or 0) for side in ("height", "width"))
    except ValueError:
        return None
    return (height, width) if min(height, width) > 0 else None
