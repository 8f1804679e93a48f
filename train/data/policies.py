"""What is done to the colours and the form of a picture that is to be classified: RandAugment and AutoAugment.

The operations and the ranges of their strength are those of AutoAugment (arXiv 1805.09501, Table 6). What a picture is
moved away from is filled with the mean colour, which the network sees as zero.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from numpy.random import Generator

from spinec.backends.image import MEAN

if TYPE_CHECKING:
    from PIL.Image import Image

Operation: TypeAlias = "Callable[[Image, float, int], Image]"
"""Changes a picture by a strength of 0 to 1, in a direction of 1 or -1."""
FILL = tuple(round(255 * level) for level in MEAN)
SHEAR, TURN = 0.3, 30.0  # at the most: pixels a pixel, degrees
MOVE = 150 / 331  # of a side: 150 pixels of the paper's 331
LEVELS = 9  # of AutoAugment's strength: ten, from 0 on
MOST = 10  # of RandAugment's


def _sheared(picture: Image, x: float, y: float) -> Image:
    return _moved(picture, (1, x, 0, y, 1, 0))


def _moved(picture: Image, affine: tuple[float, ...]) -> Image:
    from PIL.Image import Resampling, Transform

    return picture.transform(picture.size, Transform.AFFINE, affine, Resampling.BILINEAR, fillcolor=FILL)


def _turned(picture: Image, degrees: float) -> Image:
    from PIL.Image import Resampling

    return picture.rotate(degrees, Resampling.BILINEAR, fillcolor=FILL)


def _enhanced(name: str) -> Operation:
    """Of colour, contrast, brightness and sharpness, a factor from 0.1 to 1.9; half the strength changes nothing."""

    def operation(picture: Image, strength: float, sign: int) -> Image:
        from PIL import ImageEnhance

        enhanced: Image = getattr(ImageEnhance, name)(picture).enhance(0.1 + 1.8 * strength)
        return enhanced

    return operation


def _plain(name: str) -> Operation:
    """What has no strength."""

    def operation(picture: Image, strength: float, sign: int) -> Image:
        from PIL import ImageOps

        changed: Image = getattr(ImageOps, name)(picture)
        return changed

    return operation


def _solarized(picture: Image, strength: float, sign: int) -> Image:
    """The levels from a threshold on inverted: none at strength 0, all at 1."""
    from PIL.ImageOps import solarize

    return solarize(picture, round(256 * (1 - strength)))


def _posterized(picture: Image, strength: float, sign: int) -> Image:
    """Fewer bits a level: 8 at strength 0, 4 at 1."""
    from PIL.ImageOps import posterize

    return posterize(picture, 8 - round(4 * strength))


OPERATIONS: Mapping[str, Operation] = {
    "identity": lambda picture, strength, sign: picture,
    "auto_contrast": _plain("autocontrast"),
    "equalize": _plain("equalize"),
    "rotate": lambda picture, strength, sign: _turned(picture, sign * strength * TURN),
    "solarize": _solarized,
    "color": _enhanced("Color"),
    "posterize": _posterized,
    "contrast": _enhanced("Contrast"),
    "brightness": _enhanced("Brightness"),
    "sharpness": _enhanced("Sharpness"),
    "shear_x": lambda picture, strength, sign: _sheared(picture, sign * strength * SHEAR, 0),
    "shear_y": lambda picture, strength, sign: _sheared(picture, 0, sign * strength * SHEAR),
    "translate_x": lambda picture, strength, sign: _moved(
        picture, (1, 0, sign * strength * MOVE * picture.width, 0, 1, 0)
    ),
    "translate_y": lambda picture, strength, sign: _moved(
        picture, (1, 0, 0, 0, 1, sign * strength * MOVE * picture.height)
    ),
    "invert": _plain("invert"),
}
RANDOM = tuple(name for name in OPERATIONS if name != "invert")  # the 14 of RandAugment

IMAGENET = (  # Table 9 of AutoAugment: operation, probability and level, twice
    ("posterize", 0.4, 8, "rotate", 0.6, 9),
    ("solarize", 0.6, 5, "auto_contrast", 0.6, 5),
    ("equalize", 0.8, 8, "equalize", 0.6, 3),
    ("posterize", 0.6, 7, "posterize", 0.6, 6),
    ("equalize", 0.4, 7, "solarize", 0.2, 4),
    ("equalize", 0.4, 4, "rotate", 0.8, 8),
    ("solarize", 0.6, 3, "equalize", 0.6, 7),
    ("posterize", 0.8, 5, "equalize", 1.0, 2),
    ("rotate", 0.2, 3, "solarize", 0.6, 8),
    ("equalize", 0.6, 8, "posterize", 0.4, 6),
    ("rotate", 0.8, 8, "color", 0.4, 0),
    ("rotate", 0.4, 9, "equalize", 0.6, 2),
    ("equalize", 0.0, 7, "equalize", 0.8, 8),
    ("invert", 0.6, 4, "equalize", 1.0, 8),
    ("color", 0.6, 4, "contrast", 1.0, 8),
    ("rotate", 0.8, 8, "color", 1.0, 2),
    ("color", 0.8, 8, "solarize", 0.8, 7),
    ("sharpness", 0.4, 7, "invert", 0.6, 8),
    ("shear_x", 0.6, 5, "equalize", 1.0, 9),
    ("color", 0.4, 0, "equalize", 0.6, 3),
    ("equalize", 0.4, 7, "solarize", 0.2, 4),
    ("solarize", 0.6, 5, "auto_contrast", 0.6, 5),
    ("invert", 0.6, 4, "equalize", 1.0, 8),
    ("color", 0.6, 4, "contrast", 1.0, 8),
    ("equalize", 0.8, 8, "equalize", 0.6, 3),
)


@dataclass(frozen=True)
class RandAugment:
    """As many operations as `number`, drawn with equal chances, all of one strength of 0 to 10 (arXiv 1909.13719)."""

    number: int = 2
    strength: float = 10

    def __call__(self, picture: Image, draw: Generator) -> Image:
        """The picture, changed."""
        for which, sign in draw.random((self.number, 2)).tolist():
            operation = OPERATIONS[RANDOM[int(which * len(RANDOM))]]
            picture = operation(picture, self.strength / MOST, 1 if sign < 0.5 else -1)
        return picture


@dataclass(frozen=True)
class AutoAugment:
    """One of the 25 pairs of operations that AutoAugment found for ImageNet, each done with its own probability."""

    def __call__(self, picture: Image, draw: Generator) -> Image:
        """The picture, changed."""
        which, *drawn = draw.random(5).tolist()
        first, chance, level, second, other_chance, other_level = IMAGENET[int(which * len(IMAGENET))]
        for name, share, strength, (done, sign) in (
            (first, chance, level, drawn[:2]),
            (second, other_chance, other_level, drawn[2:]),
        ):
            if done < share:
                picture = OPERATIONS[name](picture, strength / LEVELS, 1 if sign < 0.5 else -1)
        return picture
