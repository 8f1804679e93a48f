"""A data set of COCO's form, written picture by picture."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from spinec.compiler.answers.run_lengths import run_lengths

if TYPE_CHECKING:
    from PIL.Image import Image

QUALITY = 92  # of the pictures, as JPEG


class Thing(NamedTuple):
    """Something in a picture: its class, from 0 on, and its pixels (height, width)."""

    number: int
    mask: NDArray[np.bool_]


@dataclass
class CocoWriter:
    """The pictures of a split, and what is in them. Categories have ids from 1 on."""

    folder: Path
    split: str
    names: Sequence[str]
    images: list[dict[str, Any]] = field(default_factory=list)
    annotations: list[dict[str, Any]] = field(default_factory=list)

    def add(self, picture: Image, things: Sequence[Thing]) -> None:
        """Write a picture, and keep what is in it in mind; what has no pixels is not there."""
        number = len(self.images) + 1
        file = f"{number:06}.jpg"
        (self.folder / self.split).mkdir(parents=True, exist_ok=True)
        picture.save(self.folder / self.split / file, quality=QUALITY, subsampling=0)
        size = {"height": picture.height, "width": picture.width}
        self.images.append({"id": number, "file_name": file, **size})
        self.annotations += (
            {
                "id": len(self.annotations) + i,
                "image_id": number,
                "category_id": thing.number + 1,
                **_outline(thing.mask),
            }
            for i, thing in enumerate((each for each in things if each.mask.any()), 1)
        )

    def close(self) -> None:
        """Write the list of pictures and of what is in them."""
        (self.folder / "annotations").mkdir(exist_ok=True)
        categories = [{"id": i, "name": name} for i, name in enumerate(self.names, 1)]
        listed = {"images": self.images, "annotations": self.annotations, "categories": categories}
        text = json.dumps(listed, separators=(",", ":")) + "\n"
        (self.folder / "annotations" / f"instances_{self.split}.json").write_text(text, encoding="utf-8")


def _outline(mask: NDArray[np.bool_]) -> dict[str, Any]:
    rows, columns = np.flatnonzero(mask.any(1)).tolist(), np.flatnonzero(mask.any(0)).tolist()
    box = [columns[0], rows[0], columns[-1] + 1 - columns[0], rows[-1] + 1 - rows[0]]
    return {"bbox": box, "area": int(mask.sum()), "iscrowd": 0, "segmentation": run_lengths(mask)}
