"""Pixels of pictures, held to small golden images: what no digest of text can see.

Sizes of letters and the edges of lines depend a little on the version of matplotlib, so pixels may differ: by `WHOLE` of
256 levels on average over a picture, by `PLACE` over any square of 16 pixels. One letter for another exceeds the second.
"""

import io

import pytest
from charted import charts
from test_golden import GOLDEN

from spinec import diff, draw, load, loads
from spinec.visualize.formats.raster import write_raster

WHOLE, PLACE, SQUARE = 0.5, 12.0, 16
MOST_BYTES = 30_000
MOST_WIDTH = 560
SMALL = """
name: small
input: {size: 64}
blocks:
  a: {level: 1, kind: conv, dim: 8, inputs: [image]}
  b: {level: 2, kind: mbconv, dim: 16, repeats: 3, inputs: [a]}
  c: {level: 3, kind: residual, dim: 32, inputs: [b]}
  d: {level: 2, kind: identity, dim: 16, inputs: [b, c]}
outputs: {P2: d, P3: c}
"""
PICTURES = {
    "small-light": lambda: raster(draw(loads(SMALL)), "light"),
    "small-macs-dark": lambda: raster(draw(loads(SMALL), "macs"), "dark"),
    "small-changed": lambda: raster(diff(loads(SMALL), loads(SMALL.replace("dim: 32", "dim: 48"))).draw(), "light"),
    "eff-spinenet-d0-dark": lambda: raster(draw(load("eff-spinenet-d0"), labels=False), "dark"),
    "distribution-column": lambda: charts()["distribution"].raster("png", "light", "column"),
    "levels-dark": lambda: charts()["levels"].raster("png", "dark", "column"),
}


def raster(drawing, theme):
    return write_raster(drawing.picture, "png", theme)


def reduced(data):
    """The picture no wider than a golden image, in so few colours that it is small."""
    from PIL import Image

    image = Image.open(io.BytesIO(data)).convert("RGB")
    width = min(MOST_WIDTH, image.width // 2)
    return image.resize((width, round(image.height * width / image.width)), Image.Resampling.BOX)


def differences(image, expected):
    """The mean absolute difference of two pictures, and the largest over a square."""
    import numpy

    assert image.size == expected.size
    levels = numpy.abs(numpy.asarray(image, float) - numpy.asarray(expected, float)).mean(axis=2)
    rows, columns = (size // SQUARE for size in levels.shape)
    squares = levels[: rows * SQUARE, : columns * SQUARE].reshape(rows, SQUARE, columns, SQUARE).mean(axis=(1, 3))
    return levels.mean(), squares.max()


@pytest.mark.parametrize("name", PICTURES)
def test_pixels_are_what_they_were(request, name):
    from PIL import Image

    image, path = reduced(PICTURES[name]()), GOLDEN / "pictures" / "raster" / f"{name}.png"
    if request.config.getoption("--rewrite-goldens"):
        path.parent.mkdir(parents=True, exist_ok=True)
        image.quantize(255, dither=Image.Dither.NONE).save(path, optimize=True)
    assert path.is_file(), f"no golden file {path}: write it with --rewrite-goldens, then look at it"
    assert path.stat().st_size <= MOST_BYTES
    whole, place = differences(image, Image.open(path).convert("RGB"))
    assert whole <= WHOLE, f"{whole:.2f} levels on average"
    assert place <= PLACE, f"{place:.2f} levels in a square"


def test_a_name_that_is_missing_is_seen():
    """The tolerance is not so wide that it hides what it is for."""
    one, other = (
        reduced(raster(draw(loads(text)), "light"))
        for text in (SMALL, SMALL.replace("d: {", "i: {").replace(" d,", " i,"))
    )
    whole, place = differences(one, other)
    assert place > PLACE, (whole, place)
