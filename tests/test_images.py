"""Pictures as inputs: as many channels as the network has, every depth, the right way up; anything else is one line."""

from __future__ import annotations

import io
import os
import struct
import zlib

import numpy as np
import pytest

Image = pytest.importorskip("PIL.Image")

from fuzzed_pictures import MADE, fuzzed, pictures  # noqa: E402  (after the skip)

from spinec.backends import image_file  # noqa: E402
from spinec.backends.image import DEVIATION, MEAN, load_image  # noqa: E402
from spinec.spec.errors import BackendError  # noqa: E402

COUNT = MADE if os.environ.get("SPINEC_PICTURES") else 240
RAMP = np.linspace(0, 1, 64).reshape(1, 64).repeat(4, axis=0)  # (height, width), black to white
GREY = np.mean(MEAN), np.mean(DEVIATION)


def saved(path, picture, **options):
    picture.save(path, **options)
    return path


def levels(path, channels=1):
    """A picture of the ramp's size as the network is given it, in 0..1 again."""
    values = load_image(path, (channels, 4, 64)).values
    mean, deviation = GREY if channels == 1 else (MEAN, DEVIATION)
    return values * np.reshape(deviation, (-1, 1, 1)) + np.reshape(mean, (-1, 1, 1))


def test_colour_is_grey_for_a_network_of_one_channel(tmp_path):
    path = saved(tmp_path / "red.png", Image.new("RGB", (64, 4), (255, 0, 0)))
    assert np.allclose(levels(path), 0.299, atol=0.005)  # of luma, the share that is red
    assert np.allclose(levels(path, 3)[:, 0, 0], [1, 0, 0], atol=1e-6)


def test_four_channels_are_colour_and_transparency(tmp_path):
    picture = Image.new("RGBA", (8, 8), (255, 128, 0, 64))
    values = load_image(saved(tmp_path / "a.png", picture), (4, 8, 8))
    wanted = [*((np.array([255, 128, 0]) / 255 - MEAN) / DEVIATION), 64 / 255]
    assert np.allclose(values.values[:, 0, 0], wanted, atol=1e-6)
    assert values.notes == ()
    with pytest.raises(BackendError, match="has no transparency, which the network takes as its fourth channel"):
        load_image(saved(tmp_path / "b.png", picture.convert("RGB")), (4, 8, 8))


@pytest.mark.parametrize("channels", [2, 5, 64])
def test_no_picture_has_other_channels(tmp_path, channels):
    path = saved(tmp_path / "a.png", Image.new("RGB", (8, 8)))
    with pytest.raises(BackendError, match=rf"takes {channels} channels, and a picture has 1 \(grey\), 3 \(RGB\) or 4"):
        load_image(path, (channels, 8, 8))


@pytest.mark.parametrize("save", ["la", "palette", "one colour", "one grey"])
def test_what_is_transparent_is_taken_as_white_and_said(tmp_path, save):
    path, black = tmp_path / "a.png", Image.new("L", (64, 4))
    if save == "la":
        black.putalpha(Image.new("L", (64, 4), 0))
        black.save(path)
    elif save == "palette":
        black.convert("P").save(path, transparency=0)
    elif save == "one colour":
        black.convert("RGB").save(path, transparency=(0, 0, 0))
    else:
        black.save(path, transparency=0)
    for channels in (1, 3):
        assert np.allclose(levels(path, channels), 1, atol=1e-6)
    assert load_image(path, (3, 4, 64)).notes == (f"{path}: what is transparent is taken as white",)


def test_a_picture_that_could_be_transparent_and_is_not_is_as_before(tmp_path):
    path = saved(tmp_path / "a.png", Image.new("RGBA", (64, 4), (0, 0, 0, 255)))
    assert load_image(path, (3, 4, 64)).notes == ()
    assert np.allclose(levels(path, 3), 0, atol=1e-6)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("suffix", ["png", "tif", "ppm"])
