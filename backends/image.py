"""A picture as a network takes it: scaled, and padded with zeros or cropped, normalised per channel."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from spinec.backends.image_file import levels_of, read_picture
from spinec.spec.errors import BackendError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

MEAN = (0.485, 0.456, 0.406)  # of ImageNet's training images, RGB in 0..1
DEVIATION = (0.229, 0.224, 0.225)
ALPHA = (0.0, 1.0)  # mean and deviation of transparency: it is given as it is
GREY, COLOUR, TRANSPARENT = 1, 3, 4  # channels
CENTRE = 0.875  # share of a picture's short side that classifiers see (arXiv 1905.11946's code: 224 of 256 pixels)


class Opened(NamedTuple):
    """A picture upright, L, RGB, RGBA or F, and what messages call it."""

    picture: Image
    name: str


class Picture(NamedTuple):
    """What a network is given: (channels, height, width); and what was done to the picture that nobody asked for."""

    values: NDArray[np.float32]
    notes: tuple[str, ...] = ()
    scaled: tuple[int, int] = (0, 0)
    """Rows and columns that are picture, the rest being padding."""


def load_image(path: Path, shape: tuple[int, ...]) -> Picture:
    """The picture of a file as `fitted` gives it.

    Raises:
        BackendError: when it cannot be read, or has no such channels.
    """
    _check_channels(str(path), shape[0])
    return fitted(Opened(read_picture(path), str(path)), shape)


def fitted(opened: Opened, shape: tuple[int, ...]) -> Picture:
    """The whole picture for an input of (channels, height, width), scaled to fit, padded below and to the right.

    One channel is grey, three are RGB, four RGB and transparency. Without the fourth, transparent parts are white.

    Raises:
        BackendError: when it has no such channels.
    """
    import numpy as np

    channels, height, width = shape
    picture, _ = opened
    _check_channels(opened.name, channels, picture)
    scale = min(height / picture.height, width / picture.width)
    rows, columns = max(1, round(picture.height * scale)), max(1, round(picture.width * scale))
    values = _normalised(_resized(picture, rows, columns), channels)
    padded = np.zeros((height, width, channels), dtype=np.float32)
    padded[:rows, :columns] = values
    return _picture(opened, channels, padded, (rows, columns))


def at_own_scale(size: tuple[int, ...], own: tuple[int, int], scaled: tuple[int, int]) -> tuple[int, int]:
    """Height and width of a padded input where the picture in it is scaled back to its own size.

    >>> at_own_scale((512, 512), own=(480, 640), scaled=(384, 512))
    (640, 640)
    """
    high, wide = (max(own, round(side * own / scaled)) for side, own, scaled in zip(size, own, scaled, strict=True))
    return high, wide


def cropped(opened: Opened, shape: tuple[int, ...]) -> Picture:
    """The centre of a picture for an input of (channels, height, width), as classifiers are tested on it.

    Raises:
        BackendError: when it has no such channels.
    """
    channels, height, width = shape
    picture, _ = opened
    _check_channels(opened.name, channels, picture)
    scale = max(height / picture.height, width / picture.width) / CENTRE
    rows, columns = max(height, round(picture.height * scale)), max(width, round(picture.width * scale))
    top, left = (rows - height) // 2, (columns - width) // 2
    centre = _resized(picture, rows, columns).crop((left, top, left + width, top + height))
    return _picture(opened, channels, _normalised(centre, channels), (height, width))


def opened(source: Any) -> Opened:
    """A picture from a file, of Pillow, or from an array (height, width, channels): of 0 to 255 or, as floats, 0 to 1.

    Raises:
        BackendError: in one line, whatever it is.
    """
    import numpy as np

    if isinstance(source, str | Path):
        return Opened(read_picture(Path(source)), str(source))
    if type(source).__module__.partition(".")[0] == "PIL":
        return Opened(levels_of(source), "")
    if not hasattr(source, "__array__"):
        what = f"{type(source).__name__!r}; 'many' takes several pictures"
        raise BackendError(f"expected a file, a picture or an array, got something of type {what}")
    return Opened(_from_array(np.asarray(source)), "")


def in_colour(picture: Image) -> Image:
    """The picture as RGB of 0 to 255, to be drawn on; what is transparent is white."""
    from PIL.Image import alpha_composite, new

    if picture.mode == "F":
        return picture.point(lambda level: level * 255).convert("L").convert("RGB")
    if picture.mode == "RGBA":
        picture = alpha_composite(new("RGBA", picture.size, "white"), picture)
    return picture.convert("RGB")


def _from_array(array: NDArray[Any]) -> Image:
    import numpy as np
    from PIL import Image

    if array.ndim not in (2, 3) or not array.size or (array.ndim == 3 and array.shape[2] not in (1, 3, 4)):
        shape = " x ".join(map(str, array.shape)) or "a scalar"
        raise BackendError(f"expected a file, a picture, or an array of (height, width, 1, 3 or 4), got {shape}")
    if array.dtype.kind == "f":
        if not (array.min() >= 0 and array.max() <= 1):  # NaN is in no range
            raise BackendError(f"an array of floats of {array.min():g} to {array.max():g}, expected 0 to 1")
        array = np.round(array * 255).astype(np.uint8)
    if array.dtype != np.uint8:
        raise BackendError(f"an array of {array.dtype}, expected uint8 of 0 to 255 or floats of 0 to 1")
    return Image.fromarray(array[..., 0] if array.shape[2:] == (1,) else array)


def _check_channels(name: str, channels: int, picture: Image | None = None) -> None:
    where = f"{name or 'the picture'}: "
    if channels not in (GREY, COLOUR, TRANSPARENT):
        message = f"{where}the network takes {channels} channels, and a picture has 1 (grey), 3 (RGB) or 4 (RGBA)"
        raise BackendError(message)
    if picture and channels == TRANSPARENT and picture.mode != "RGBA":
        raise BackendError(f"{where}has no transparency, which the network takes as its fourth channel")


def _picture(opened: Opened, channels: int, values: NDArray[Any], scaled: tuple[int, int]) -> Picture:
    import numpy as np

    picture, name = opened
    is_transparent = picture.mode == "RGBA" and picture.getchannel("A").getextrema()[0] != 255
    lost = is_transparent and channels != TRANSPARENT
    notes = (f"{name or 'the picture'}: what is transparent is taken as white",) if lost else ()
    return Picture(np.ascontiguousarray(values.transpose(2, 0, 1), dtype=np.float32), notes, scaled)


def _resized(picture: Image, rows: int, columns: int) -> Image:
    from PIL.Image import Resampling

    return picture.resize((columns, rows), Resampling.BILINEAR)


def _normalised(picture: Image, channels: int) -> NDArray[Any]:
    """(height, width, channels), around zero as ImageNet's images are."""
    import numpy as np

    if picture.mode == "F":
        levels = np.asarray(picture, dtype=np.float64)[..., None].repeat(channels, axis=2)
    else:
        if picture.mode == "RGBA" and channels != TRANSPARENT:
            picture = in_colour(picture)
        mode = {GREY: "L", COLOUR: "RGB", TRANSPARENT: "RGBA"}[channels]
        levels = np.asarray(picture.convert(mode)).reshape(picture.height, picture.width, channels) / 255
    mean, deviation = np.array(MEAN), np.array(DEVIATION)
    if channels == GREY:
        mean, deviation = mean.mean(), deviation.mean()
    if channels == TRANSPARENT:
        mean, deviation = np.append(mean, ALPHA[0]), np.append(deviation, ALPHA[1])
    normalised: NDArray[Any] = (levels - mean) / deviation
    return normalised
