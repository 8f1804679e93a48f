"""What can be wrong with a data set, in the words of `spinec data check`."""

from __future__ import annotations

from typing import NamedTuple


class Finding(NamedTuple):
    """One thing that is wrong or odd about a data set."""

    kind: str
    """One of `KINDS`."""
    where: str
    """The picture or the annotation."""
    detail: str


class Kind(NamedTuple):
    """A sort of finding."""

    says: str
    stops: bool
    """Whether training would fail."""


KINDS = {
    "file": Kind("a file of the data set is missing or damaged", True),
    "picture": Kind("a picture is missing or cannot be read", True),
    "size": Kind("a picture is not as large as the data set says", True),
    "unknown category": Kind("an annotation's category is not listed", True),
    "unknown image": Kind("an annotation's picture is not listed", True),
    "malformed": Kind("an entry is not of the right form", True),
    "id": Kind("an id occurs twice", True),
    "mask": Kind("an outline is not of the right form", True),
    "value": Kind("a map has a value that stands for no class", True),
    "outside": Kind("a box reaches outside its picture: it is cut off", False),
    "no area": Kind("a box has no area within its picture: it is left out", False),
    "no boxes": Kind("a picture has no boxes: it is background", False),
    "crowd": Kind("a box is round a crowd: it is not learned, and its finds are not judged", False),
    "many": Kind("a picture has more boxes than are learned", False),
    "duplicate": Kind("an annotation or a picture occurs twice", False),
    "orientation": Kind("a picture is turned by its EXIF", False),
    "no pictures": Kind("a class has no pictures or boxes", False),
}
