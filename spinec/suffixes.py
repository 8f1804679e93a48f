"""What the name of a file says it holds: no command writes anything else into it, by one rule."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TypeVar

import typer

SPEC = ("spec", (".yaml", ".yml"))
PAGE = ("report", (".html", ".htm"))
SOURCE = ("source", (".py",))
BLOCK_LIST = ("block list", (".txt",))
STUDY = ("study", (".db", ".sqlite", ".sqlite3"))
KNOWN = frozenset(  # names in use for something; any other ending, as of my-net.v2, says nothing
    ".bmp .ckpt .csv .db .doc .docx .dot .eps .gif .gv .h5 .hdf5 .htm .html .ini .ipynb .jpeg .jpg .json .jsonl .keras "
    ".log .md .mmd .npy .npz .onnx .parquet .pb .pdf .pickle .pkl .png .ps .pt .pt2 .pth .py .rst .safetensors .sqlite "
    ".sqlite3 .svg .tex .tflite .tif .tiff .toml .tsv .txt .webp .xls .xlsx .xml .yaml .yml .zip".split()
)
Given = TypeVar("Given", Path, Path | None)


def check_suffix(path: Path, what: str, fitting: Collection[str]) -> None:
    """Refuse a name that says the file is something else; one that says nothing is fine.

    Raises:
        SpecError: naming the suffixes that fit.
    """
    from spinec.visualize.formats.unknown import unknown_form

    if path.suffix.lower() in KNOWN.difference(fitting):
        raise unknown_form(path, what, fitting)


def written(form: tuple[str, Collection[str]], about: str) -> typer.models.OptionInfo:
    """The option -o of a command that writes files of one form."""

    def checked(path: Given) -> Given:
        if path is not None:
            check_suffix(path, *form)
        return path

    option: typer.models.OptionInfo = typer.Option("-o", "--output", help=about, callback=checked)
    return option