def test_sixteen_bits_are_scaled_by_their_depth(tmp_path, suffix, channels):
    data = np.round(RAMP * 65535).astype(np.uint16)
    path = saved(tmp_path / f"a.{suffix}", Image.fromarray(data))
    assert np.abs(levels(path, channels) - RAMP).max() < 1e-4


def tiff(bits, photometric, data):
    """A grey picture of 64 x 4, written by hand: Pillow writes neither 12 bits nor black on white."""
    tags = [
        (256, 64),
        (257, 4),
        (258, bits),
        (259, 1),
        (262, photometric),
        (273, 8),
        (277, 1),
        (278, 4),
        (279, len(data)),
    ]
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    return struct.pack("<2sHI", b"II", 42, 8 + len(data)) + data + struct.pack("<H", len(tags)) + entries + bytes(4)


def test_twelve_bits_are_scaled_by_their_depth(tmp_path):
    numbers = np.round(RAMP * 4095).astype(int)
    pairs = numbers.reshape(-1, 2)
    packed = bytes(byte for a, b in pairs for byte in (a >> 4, (a & 15) << 4 | b >> 8, b & 255))
    path = tmp_path / "a.tif"
    path.write_bytes(tiff(12, 1, packed))
    assert np.abs(levels(path) - RAMP).max() < 1e-3


def test_sixteen_bits_in_which_zero_is_white_are_turned_round(tmp_path):
    path = tmp_path / "a.tif"
    path.write_bytes(tiff(16, 0, np.round((1 - RAMP) * 65535).astype("<u2").tobytes()))
    assert np.abs(levels(path) - RAMP).max() < 1e-4


def test_sixteen_bits_of_colour_are_scaled_by_their_depth(tmp_path):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = np.round(RAMP[..., None].repeat(3, axis=2) * 65535).astype(">u2")
    header = struct.pack(">IIBBBBB", 64, 4, 16, 2, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))
    start = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
    path = tmp_path / "a.png"
    path.write_bytes(start + chunk(b"IDAT", pixels) + chunk(b"IEND", b""))
    assert np.abs(levels(path, 3) - RAMP).max() < 1 / 200
    path.write_bytes(start + chunk(b"tRNS", b"\xff\xff" * 3) + chunk(b"IDAT", pixels) + chunk(b"IEND", b""))
    assert np.abs(levels(path, 3) - RAMP).max() < 1 / 200


def test_floating_point_is_a_share_of_white_or_refused(tmp_path):
    path = tmp_path / "a.tif"
    assert np.abs(levels(saved(path, Image.fromarray(RAMP.astype(np.float32)))) - RAMP).max() < 1e-5
    for factor, shown in ((255, "0 to 255"), (np.nan, "nan to nan"), (-1, "-1 to")):
        saved(path, Image.fromarray((RAMP * factor).astype(np.float32)))
        with pytest.raises(BackendError, match=f"floating-point levels of {shown}.*, expected 0 to 1"):
            levels(path)
    saved(path, Image.fromarray((RAMP * 9).astype(np.int32)))
    with pytest.raises(BackendError, match="signed or 32-bit levels"):
        levels(path)


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif"])
def test_every_orientation_is_turned_upright(tmp_path, suffix):
    upright = np.kron([[0, 90], [170, 255]], np.ones((16, 24))).astype(np.uint8)
    wanted = load_image(saved(tmp_path / f"upright.{suffix}", Image.fromarray(upright)), (1, 32, 48)).values
    stored = {  # by EXIF: where the first row and the first column of what is stored are to be seen
        2: np.fliplr(upright),  # top, right
        3: np.rot90(upright, 2),  # bottom, right
        4: np.flipud(upright),  # bottom, left
        5: upright.T,  # left, top
        6: np.rot90(upright),  # right, top
        7: np.rot90(upright.T, 2),  # right, bottom
        8: np.rot90(upright, -1),  # left, bottom
    }
    for orientation, pixels in stored.items():
        exif = Image.Exif()
        exif[0x0112] = orientation
        path = saved(tmp_path / f"a.{suffix}", Image.fromarray(np.ascontiguousarray(pixels)), exif=exif)
        given = load_image(path, (1, 32, 48)).values
        assert np.abs(given - wanted).max() < 0.5, orientation  # JPEG blurs the edges


