"""Where specs come from: the library that ships with spinec, and files."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

from spinec.spec.document import MAX_BYTES, Allowance, Item, file_text, files_beside, read_file
from spinec.spec.errors import Fault, Place, SpecError, close_to, did_you_mean

LIBRARY = Path(__file__).resolve().parent.parent / "specs"
SUFFIXES = (".yaml", ".yml")
NAMES = (".txt", ".names")  # of files that list names, one on a line
_SPACE = re.compile(r"^space\s*:", re.MULTILINE)
_SPEC = re.compile(r"^(blocks|extends)\s*:", re.MULTILINE)
_RECIPE = re.compile(r"^recipe\s*:", re.MULTILINE)
_FRAGMENT = re.compile(r"^(fragment|takes)\s*:", re.MULTILINE)


@cache
def library() -> dict[str, Path]:
    """Name and file of every spec in the library, in alphabetical order."""
    files = sorted(LIBRARY.glob("*.yaml"), key=lambda path: path.stem)
    return {path.stem: path for path in files}


def find(name: str | Path, allowance: Allowance | None = None, used: Place | None = None) -> tuple[Item, Path]:
    """The tree of a spec named in the library or given as a file, and the file; `used` is where another names it."""
    path = Path(name)
    if str(name) in library():
        path = library()[str(name)]
        return read_file(path, f"specs/{path.name}", allowance, used), path
    if path.suffix in SUFFIXES or os.path.exists(name):  # False, unlike Path.exists, for a name that no file can have
        return read_file(path, str(name), allowance), path
    hint = partial(_meant, path)
    raise SpecError([Fault("SPN-102", f"no spec {str(name)!r} in the library, and no such file", None, hint)])


def _meant(path: Path) -> str:
    """A suggestion for what is neither of the library nor a file: a file but for its suffix, or what is close."""
    files = [file for file in files_beside(path) if file.endswith(SUFFIXES)]
    for file in files:
        if file.removesuffix(Path(file).suffix) == str(path):
            return f"did you mean {file!r}?"
    return close_to(path, [*files, *library()]) or did_you_mean(path, library())


def find_other(name: str, what: str, known: Mapping[str, Path], allowance: Allowance) -> tuple[Item, Path]:
    """The tree of a recipe or a space named in the library or given as a file, and the file."""
    if name in known:
        return read_file(known[name], f"specs/{known[name].relative_to(LIBRARY)}", allowance), known[name]
    path = Path(name)
    if path.suffix in SUFFIXES:
        return read_file(path, name, allowance), path
    hint = partial(_closest, name, known)
    raise SpecError([Fault("SPN-102", f"no {what} {name!r} in the library, and no such file", None, hint)])


def _closest(name: str, known: Mapping[str, object]) -> str:
    return close_to(Path(name), known) or did_you_mean(name, known)


@cache
def fragments() -> dict[str, Path]:
    """Name and file of every fragment in the library, in alphabetical order."""
    files = sorted((LIBRARY / "fragments").glob("*.yaml"), key=lambda path: path.stem)
    return {path.stem: path for path in files}


def find_parent(name: str, child: Path | None, place: Place, allowance: Allowance) -> tuple[Item, Path]:
    """The tree of what a spec extends: a library spec, or a file in the folder of the child or below it."""
    if name in library():
        return find(name, allowance, place)
    return find_beside(name, child, place, Sort("extends", "spec", library()), allowance)


def find_fragment(name: str, spec: Path | None, place: Place, allowance: Allowance) -> Item:
    """The tree of a fragment: the library's, or a file in the folder of the spec or below it."""
    if name in fragments():
        return read_file(fragments()[name], f"specs/fragments/{name}.yaml", allowance, place)
    return find_beside(name, spec, place, Sort("neck", "fragment", fragments()), allowance)[0]


def find_kind(name: str, spec: Path | None, place: Place, allowance: Allowance) -> Item:
    """The tree of a kind in a file in the folder of the spec or below it."""
    return find_beside(name, spec, place, Sort("kinds", "kind", {}), allowance)[0]


def find_names(name: str, spec: Path | None, place: Place, known: Mapping[str, object]) -> list[str]:
    """The lines of a file of names in the folder of the spec or below it."""
    path = _beside(name, spec, place, Sort("classes", "list of classes", known, NAMES))
    return file_text(path, str(Path(place.source.name).parent / name)).split("\n")


class Sort(NamedTuple):
    """A sort of documents that others name: the key that names one, what it is called, and those of the library."""

    key: str
    what: str
    known: Mapping[str, object]
    suffixes: tuple[str, ...] = SUFFIXES


def find_beside(name: str, child: Path | None, place: Place, sort: Sort, allowance: Allowance) -> tuple[Item, Path]:
    """The tree of a file in the folder of a document or below it, and the file."""
    path = _beside(name, child, place, sort)
    return _read_beside(path, str(Path(place.source.name).parent / name), place, allowance), path


def _beside(name: str, child: Path | None, place: Place, sort: Sort) -> Path:
    """The file of a name in the folder of a document or below it."""
    key, what, known, suffixes = sort
    if not name.endswith(suffixes):
        message = f"{key}: no {what} {name!r} in the library"
        raise SpecError([Fault("SPN-502", message, place, partial(did_you_mean, name, known))])
    if child is None:
        raise SpecError([Fault("SPN-503", f"{key}: {name!r} is a file, and this spec is not in a folder", place)])
    folder = child.resolve().parent
    path = Path(os.path.realpath(folder / name)) if name.isprintable() else folder / "?"
    if not path.is_relative_to(folder):
        hint = "expected a file beside this spec or below it"
        raise SpecError([Fault("SPN-504", f"{key}: {name!r} leaves the folder of this spec", place, hint)])
    if not os.path.isfile(path):
        files = files_beside(path) if name.isprintable() else ()
        beside = [str(Path(name).parent / Path(file).name) for file in files if file.endswith(suffixes)]
        message = f"{key}: no file {name!r} in the folder of this spec"
        raise SpecError([Fault("SPN-505", message, place, partial(did_you_mean, name, beside))])
    return path


def _read_beside(path: Path, name: str, place: Place, allowance: Allowance) -> Item:
    """The tree of a file; what is wrong with the file as a whole stands where it is named."""
    try:
        return read_file(path, name, allowance, place)
    except SpecError as error:
        raise SpecError(fault if fault.place else replace(fault, place=place) for fault in error.faults) from None


def specs_in(folder: Path) -> list[Path]:
    """The specs and fragments in a folder and below it, in alphabetical order; hidden folders are left out.

    Other YAML is none of ours: a spec has `blocks` or `extends` at the start of a line.
    """
    found = (path for path in folder.rglob("*") if path.suffix in SUFFIXES and path.is_file())
    return sorted(path for path in found if not _is_hidden(path.relative_to(folder)) and _is_spec(_start(path)))


def is_fragment(path: Path) -> bool:
    """Whether a file holds a fragment, which is no spec by itself."""
    return _FRAGMENT.search(_start(path)) is not None


def begins_space(document: Path | str) -> bool:
    """Whether a file, or a text, holds a space, which is a spec with choices."""
    return _SPACE.search(document if isinstance(document, str) else _start(document)) is not None


def _is_spec(text: str) -> bool:
    """Whether a text is a spec or a fragment; recipes extend others, too."""
    return _SPEC.search(text) is not None and _RECIPE.search(text) is None


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _start(path: Path) -> str:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return file.read(MAX_BYTES)
    except OSError:
        return ""


def names() -> list[str]:
    """The names of the specs in the library."""
    return list(library())
