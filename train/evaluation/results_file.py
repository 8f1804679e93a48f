"""Files of results of COCO's form (https://cocodataset.org/#format-results): what was found, by whatever program."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from math import isfinite
from pathlib import Path
from typing import Any, NamedTuple

from spinec.spec.errors import DataError
from spinec.train.data.coco import row_of
from spinec.train.data.examples import DataSet, Example
from spinec.train.data.json_elements import value_of
from spinec.train.data.masks import Runs, mask_of
from spinec.train.evaluation.boxes import boxes_judged
from spinec.train.evaluation.detections import Detection
from spinec.train.evaluation.precision import coco_eval
from spinec.train.evaluation.verdict import Verdict, numbers_of


class Known(NamedTuple):
    """What a data set calls its pictures and classes."""

    data: DataSet
    positions: Mapping[int | str, int]
    examples: Mapping[int, Example]
    numbers: Mapping[int, int]


def judge_results(file: Path, data: DataSet, limit: int | None = None) -> Verdict:
    """How good the results in a file are: a list of objects of image_id, category_id, bbox, score and segmentation.

    All pictures of the data set are judged, or the first `limit`, whether the file has anything of them or not.

    Raises:
        DataError: when the file cannot be read, or names what the data set does not have.
    """
    if data.task != "detection":
        raise DataError(f"{data.name}: a data set for {data.task}, and files of results are for detection")
    coco_eval()
    known = _known(data)
    found = read_results(file, known)
    judged = {position: known.examples[position] for position in range(len(data))[:limit]}
    masks = any(each.mask is not None for each in found)
    return boxes_judged(data, judged, [each for each in found if each.position in judged], masks=masks)


def results_text(data: DataSet, detections: Sequence[Detection]) -> str:
    """What was found in pictures of a data set as a file of results."""
    ids = {position: data[position].id for position in {each.position for each in detections}}
    entries = [
        {
            "image_id": ids[each.position],
            "category_id": data.numbering.ids[each.number],
            "bbox": list(each.box),
            "score": each.score,
            **({} if each.mask is None else {"segmentation": each.mask}),
        }
        for each in detections
    ]
    return json.dumps(entries, separators=(",", ":"), allow_nan=False) + "\n"


def read_results(file: Path, known: Known) -> list[Detection]:
    """What a file of results says."""
    value = value_of(file)
    if not isinstance(value, list):
        raise DataError(f"{file}: expected a list of results, each with image_id, category_id, bbox and score")
    found: list[Detection] = []
    for number, entry in enumerate(value, 1):
        try:
            found.append(_detection(entry, known))
            if (found[-1].mask is None) != (found[0].mask is None):
                raise ValueError("expected a segmentation in every entry or in none")
        except ValueError as error:
            raise DataError(f"{file}: entry {number}: {error}") from None
    return found


def _known(data: DataSet) -> Known:
    examples = {position: data[position] for position in range(len(data))}
    positions = {example.id: position for position, example in examples.items()}
    return Known(data, positions, examples, {data.numbering.ids[number]: number for number in numbers_of(data)})


def _detection(entry: Any, known: Known) -> Detection:
    """An entry of the file.

    Raises:
        ValueError: saying what it should be.
    """
    if not isinstance(entry, dict):
        raise ValueError("expected an object")
    mask = _mask(entry["segmentation"]) if entry.get("segmentation") else None
    row = row_of(entry if mask is None or "bbox" in entry else {**entry, "bbox": _box(mask)}, (0, 0))
    score = entry.get("score")
    if not isinstance(score, int | float) or isinstance(score, bool) or not isfinite(score):
        raise ValueError(f"expected a score that is a number, got {score!r}")
    if row.image not in known.positions:
        raise ValueError(f"no picture of {known.data.name} has the id {row.image!r}")
    if row.category not in known.numbers:
        ids = ", ".join(map(str, sorted(known.numbers)[:10]))
        raise ValueError(f"no class of {known.data.name} has the id {row.category}: expected {ids}")
    position = known.positions[row.image]
    size = known.examples[position].size
    if mask is not None and size is not None and tuple(mask["size"]) != size:
        own, other = (" x ".join(map(str, each)) for each in (mask["size"], size))
        raise ValueError(f"a segmentation of {own} pixels (height x width), and the picture has {other}")
    return Detection(position, known.numbers[row.category], row.box, float(score), mask)


def _mask(segmentation: Any) -> dict[str, Any]:
    """A mask in COCO's short form."""
    from faster_coco_eval.core.mask import frPyObjects

    mask = mask_of(segmentation)
    if not isinstance(mask, Runs):
        raise ValueError("expected a segmentation of size and counts of runs")
    height, width = mask.size
    packed = frPyObjects({"size": [height, width], "counts": mask.counts.tolist()}, height, width)
    return {"size": [height, width], "counts": packed["counts"].decode()}


def _box(mask: dict[str, Any]) -> list[float]:
    from faster_coco_eval.core.mask import toBbox

    return [float(each) for each in toBbox(mask)]
