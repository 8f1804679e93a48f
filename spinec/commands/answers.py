"""From pictures to boxes, classes and maps of classes."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from spinec.options import (
    BackendName,
    Form,
    Name,
    Size,
    app,
    deliver_text,
    fail,
    failing,
    is_standard_output,
    print_table,
    read_spec,
    working,
)
from spinec.picture_files import picture_files, targets

if TYPE_CHECKING:
    from spinec.backends.answers import Predictor
    from spinec.compiler.answers.results import Answer, Detected

NOISE = "random weights: the result is noise; --weights FILE gives trained ones"
Images = Annotated[
    list[str],
    typer.Argument(
        metavar="IMAGE", help="Image files, folders of them, or patterns. Use - for a list of names on standard input."
    ),
]
Weights = Annotated[Path | None, typer.Option(help="A file of weights. Default: random weights.")]
Labels = Annotated[
    str | None,
    typer.Option(metavar="LIST|FILE", help="Names of the classes: a list such as coco-91, or a file with one a line."),
]
Seed = Annotated[int, typer.Option(help="Random seed of random weights.")]
OutputPath = Annotated[
    Path | None,
    typer.Option(
        "-o",
        "--output",
        metavar="PICTURE|DIR|FILE.json",
        help="Where to draw the result: a picture, or a folder for several. Or a JSON file.",
    ),
]


class BoxForm(StrEnum):
    """How boxes are written."""

    table = "table"
    json = "json"
    csv = "csv"
    markdown = "markdown"
    coco = "coco"


@app.command()
def detect(
    name: Name,
    images: Images,
    weights: Weights = None,
    output: OutputPath = None,
    score: Annotated[float, typer.Option(min=0, max=1, help="Show boxes with a score above this.")] = 0.3,
    labels: Labels = None,
    backend: BackendName = "pytorch",
    size: Size = None,
    seed: Seed = 0,
    form: Annotated[BoxForm, typer.Option("--format", help="Output format; coco is for COCO's evaluation.")] = (
        BoxForm.table
    ),
) -> None:
    """Find objects in pictures.

    The picture is scaled to fit the input size and padded with zeros. Boxes are in pixels of the picture itself. In the
    format 'coco', image ids are the numbers in the files' names if all names are different numbers, and count from 1
    otherwise.
    """
    from spinec.backends.answers import detector

    make = partial(_made, detector, name, backend, weights=weights, size=size, labels=labels, seed=seed)
    files = picture_files(images)
    found = _answered(make, files, output, score)
    if form is BoxForm.coco:
        deliver_text(json.dumps(_coco(files, found), allow_nan=False) + "\n", _json(output), "written")
    else:
        _tell("detect", name, found, output, Form(form.value))


@app.command()
def classify(
    name: Name,
    images: Images,
    weights: Weights = None,
    output: OutputPath = None,
    labels: Labels = None,
    backend: BackendName = "pytorch",
    size: Size = None,
    seed: Seed = 0,
    form: Annotated[Form, typer.Option("--format", help="Output format.")] = Form.table,
) -> None:
    """Say what pictures show: the likeliest classes.

    The network sees the picture's centre: the short side is scaled to the input size divided by 0.875, and cropped.
    """
    from spinec.backends.answers import classifier

    make = partial(_made, classifier, name, backend, weights=weights, size=size, labels=labels, seed=seed)
    _tell("classify", name, _answered(make, picture_files(images), output), output, form)


@app.command()
def segment(
    name: Name,
    images: Images,
    weights: Weights = None,
    output: OutputPath = None,
    labels: Labels = None,
    backend: BackendName = "pytorch",
    size: Size = None,
    seed: Seed = 0,
    form: Annotated[Form, typer.Option("--format", help="Output format.")] = Form.table,
) -> None:
    """Say the class of every pixel of pictures.

    The picture is scaled to fit the input size and padded with zeros. The result has the size of the picture itself.
    """
    from spinec.backends.answers import segmenter

    make = partial(_made, segmenter, name, backend, weights=weights, size=size, labels=labels, seed=seed)
    _tell("segment", name, _answered(make, picture_files(images), output), output, form)


def loaded(make: Callable[[], Predictor[Any]]) -> Predictor[Any]:
    """A network that answers; that its weights are random is told."""
    with working("loading the network"):
        predictor = make()
    if predictor.network.noise:
        typer.echo(NOISE, err=True)
    return predictor


def _made(make: Callable[..., Predictor[Any]], name: str, backend: str, **options: Any) -> Predictor[Any]:
    """What answers by the spec of a name, a file or standard input."""
    return make(read_spec(name), backend, **options)


def _answered(
    make: Callable[[], Predictor[Any]], files: Sequence[Path], output: Path | None, score: float | None = None
) -> list[Any]:
    """The answers to all pictures, drawn where that is asked for; a file that is no picture is told, the rest goes on.

    Exits with 1 where one was none; then nothing is written but the pictures of the others.
    """
    from spinec.spec.errors import BackendError

    output = None if is_standard_output(output) else output
    drawn, found, faulty = targets(output, files), [], 0
    predictor = loaded(make)
    least = getattr(getattr(predictor.network.program.spec.head, "detections", None), "score", 0.0)
    if score is not None and score < least:
        typer.echo(f"the head gives no boxes with scores up to {least}: its detections.score", err=True)
    for file in _progress(files):
        try:
            answer = predictor(file)
        except BackendError as error:
            typer.echo(str(error), err=True)
            faulty += 1
            continue
        answer = answer if score is None else answer.above(score)
        for note in answer.notes:
            typer.echo(note, err=True)
        if file in drawn:
            if output is not None and drawn[file] != output:
                with failing(output):
                    output.mkdir(exist_ok=True)
            _draw(answer, drawn[file])
        found.append(replace(answer, picture=None))  # of which thousands would not fit into memory
    if faulty:
        fail(f"{faulty} of {len(files)} pictures could not be read" if len(files) > 1 else "nothing was written")
    return found


def _progress(files: Sequence[Path]) -> Iterable[Path]:
    """The files, with a bar for a person at a terminal where there are several."""
    if len(files) < 2 or sys.stderr is None or not sys.stderr.isatty():
        return files
    from rich.console import Console
    from rich.progress import track

    return track(files, "looking at pictures", console=Console(stderr=True))


def _draw(answer: Answer, target: Path) -> None:
    from spinec.spec.files import whole

    with failing(target), whole(target) as made:
        answer.draw().save(made)
    typer.echo(f"{target}: drawn", err=True)


def _coco(files: Sequence[Path], found: Sequence[Detected]) -> list[dict[str, Any]]:
    """The boxes of all pictures as COCO's evaluation reads them."""
    numbers = [int(file.stem) for file in files if file.stem.isascii() and file.stem.isdecimal()]
    known = len(set(numbers)) == len(files) and max(numbers, default=0) < 2**63
    ids = numbers if known else range(1, len(files) + 1)
    return [entry for image_id, each in zip(ids, found, strict=True) for entry in each.to_coco(image_id)]


def _tell(kind: str, name: str, found: Sequence[Answer], output: Path | None, form: Form) -> None:
    from spinec.visualize.table.answers import answer_table

    table = answer_table(kind, name, found)
    if output := _json(output):
        deliver_text(table.to_text("json") + "\n", output, "written")
    else:
        print_table(table, form)


def _json(output: Path | None) -> Path | None:
    """The file where that is to be JSON, no picture."""
    return output if output is not None and output.suffix.lower() == ".json" else None
