"""The picture files that a user means by names, folders, patterns and lists, and where pictures of answers go."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from glob import glob, has_magic
from pathlib import Path

import typer

from spinec.backends.image_file import SUFFIXES
from spinec.options import STDIN, fail
from spinec.suffixes import check_suffix

WRITTEN = (".jpeg", ".jpg", ".png", ".webp")


def picture_files(given: Sequence[str]) -> list[Path]:
    """Every file, those of folders and patterns in alphabetical order; `-` stands for a list on standard input."""
    files = dict.fromkeys(file for name in given for file in _files(name))
    return list(files) or fail("no pictures: standard input is empty")


def _files(name: str) -> Iterator[Path]:
    if name == STDIN:
        names = [line.rstrip("\r\n") for line in sys.stdin]
        yield from (Path(line) for line in names if line)
    elif os.path.isdir(name):  # False, unlike Path.is_dir, for a name that no file can have
        inside = sorted(path for path in Path(name).iterdir() if path.suffix.lower() in SUFFIXES)
        yield from inside or fail(
            f"{name}: no pictures in this folder; expected names that end in {', '.join(SUFFIXES)}"
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
    if output.is_dir() or not output.suffix:
        found = _in_folder(output, files)
    elif output.suffix.lower() not in WRITTEN:
        check_suffix(output, "picture or boxes", (*WRITTEN, ".json"))
        known = ", ".join((*WRITTEN, ".json"))
        raise typer.BadParameter(f"expected a folder, or a name that ends in {known}, got {output}")
    elif len(files) > 1:
        raise typer.BadParameter(f"{len(files)} pictures do not go into one: expected a folder, got {output}")
    else:
        found = {files[0]: output}
    for file, target in found.items():
        if target.exists() and file.exists() and target.samefile(file):
            fail(f"{target}: the answer would replace the picture: expected another name or folder")
    return found


def _in_folder(folder: Path, files: Sequence[Path]) -> dict[Path, Path]:
    found: dict[Path, Path] = {}
    for file in files:
        name = file.name if file.suffix.lower() in WRITTEN else f"{file.name}.png"
        if folder / name in found.values():
            fail(f"{file}: another picture has this name, and both would go into {folder}")
        found[file] = folder / name
    return found
