"""The picture files that a user means by names, folders, patterns and lists, and where pictures of answers go."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from glob import glob, has_magic
from pathlib import Path

import typer

from spinec.options import STDIN, fail
from spinec.suffixes import check_suffix

PICTURES = (".avif", ".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
WRITTEN = (".jpeg", ".jpg", ".png", ".webp")


def picture_files(given: Sequence[str]) -> list[Path]:
    """Every file, those of folders and patterns in alphabetical order; `-` stands for a list on standard input."""
    files = dict.fromkeys(file for name in given for file in _files(name))
    return list(files) or fail("no pictures: standard input is empty")


def _files(name: str) -> Iterator[Path]:
    if name == STDIN:
        names = [line.rstrip("\n") for line in sys.stdin]
        yield from (Path(line) for line in names if line)
    elif os.path.isdir(name):  # False, unlike Path.is_dir, for a name that no file can have
        inside = sorted(path for path in Path(name).iterdir() if path.suffix.lower() in PICTURES)
        yield from inside or fail(
            f"{name}: no pictures in this folder; expected names that end in {', '.join(PICTURES)}"
        )
    elif has_magic(name) and not os.path.exists(name):
        yield from map(Path, sorted(glob(name, recursive=True)) or fail(f"{name}: no file has such a name"))
    else:
        yield Path(name)


def targets(output: Path | None, files: Sequence[Path]) -> dict[Path, Path]:
    """Where the picture of every file's answer is written: a file, or a file of that name in a folder.

    Nothing where no pictures are asked for.
    """
    if output is None or output.suffix.lower() == ".json":
        return {}
    if output.suffix.lower() in WRITTEN and not output.is_dir():
        if len(files) > 1:
            raise typer.BadParameter(f"{len(files)} pictures do not go into one: expected a folder, got {output}")
        return {files[0]: output} if files else {}
    check_suffix(output, "picture or boxes", (*WRITTEN, ".json"))
    found: dict[Path, Path] = {}
    for file in files:
        name = file.name if file.suffix.lower() in WRITTEN else f"{file.name}.png"
        if output / name in found.values():
            fail(f"{file}: another picture has this name, and both would go into {output}")
        found[file] = output / name
    _check_apart(found)
    return found


def _check_apart(found: dict[Path, Path]) -> None:
    """No answer replaces the picture that it is about."""
    for file, target in found.items():
        if target.exists() and target.samefile(file):
            fail(f"{target}: the answer would replace the picture: expected another folder")
