"""COCO's twelve figures (https://cocodataset.org/#detection-eval), counted by faster-coco-eval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from spinec.spec.errors import DataError
from spinec.train.evaluation.detections import Detection, Truths


class Cut(NamedTuple):
    """Which part of all that is counted a figure is the mean of."""

    precision: bool
    """Or else recall."""
    overlap: int | None = None
    """One of the ten of 0.5 to 0.95; by default all."""
    area: int = 0
    """All, or small: below 32^2 pixels, or medium: below 96^2, or large."""
    most: int = 2
    """Of 1, 10 or 100 boxes of a class in a picture."""


FIGURES = {
    "AP": Cut(True),
    "AP50": Cut(True, overlap=0),
    "AP75": Cut(True, overlap=5),
    "APs": Cut(True, area=1),
    "APm": Cut(True, area=2),
    "APl": Cut(True, area=3),
    "AR1": Cut(False, most=0),
    "AR10": Cut(False, most=1),
    "AR100": Cut(False),
    "ARs": Cut(False, area=1),
    "ARm": Cut(False, area=2),
    "ARl": Cut(False, area=3),
}
Kind = Literal["bbox", "segm"]


@dataclass(frozen=True, eq=False)
class Counts:
    """Precision and recall by overlap, class, area and number of boxes; -1 where nothing of a class is there."""

    numbers: Sequence[int]
    """Of the classes."""
    precision: NDArray[np.float64]
    """(overlaps, recalls, classes, areas, numbers)."""
    recall: NDArray[np.float64]
    """(overlaps, 1, classes, areas, numbers)."""

    def figures(self, number: int | None = None) -> dict[str, float | None]:
        """The twelve, of one class or in the mean over all; none where nothing is there to be found."""
        which = slice(None) if number is None else self.numbers.index(number)
        return {name: self._mean(cut, which) for name, cut in FIGURES.items()}

    def _mean(self, cut: Cut, which: slice | int) -> float | None:
        counted = self.precision if cut.precision else self.recall
        overlaps = slice(None) if cut.overlap is None else cut.overlap
        known = counted[overlaps, :, which, cut.area, cut.most]
        known = known[known > -1]
        return float(known.mean()) if known.size else None


def counts_of(truths: Truths, detections: Sequence[Detection], numbers: Sequence[int], kind: Kind) -> Counts:
    """What COCO's evaluation counts of boxes or of masks.

    Where masks are judged, a detection is as large as its mask.
    """
    coco = coco_eval()
    images = [{"id": place, **_size(truths, position)} for position, place in truths.order.items()]
    there = [
        _entry(truths, i, each, area=each.area, iscrowd=int(each.crowd)) for i, each in enumerate(truths.things, 1)
    ]
    area = _box_area if kind == "bbox" else _mask_area
    found = [
        _entry(truths, i, each, area=area(each), iscrowd=0, score=each.score) for i, each in enumerate(detections, 1)
    ]
    categories = [{"id": number, "name": str(number)} for number in numbers]
    truth, answer = (
        coco.COCO({"images": images, "categories": categories, "annotations": each}) for each in (there, found)
    )
    judged = coco.COCOeval_faster(truth, answer, kind)
    judged.evaluate()
    judged.accumulate()
    return Counts(list(numbers), np.asarray(judged.eval["precision"]), np.asarray(judged.eval["recall"])[:, None])


def coco_eval() -> Any:
    """The package that counts.

    Raises:
        DataError: when it is not installed.
    """
    try:
        import faster_coco_eval
    except ImportError:
        missing = "faster-coco-eval, which counts average precision, is not installed"
        raise DataError(f"{missing}: pip install 'spinec[train]'") from None
    return faster_coco_eval


def encoded(masks: NDArray[np.bool_]) -> list[dict[str, Any]]:
    """Masks (n, height, width) in COCO's short form."""
    from faster_coco_eval.core.mask import encode

    return [
        {"size": each["size"], "counts": each["counts"].decode()}
        for each in encode(np.asfortranarray(masks.transpose(1, 2, 0).astype(np.uint8)))
    ]


def _size(truths: Truths, position: int) -> dict[str, int]:
    """Of a picture, where masks need it."""
    height, width = truths.sizes.get(position, (0, 0))
    return {"height": height, "width": width}


def _entry(truths: Truths, place: int, thing: Any, **more: float) -> dict[str, Any]:
    named = {"id": place, "image_id": truths.order[thing.position], "category_id": thing.number}
    shape = {} if thing.mask is None else {"segmentation": thing.mask}
    return {**named, "bbox": list(thing.box), **shape, **more}


def _box_area(found: Detection) -> float:
    _, _, width, height = found.box
    return width * height


def _mask_area(found: Detection) -> float:
    from faster_coco_eval.core.mask import area

    return float(area(found.mask))
