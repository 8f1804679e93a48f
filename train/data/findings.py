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
    "class": Kind("a class has no number among the head's", True),
    "picture": Kind("a picture is missing, damaged, or not as large as the data set says", True),
    "unknown category": Kind("an annotation's category is not listed", True),
    "unknown image": Kind("an annotation's picture is not listed", True),
    "malformed": Kind("an entry is not of the right form", True),
    "id": Kind("an id occurs twice", True),
    "outline": Kind("an outline is not of the right form", True),
    "map": Kind("a map of classes is damaged, of another size, or has a value of no class", True),
    "outside": Kind("a box reaches outside its picture: it is cut off", False),
    "no area": Kind("a box has no area within its picture: it is left out", False),
    "no boxes": Kind("a picture has no boxes: all of it is background", False),
    "many boxes": Kind("a picture has more boxes than are learned", False),
    "crowd": Kind("a box is round a crowd: it is not learned, and what is found in it is not judged", False),
    "box twice": Kind("a box of a class occurs twice in a picture", False),
    "picture twice": Kind("a picture occurs twice", False),
    "turned": Kind("a picture is turned by its EXIF: boxes must be those of the upright picture", False),
    "no examples": Kind("a class has no examples", False),
}
"""What is looked for, in the order in which it is told."""
