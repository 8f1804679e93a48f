"""Where the files of samples are in a tar file: what is in it can then be read in any order, without unpacking it."""

from __future__ import annotations

import tarfile
from collections.abc import Sequence
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from spinec.backends.image_file import SUFFIXES
from spinec.spec.errors import DataError

CLASS, LISTED, MAP = LABELS = (".cls", ".json", ".seg.png")


class Sample(NamedTuple):
    """Where the files of a sample begin in a shard, and how long they are."""

    key: str
    picture: tuple[int, int]
    label: tuple[int, int]
    suffix: str
    """Of the label: which form it has."""


@lru_cache(maxsize=4096)
def samples_of(shard: Path) -> list[Sample]:
    """Where the files of every sample of a shard are.

    Raises:
        DataError: when it is no tar file, is compressed, or a sample lacks a file.
    """
    try:
        with tarfile.open(shard, "r:") as archive:
            members = [each for each in archive if each.isfile()]
    except (OSError, tarfile.TarError):
        raise DataError(f"{shard}: not a tar file that can be read: it must be whole, and not compressed") from None
    return [_sample(shard, key, list(own)) for key, own in groupby(members, lambda each: _key(each.name))]


def _sample(shard: Path, key: str, members: Sequence[tarfile.TarInfo]) -> Sample:
    places = {_suffix(each.name): (each.offset_data, each.size) for each in members}
    picture = next((suffix for suffix in places if suffix in SUFFIXES), None)
    label = next((suffix for suffix in LABELS if suffix in places), None)
    if picture is None or label is None:
        missing = "picture" if picture is None else f"{CLASS}, {LISTED} or {MAP} file"
        raise DataError(f"{shard}: the sample {key!r} has no {missing}")
    return Sample(key, places[picture], places[label], label)


def _suffix(name: str) -> str:
    """What a file is, by the end of its name."""
    name = name.lower()
    return MAP if name.endswith(MAP) else f".{name.rpartition('.')[2]}"


def _key(name: str) -> str:
    """A file's name up to the first dot of its last part."""
    folder, slash, last = name.rpartition("/")
    return folder + slash + last.partition(".")[0]


def read_bytes(shard: Path, place: tuple[int, int], name: str) -> bytes:
    """A file in a shard, by where it is.

    Raises:
        DataError: when it cannot be read.
    """
    try:
        with shard.open("rb") as file:
            file.seek(place[0])
            found = file.read(place[1])
    except OSError as error:
        raise DataError(f"{name}: cannot be read: {error.strerror or error}") from None
    if len(found) < place[1]:
        raise DataError(f"{name}: is cut off")
    return found
