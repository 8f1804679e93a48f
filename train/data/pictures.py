"""Pictures as the pipeline takes them: RGB of 8 bits, upright."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
from numpy.typing import NDArray

from spinec.backends.image import in_colour
from spinec.backends.image_file import SUFFIXES, orientation_of, read_picture
from spinec.spec.errors import BackendError, DataError

if TYPE_CHECKING:
    from PIL.Image import Image


TURNED = "; its EXIF turns it, but not its boxes: save it without that tag"


def read_rgb(path: Path, size: tuple[int, int] | None = None) -> Image:
    """The picture of a file, what is transparent being white.

    Raises:
        DataError: when it cannot be read, or is not as large as the data set says.
    """
    try:
        picture = in_colour(read_picture(path))
        turned = size == (picture.width, picture.height) and orientation_of(path) != 1
        return sized(picture, size, str(path), TURNED if turned else "")
    except BackendError as error:
        raise DataError(str(error)) from None


def sized(picture: Image, size: tuple[int, int] | None, name: str, why: str = "") -> Image:
    """The picture, if it is as large (height, width) as the data set says; `why` says how it comes that it is not.

    Raises:
        DataError: when it is not.
    """
    if size is not None and size != (picture.height, picture.width):
        own = f"{picture.height} x {picture.width} pixels (height x width)"
        raise DataError(f"{name}: {own}, and the data set says {size[0]} x {size[1]}{why}")
    return picture


def is_picture(path: Path) -> bool:
    """Whether a name is that of a picture, and not of a file that some system keeps beside it."""
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".")


def read_values(file: Path | BinaryIO, name: str) -> NDArray[np.uint8]:
    """(height, width): the values of a file of classes, which are levels of grey or numbers of a palette's colours.

    Raises:
        DataError: when it cannot be read, or has colours without numbers.
    """
    from PIL import Image

    try:
        with Image.open(file, formats=["PNG"]) as values:
            if values.mode not in ("P", "L"):
                message = f"{name}: a file of mode {values.mode}, expected a palette or 8 bits of grey"
                raise DataError(f"{message}: colours have no numbers")
            return np.asarray(values)
    except FileNotFoundError:
        raise DataError(f"{name}: no such file") from None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        raise DataError(f"{name}: not a PNG file that can be read") from None
