"""A picture as a network takes it: long side to the input size, zeros beside or below, normalised per channel."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from spinec.spec.errors import BackendError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MEAN = (0.485, 0.456, 0.406)  # of ImageNet's training images, RGB in 0..1
DEVIATION = (0.229, 0.224, 0.225)


def load_image(path: Path, size: tuple[int, int]) -> NDArray[np.float32]:
    """The picture as (3, height, width), scaled to fit the size and padded with zeros below and to the right."""
    try:
        from PIL import Image, UnidentifiedImageError
    except ImportError:
        raise BackendError("Pillow is not installed: pip install 'spinec[pytorch]'") from None
    import numpy as np

    try:
        with Image.open(path) as opened:
            picture = opened.convert("RGB")
    except FileNotFoundError:
        raise BackendError(f"{path}: no such file") from None
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError) as error:
        raise BackendError(f"{path}: not a picture that can be read: {error}") from None
    height, width = size
    scale = min(height / picture.height, width / picture.width)
    fitted = picture.resize(
        (max(1, round(picture.width * scale)), max(1, round(picture.height * scale))),
        Image.Resampling.BILINEAR,
    )
    values = (np.asarray(fitted) / 255 - np.array(MEAN)) / np.array(DEVIATION)
    padded = np.zeros((height, width, 3), dtype=np.float32)
    padded[: fitted.height, : fitted.width] = values
    return np.ascontiguousarray(padded.transpose(2, 0, 1))
