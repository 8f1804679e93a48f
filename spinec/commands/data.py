"""Data sets: make small ones, find what is wrong with one, and look at what a network will see."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from spinec.completion import spec_names
from spinec.options import Form, Output, Size, app, fail, failing, number, print_table, read_spec, working
from spinec.picture_files import WRITTEN
from spinec.spec.files import whole
from spinec.suffixes import written
from spinec.usage import Idle, refuse_idle

if TYPE_CHECKING:
    from spinec.train.data.check import Checked
    from spinec.visualize.table.table import Column, Table

data_app = typer.Typer(
    help="Make, check and look at data sets.",
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(data_app, name="data")


Source = Annotated[
    Path,
    typer.Argument(
        metavar="DIR|FILE", help="A folder, a JSON file in COCO's form, or tar files as 'x-{000..010}.tar'."
    ),
]
Split = Annotated[str | None, typer.Option(help="One of the splits, such as train2017.")]
Spec = Annotated[
    str | None,
    typer.Option(metavar="NAME|FILE", help="The spec whose head numbers the classes.", autocompletion=spec_names),
]
ImageFolder = Annotated[Path | None, typer.Option("--images", help="The folder of the pictures of a JSON file.")]


class Task(StrEnum):
    """What is to be learned."""

    detection = "detection"
    segmentation = "segmentation"
    classification = "classification"


SIDES = (512, 512)
Wanted = Annotated[
    Task | None, typer.Option(help="What is to be learned, where a data set is of use for several things.")
]


class SetName(StrEnum):
    """A data set that can be made."""

    digits = "digits"
    digits_classes = "digits-classes"
    nuclei = "nuclei"


@data_app.command()
def make(
    context: typer.Context,
    name: Annotated[SetName, typer.Argument(metavar="SET", help="The data set.")],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to write.")],
    seed: Annotated[int, typer.Option(min=0, help="Random seed of the scenes.")] = 0,
    size: Annotated[int | None, typer.Option(min=16, max=2048, help="Height and width of the pictures.")] = None,
    train: Annotated[int, typer.Option(min=1, help="Scenes for training.")] = 600,
    val: Annotated[int, typer.Option(min=1, help="Scenes for validation.")] = 120,
) -> None:
    """Make a small real data set from what packages ship.

    digits: handwritten digits (scikit-learn) set into scenes on photographs, with boxes and outlines, in COCO's form.
    digits-classes: each digit alone, in folders of classes. nuclei: nuclei of cells (stardist), in COCO's form. The
    licences are in the README.md of the folder.
    """
    from spinec.train.sets.made import SETS, make_set

    of_scenes = {"seed": seed, "train": train, "val": val}
    refuse_idle(context, Idle(" ".join(of_scenes), f"for {name}", name is not SetName.digits))
    options = {key: value for key, value in {"size": size, **of_scenes}.items() if key in SETS[name].options}
    with working(f"making {folder}"), failing(folder):
        make_set(name, folder, **options)
    typer.echo(f"{folder}: {name} written")


@data_app.command()
def check(
    source: Source,
    split: Split = None,
    spec: Spec = None,
    task: Wanted = None,
    images: ImageFolder = None,
    pictures: Annotated[bool, typer.Option(help="Read every picture.")] = True,
    workers: Annotated[int, typer.Option(min=0, help="Worker processes.")] = 0,
    form: Output = Form.table,
) -> None:
    """Find what is wrong with a data set.

    Every split and every picture is looked at. Each finding is counted, with its first examples. Exits with 1 if
    training would fail.
    """
    from spinec.train.data.check import check_data

    head = read_spec(spec).head if spec else None
    options: dict[str, Any] = {"task": task.value if task else None, "images": images, "watched": _watched}
    found = check_data(source, split, head=head, pictures=pictures, workers=workers, **options)
    if form is Form.table and found[0].task is None:  # no data set: a sentence, for which no column is wide enough
        fail(next(iter(found[0].tallies.values())).first[0].detail)
    print_table(_checked_table(str(source), found), form)
    if not all(each.passed for each in found):
        raise typer.Exit(1)


def _jitter(text: str) -> tuple[float, float]:
    """The least and the most of the scale."""
    scales = [number(word) for word in text.split(",")]
    if len(scales) != 2 or not 0.01 <= scales[0] <= scales[1] <= 100:
        raise typer.BadParameter(f"expected --scale as two numbers from 0.01 to 100, such as 0.1,2, got {text!r}")
    return scales[0], scales[1]


def _watched(positions: Iterable[int]) -> Iterable[int]:
    """The positions, with a bar for a person at a terminal."""
    if sys.stderr is None or not sys.stderr.isatty():
        return positions
    from rich.console import Console
    from rich.progress import track

    return track(list(positions), "looking at pictures", console=Console(stderr=True), transient=True)


def _checked_table(name: str, found: Sequence[Checked]) -> Table:
    """What was found, those that stop training first."""
    from spinec.train.data.findings import KINDS
    from spinec.visualize.table.table import Column, Shown, Table

    rows: list[Any] = []
    for each in found:
        for kind, (says, stops) in KINDS.items():
            if tally := each.tallies.get(kind):
                first = [": ".join(filter(None, finding[1:])) for finding in tally.first]
                fails, shown = Shown(stops, "stops" if stops else ""), Shown(first, first[0].replace(f"{name}/", ""))
                rows.append([each.split, kind, tally.count, fails, says, shown])
    passed = all(each.passed for each in found)
    splits = {each.split or "all": each.examples for each in found}
    told = ", ".join(f"{split}: {count:,} examples" for split, count in splits.items())
    verdict = "it can be trained on" if passed else "training would fail"
    columns: list[str | Column] = [
        "split",
        "finding",
        "count",
        Column("training", "stops"),
        Column("what", "what", 2),
        Column("examples", "first"),
    ]
    title = f"{name}, {told}: {verdict}"
    return Table(title, columns, rows, (), {"name": name, "splits": splits}, "data_check", passed)


@data_app.command()
def show(
    context: typer.Context,
    source: Source,
    output: Annotated[Path, written(("contact sheet", WRITTEN), "Picture to write.")],
    split: Split = None,
    spec: Spec = None,
    task: Wanted = None,
    images: ImageFolder = None,
    size: Size = None,
    count: Annotated[int, typer.Option(min=1, max=400, help="Pictures on the sheet.")] = 12,
    seed: Annotated[int, typer.Option(min=0, help="Random seed of the order and the augmentation.")] = 0,
    recipe: Annotated[
        str | None, typer.Option(metavar="NAME|FILE", help="The recipe that says how pictures change.")
    ] = None,
    scale: Annotated[str, typer.Option(metavar="A,B", help="Least and most of the scale jitter.")] = "0.1,2",
    flip: Annotated[float, typer.Option(min=0, max=1, help="Share of the pictures that are mirrored.")] = 0.5,
) -> None:
    """Draw what a network will see of a data set after augmentation.

    The sheet has the first pictures of the first epoch, with their boxes, outlines or classes.
    """
    from spinec.spec.recipes.load import load_recipe
    from spinec.spec.recipes.model import Augment
    from spinec.train.data.forms import look_at
    from spinec.train.data.sheet import contact_sheet
    from spinec.train.views import view_of

    refuse_idle(context, Idle("scale flip", "with --recipe, which says it", recipe))
    augment = load_recipe(recipe).augment if recipe else Augment(scale=_jitter(scale), flip=flip)
    network = read_spec(spec) if spec else None
    data = look_at(source, split, network.head if network else None, task.value if task else None, images)
    refuse_idle(context, Idle("scale", "for classification", data.task == "classification"))
    seen, channels = size or (network.input.size if network else SIDES), network.input.channels if network else 3
    view = view_of(data.task, augment, seen, channels)
    with working(f"drawing {output}"):
        sheet = contact_sheet(data, view, count, seed)
    with failing(output), whole(output) as made:
        sheet.save(made)
    typer.echo(f"{output}: drawn")
