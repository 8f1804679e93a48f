"""A picture file as its levels of brightness, upright: whatever is wrong with it is one line, nothing runs or waits.

Files come from anywhere, so the formats are named (Pillow hands PostScript to another program), the size is looked at
before a pixel is decoded, and what Pillow raises for a damaged file, which may be anything, is caught here.
"""

from __future__ import annotations

import logging
import os
import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from spinec.spec.errors import BackendError

if TYPE_CHECKING:
    from PIL.Image import Image

FORMATS = ("AVIF", "BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")  # of pictures from cameras and the web
SUFFIXES = (".avif", ".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
MOST_PIXELS = 2**27  # 134 million: more than any telephone takes
LONGEST = 200  # characters of what Pillow says
ORIENTATION = 0x0112  # the tag of EXIF that says how the camera was held
DEEP = ("I", "I;16", "I;16B", "I;16L", "I;16N", "F")  # Pillow's names of more than eight bits, all of them grey
BITS, PHOTOMETRIC = 258, 262  # tags of TIFF
WHITE_IS_ZERO = 0
_UNHEARD = logging.NullHandler()  # else Python prints what is logged and nobody hears


def read_picture(path: Path) -> Image:
    """The first picture of a file, upright: L, RGB or RGBA of 0 to 255, or, where it is deeper, F of 0 to 1.

    Raises:
        BackendError: in one line, whatever the file holds.
    """
    with _opened(path) as file:
        return picture_in(file, str(path))


def picture_in(file: BinaryIO, name: str) -> Image:
    """The picture of an open file, or of bytes, as `read_picture` gives it.

    Raises:
        BackendError: in one line, whatever it holds.
    """
    try:
        from PIL import Image, UnidentifiedImageError
    except ImportError:
        raise BackendError("Pillow is not installed: pip install 'spinec[pytorch]'") from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd, but readable files
            logging.getLogger("PIL").addHandler(_UNHEARD)
            Image.init()
            picture = Image.open(file, formats=[form for form in FORMATS if form in Image.OPEN])
            _check_size(name, picture)
            with _silenced():
                picture.load()
            return levels_of(picture, name)
    except BackendError:
        raise
    except UnidentifiedImageError:
        raise BackendError(f"{name}: not a picture that can be read: expected {', '.join(FORMATS)}") from None
    except Image.DecompressionBombError:
        raise BackendError(f"{name}: more than {MOST_PIXELS:,} pixels, the limit") from None
    except (
        Exception
    ) as error:  # of 2,400 damaged files, many raise neither OSError nor anything else that is documented
        said = " ".join(str(error).split())[:LONGEST] or type(error).__name__
        raise BackendError(f"{name}: not a picture that can be read: {said}") from None


def levels_of(picture: Image, name: str = "the picture") -> Image:
    """A picture of Pillow, upright: L, RGB or RGBA of 0 to 255, or, where it is deeper, F of 0 to 1.

    Raises:
        BackendError: when nothing says which of its levels is white.
    """
    return _upright(_levels(name, picture), _orientation(picture))


def orientation_of(path: Path) -> int:
    """How the camera was held, from 1 to 8, by a file's EXIF; 1, which is upright, where nothing says."""
    from PIL import Image

    try:
        with Image.open(path) as picture:
            turn = _orientation(picture)
    except Exception:  # as in `picture_in`, which says what is wrong
        return 1
    return turn if turn in range(2, 9) else 1


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """A regular file to read; a pipe, of which opening would wait for a writer, is none."""
    try:
        number = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except FileNotFoundError:
        raise BackendError(f"{path}: no such file") from None
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        reason = error.strerror if isinstance(error, OSError) else "no file can have this name"
        raise BackendError(f"{path}: cannot be read: {reason}") from None
    if not stat.S_ISREG(os.fstat(number).st_mode):
        os.close(number)
        raise BackendError(f"{path}: not a file: a picture cannot be read from a pipe, a device or a folder")
    with os.fdopen(number, "rb") as file:
        yield file


@contextmanager
def _silenced() -> Iterator[None]:
    """Nothing on the standard error: libtiff, which is written in C, says there what is said here in one line."""
    try:
        kept = os.dup(2)
    except OSError:  # there is none
        yield
        return
    with open(os.devnull, "wb") as nothing:
        os.dup2(nothing.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _check_size(name: str, picture: Image) -> None:
    pixels = picture.width * picture.height
    if pixels > MOST_PIXELS:
        message = f"{name}: {picture.width:,} x {picture.height:,} pixels, expected at most {MOST_PIXELS:,} in all"
        raise BackendError(message)


def _upright(picture: Image, orientation: Any) -> Image:
    """The picture as it is to be seen, by what EXIF says of how it was taken."""
    from PIL.Image import Transpose

    turns = (
        Transpose.FLIP_LEFT_RIGHT,
        Transpose.ROTATE_180,
        Transpose.FLIP_TOP_BOTTOM,
        Transpose.TRANSPOSE,
        Transpose.ROTATE_270,
        Transpose.TRANSVERSE,
        Transpose.ROTATE_90,
    )
    return picture.transpose(dict(enumerate(turns, 2))[orientation]) if orientation in range(2, 9) else picture


def _levels(path: str, picture: Image) -> Image:
    """The picture in one of four modes."""
    if picture.mode in DEEP:
        return _deep_levels(path, picture)
    if picture.mode in ("RGBA", "RGBa", "LA", "La", "PA") or "transparency" in picture.info:
        mode = "RGBA"
    else:
        mode = "L" if picture.mode in ("1", "L") else "RGB"
    if picture.mode == "La":  # Pillow converts it by way of LA alone
        picture = picture.convert("LA")
    return picture if picture.mode == mode else picture.convert(mode)


def _orientation(picture: Image) -> Any:
    try:
        return picture.getexif().get(ORIENTATION, 1)
    except Exception:  # the pixels are whole: damaged EXIF says nothing of how to turn them
        return 1


def _deep_levels(path: str, picture: Image) -> Image:
    """Grey levels of more than eight bits as a share of the brightest one."""
    import numpy as np
    from PIL import Image
    from PIL.TiffImagePlugin import TiffImageFile

    tags = picture.tag_v2 if isinstance(picture, TiffImageFile) else {}
    if "transparency" in picture.info:
        raise BackendError(f"{path}: a grey picture of 16 bits with a transparent level: save it with 8 bits")
    if picture.mode == "I" and tags:
        raise BackendError(f"{path}: signed or 32-bit levels, of which no one is white: save it with 8 or 16 bits")
    levels = np.asarray(picture, dtype=np.float32)
    if picture.mode != "F":
        levels = levels / (2 ** min(tags.get(BITS, (16,))[0], 16) - 1)
    if not (levels.size and levels.min() >= 0 and levels.max() <= 1):  # NaN is in no range
        message = f"{path}: floating-point levels of {levels.min():g} to {levels.max():g}, expected 0 to 1"
        raise BackendError(message)
    return Image.fromarray(1 - levels if tags.get(PHOTOMETRIC) == WHITE_IS_ZERO else levels)
