"""A picture as a network takes it: long side to the input size, zeros beside or below, normalised per channel."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from spinec.backends.image_file import read_picture
from spinec.spec.errors import BackendError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

MEAN = (0.485, 0.456, 0.406)  # of ImageNet's training images, RGB in 0..1
DEVIATION = (0.229, 0.224, 0.225)
ALPHA = (0.0, 1.0)  # mean and deviation of transparency: it is given as it is
GREY, COLOUR, TRANSPARENT = 1, 3, 4  # channels


class Picture(NamedTuple):
    """What a network is given: (channels, height, width); and what was done to the picture that nobody asked for."""

    values: NDArray[np.float32]
    notes: tuple[str, ...] = ()


def load_image(path: Path, shape: tuple[int, ...]) -> Picture:
    """The picture for an input of (channels, height, width), scaled to fit, padded with zeros below and to the right.

    One channel is grey, three are RGB, four RGB and transparency. Without the fourth, transparent parts are white.

    Raises:
        BackendError: when it cannot be read, or has no such channels.
    """
    import numpy as np

    channels, height, width = shape
    if channels not in (GREY, COLOUR, TRANSPARENT):
        message = f"{path}: the network takes {channels} channels, and a picture has 1 (grey), 3 (RGB) or 4 (RGBA)"
        raise BackendError(message)
    picture = read_picture(path)
    is_transparent = picture.mode == "RGBA" and picture.getchannel("A").getextrema()[0] != 255
    if channels == TRANSPARENT and picture.mode != "RGBA":
        raise BackendError(f"{path}: has no transparency, which the network takes as its fourth channel")
    values = _normalised(_fitted(picture, height, width), channels)
    padded = np.zeros((height, width, channels), dtype=np.float32)
    padded[: len(values), : values.shape[1]] = values
    notes = (f"{path}: what is transparent is taken as white",) if is_transparent and channels != TRANSPARENT else ()
    return Picture(np.ascontiguousarray(padded.transpose(2, 0, 1)), notes)


def _fitted(picture: Image, height: int, width: int) -> Image:
    from PIL.Image import Resampling

    scale = min(height / picture.height, width / picture.width)
    size = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
    return picture.resize(size, Resampling.BILINEAR)


def _normalised(picture: Image, channels: int) -> NDArray[Any]:
    """(height, width, channels), around zero as ImageNet's images are."""
    import numpy as np
    from PIL.Image import alpha_composite, new

    if picture.mode == "F":
        levels = np.asarray(picture, dtype=np.float64)[..., None].repeat(channels, axis=2)
    else:
        if picture.mode == "RGBA" and channels != TRANSPARENT:
            picture = alpha_composite(new("RGBA", picture.size, "white"), picture)
        mode = {GREY: "L", COLOUR: "RGB", TRANSPARENT: "RGBA"}[channels]
        levels = np.asarray(picture.convert(mode)).reshape(picture.height, picture.width, channels) / 255
    mean, deviation = np.array(MEAN), np.array(DEVIATION)
    if channels == GREY:
        mean, deviation = mean.mean(), deviation.mean()
    if channels == TRANSPARENT:
        mean, deviation = np.append(mean, ALPHA[0]), np.append(deviation, ALPHA[1])
    normalised: NDArray[Any] = (levels - mean) / deviation
    return normalised