def test_damaged_exif_leaves_the_picture_as_it_is(tmp_path):
    picture = Image.new("L", (64, 4), 255)
    path = saved(tmp_path / "a.jpg", picture, exif=b"Exif\0\0II*\0\xff\xff\xff\xff")
    assert np.allclose(levels(path), 1, atol=0.02)


def test_a_bomb_is_refused_before_it_is_decoded(tmp_path, monkeypatch):
    path = saved(tmp_path / "a.png", Image.new("1", (4000, 3000)))
    monkeypatch.setattr(image_file, "MOST_PIXELS", 10_000_000)
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", lambda self: pytest.fail("it was decoded"))
    with pytest.raises(BackendError, match="4,000 x 3,000 pixels, expected at most 10,000,000 in all"):
        levels(path)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1_000_000)
    with pytest.raises(BackendError, match="more than 10,000,000 pixels, the limit"):
        levels(path)


def test_a_bomb_of_text_is_refused(tmp_path):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    whole = next(pictures())
    text = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(100_000_000)))
    path = tmp_path / "a.png"
    path.write_bytes(whole[:33] + text + whole[33:])
    with pytest.raises(BackendError, match="not a picture that can be read"):
        levels(path)


def test_postscript_is_handed_to_no_other_program(tmp_path, monkeypatch):
    monkeypatch.setattr("subprocess.check_call", lambda *given, **options: pytest.fail("a program was run"))
    monkeypatch.setattr("subprocess.Popen", lambda *given, **options: pytest.fail("a program was run"))
    path = tmp_path / "a.png"
    made = io.BytesIO()
    Image.new("L", (8, 8)).save(made, "EPS")
    path.write_bytes(made.getvalue())
    with pytest.raises(BackendError, match="not a picture that can be read: expected AVIF, BMP, GIF, JPEG"):
        levels(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
def test_nothing_but_a_file_is_read(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path, "/dev/zero"):
        with pytest.raises(
            BackendError, match="not a file: a picture cannot be read from a pipe, a device or a folder"
        ):
            levels(path)
    for path, said in ((tmp_path / "absent.png", "no such file"), ("a\0b", "no file can have this name")):
        with pytest.raises(BackendError, match=said):
            levels(path)


def test_damaged_pictures_are_read_or_refused_in_one_line(tmp_path, capfd):
    """All 2,400 of them with SPINEC_PICTURES=1."""
    path, read, refused = tmp_path / "picture", 0, list[str]()
    for data in (*pictures(), *fuzzed(COUNT)):
        path.write_bytes(data)
        try:
            values = load_image(path, (3, 32, 40)).values
            assert values.shape == (3, 32, 40)
            assert np.isfinite(values).all()
            read += 1
        except BackendError as error:
            refused.append(str(error))
    assert read > COUNT / 10
    assert len(refused) > COUNT / 10
    assert all(line.isprintable() and len(line) < 400 for line in refused)
    assert capfd.readouterr() == ("", "")


def test_the_commands_say_it_in_one_line(spinec, tmp_path):
    spec = tmp_path / "net.yaml"
    text = "name: net\ninput: {{size: 32, channels: {}}}\nblocks: {{b: {{kind: conv, level: 1, dim: 8, inputs: [image]}}}}\noutputs: {{P1: b}}\n"
    clear = saved(tmp_path / "clear.png", Image.new("RGBA", (8, 8), (0, 0, 0, 0)))
    for channels, wanted in ((1, 0), (2, 1), (3, 0), (4, 0)):
        spec.write_text(text.format(channels))
        code, out, err = spinec("run", spec, clear)
        assert code == wanted
        assert len(err.splitlines()) == (channels != 4)
        assert ("P1" in out) == (wanted == 0)
    spec.write_text(text.format(2))
    code, _, err = spinec("verify", spec, "--image", clear)
    assert (code, err.count("\n")) == (1, 1)
