"""Damaged pictures: every format in every mode that it has, whole and then with bytes changed, cut, doubled or exchanged.

`python tests/fuzzed_pictures.py` reads all of them and prints what came of it: docs/security.md has the figures.
"""

from __future__ import annotations

import io
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random

from PIL import Image

MADE = 2_400
SIDE = 24
EXTREMES = (b"\x00\x00\x00\x00", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f", b"\x00\x01\x00\x00")


def pictures() -> Iterator[bytes]:
    """Whole pictures, one for each way in which a format can hold them."""
    noise = Image.frombytes("RGBA", (SIDE, SIDE), Random(0).randbytes(4 * SIDE * SIDE))
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "turned"
    for form, modes, options in (
        ("PNG", ("1", "L", "LA", "P", "RGB", "RGBA"), {"exif": exif}),
        ("JPEG", ("L", "RGB", "CMYK"), {"exif": exif}),
        ("JPEG", ("RGB",), {"progressive": True}),
        ("GIF", ("P",), {}),
        ("BMP", ("1", "L", "P", "RGB"), {}),
        ("PPM", ("1", "L", "RGB"), {}),
        ("TIFF", ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK"), {}),
        ("TIFF", ("RGB",), {"compression": "tiff_lzw"}),
        ("TIFF", ("RGB",), {"compression": "jpeg"}),
        ("WEBP", ("RGB", "RGBA"), {"exif": exif, "lossless": True}),
        ("WEBP", ("RGB",), {"quality": 50}),
    ):
        for mode in modes:
            yield _saved(noise.convert("RGB").convert(mode) if mode != "RGBA" else noise, form, **options)
    deep = Image.frombytes("I;16", (SIDE, SIDE), Random(1).randbytes(2 * SIDE * SIDE))
    yield _saved(deep, "PNG")
    yield _saved(deep, "TIFF")
    yield _saved(noise.convert("L").convert("F"), "TIFF")


def _saved(picture: Image.Image, form: str, **options: object) -> bytes:
    made = io.BytesIO()
    picture.save(made, form, **options)
    return made.getvalue()


def fuzzed(count: int = MADE) -> Iterator[bytes]:
    """So many damaged pictures, the same ones wherever Pillow writes the same files."""
    whole = list(pictures())
    random = Random(36)
    for number in range(count):
        data = bytearray(whole[number % len(whole)])
        for _ in range(random.choice((1, 1, 2, 8))):
            _damage(data, random, whole)
        yield bytes(data)


def _damage(data: bytearray, random: Random, whole: list[bytes]) -> None:
    """One change; most are near the start, where the sizes and the tables are."""
    end = random.choice((64, 256, len(data)))
    at = random.randrange(max(1, min(end, len(data))))
    match random.randrange(7):
        case 0:
            data[at : at + 1] = bytes([random.randrange(256)])
        case 1:
            data[at : at + 1] = bytes([data[at] ^ (1 << random.randrange(8))]) if at < len(data) else b""
        case 2:
            data[at : at + 4] = random.choice(EXTREMES)
        case 3:
            del data[at : at + random.randrange(1, 32)]
        case 4:
            data[at:at] = data[at : at + random.randrange(1, 64)]
        case 5:
            del data[max(at, 16) :]
        case 6:
            other = random.choice(whole)
            data[at : at + 16] = other[at : at + 16]


def main() -> None:
    """Read all of them as spinec does and as Pillow does, and say what came of it."""
    from importlib.metadata import version

    from spinec.backends.image import load_image
    from spinec.spec.errors import BackendError

    warnings.simplefilter("ignore")
    found, seconds, slowest = Counter[str](), time.process_time(), 0.0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "picture")
        for data in fuzzed():
            path.write_bytes(data)
            start = time.process_time()
            try:
                load_image(path, (3, 32, 32))
                found["read"] += 1
            except BackendError:
                found["refused in one line"] += 1
            slowest = max(slowest, time.process_time() - start)
        seconds = time.process_time() - seconds
        for data in fuzzed():
            path.write_bytes(data)
            try:
                with Image.open(path) as opened:
                    opened.convert("RGB")
            except OSError:
                found["of these, OSError from Pillow"] += 1
            except Exception as error:
                found[f"of these, {type(error).__name__} from Pillow"] += 1
    for what, count in found.most_common():
        print(f"{count:6,} {what}")
    print(f"Pillow {version('pillow')}, {seconds:.0f} s, the slowest {slowest:.2f} s")


if __name__ == "__main__":
    main()
