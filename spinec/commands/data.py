"""Data sets: make small ones, find what is wrong with one, and look at what a network will see."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from spinec.options import app, failing, working
from spinec.usage import Idle, refuse_idle

data_app = typer.Typer(
    help="Make, check and look at data sets.",
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(data_app, name="data")


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
