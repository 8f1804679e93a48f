"""Where specs come from: the library that ships with spinec, and files."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from spinec.spec.document import Item, read_file
from spinec.spec.errors import Fault, Place, SpecError, did_you_mean

LIBRARY = Path(__file__).resolve().parent.parent / "specs"
SUFFIXES = (".yaml", ".yml")


@cache
def library() -> dict[str, Path]:
    """Name and file of every spec in the library, in alphabetical order."""
    files = sorted(LIBRARY.glob("*.yaml"), key=lambda path: path.stem)
    return {path.stem: path for path in files}


def find(name: str | Path) -> tuple[Item, Path]:
    """The tree of a spec named in the library or given as a file, and the file."""
    path = Path(name)
    if str(name) in library():
        path = library()[str(name)]
        return read_file(path, f"specs/{path.name}"), path
    if path.suffix in SUFFIXES or path.exists():
        return read_file(path, str(name)), path
    hint = did_you_mean(name, library())
    raise SpecError([Fault(f"no spec {str(name)!r} in the library, and no such file", None, hint)])


def find_parent(name: str, child: Path | None, place: Place) -> tuple[Item, Path]:
    """The tree of what a spec extends: a library spec, or a file in the folder of the child or below it."""
    if name in library():
        return find(name)
    if not name.endswith(SUFFIXES):
        hint = did_you_mean(name, library())
        raise SpecError([Fault(f"'extends': no spec {name!r} in the library", place, hint)])
    if child is None:
        raise SpecError([Fault(f"'extends': {name!r} is a file, and this spec is not in a folder", place)])
    folder = child.resolve().parent
    path = (folder / name).resolve()
    if not path.is_relative_to(folder):
        raise SpecError(
            [
                Fault(
                    f"'extends': {name!r} leaves the folder of this spec",
                    place,
                    "a file beside it or below it",
                )
            ]
        )
    if not path.is_file():
        raise SpecError([Fault(f"'extends': no file {name!r} in the folder of this spec", place)])
    return read_file(path, name), path


def names() -> list[str]:
    """The names of the specs in the library."""
    return list(library())
