"""Weights between frameworks, models out of them, and the proof that they are one network."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from spinec.commands.compile import Part
from spinec.completion import spec_names
from spinec.options import Form, Name, Output, Size, app, fail, failing, print_table, read_image, read_program, working
from spinec.suffixes import check_suffix
from spinec.usage import Idle, refuse_idle

if TYPE_CHECKING:
    from spinec.visualize.table.table import Table

weights_app = typer.Typer(
    help="Convert weights between frameworks.",
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(weights_app, name="weights")


class Layout(StrEnum):
    """What a .safetensors file holds."""

    neutral = "neutral"
    pytorch = "pytorch"


class Precision(StrEnum):
    """What models compute in."""

    float32 = "float32"
    float64 = "float64"


@weights_app.command()
def convert(
    context: typer.Context,
    source: Annotated[Path, typer.Argument(metavar="FROM", help="A .pt, .safetensors, .weights.h5 or .keras file.")],
    target: Annotated[
        Path, typer.Argument(metavar="TO", help="File to write. The ending of its name sets the format.")
    ],
    spec: Annotated[
        str,
        typer.Option(
            metavar="NAME|FILE", help="The spec of the weights. Neutral files name it.", autocompletion=spec_names
        ),
    ] = "",
    layout: Annotated[Layout, typer.Option(help="Layout of a .safetensors target.")] = Layout.neutral,
    size: Size = None,
) -> None:
    """Convert weights between PyTorch, Keras and the neutral format.

    An entry that is missing, unexpected, of the wrong shape or not made of real numbers is an error. The message names
    all of them, and nothing is written. Weights are written in float32. This is exact for float16 and bfloat16, but
    float64 is rounded.
    """
    from spinec.backends.checkpoints import open_checkpoint, spec_named_in, write_checkpoint
    from spinec.backends.neutral import SUFFIX

    refuse_idle(context, Idle("layout", f"on a file other than {SUFFIX}", target.suffix != SUFFIX))
    name = spec or spec_named_in(source)
    if not name:
        fail(f"{source}: does not say whose weights it holds; add --spec NAME")
    program = read_program(name, size)
    with working(f"converting {source}"):
        weights, types = open_checkpoint(source, program)
        with failing(target):
            write_checkpoint(target, program, weights, layout.value)
    for held, count in sorted(types.items()):
        if held != "float32":
            typer.echo(
                f"{source}: {count} arrays of {held}, {'rounded' if held == 'float64' else 'widened'} to float32"
            )
    typer.echo(f"{target}: {len(weights)} arrays, {sum(array.size for array in weights.values()):,} numbers")


@app.command()
def export(
    context: typer.Context,
    name: Name,
    to: Annotated[str, typer.Option(metavar="onnx|torch-export|savedmodel|keras|tflite", help="Format to export to.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Where to write the model.")],
    weights: Annotated[Path | None, typer.Option(help="A file of weights. Default: fresh weights.")] = None,
    size: Size = None,
    parts: Annotated[
        list[Part] | None,
        typer.Option(
            "--with",
            metavar="PART",
            help="What the file gives in place of the network's outputs: detect, classify or segment.",
        ),
    ] = None,
    dynamic: Annotated[
        bool, typer.Option("--dynamic", help="Take images of any height and width that the network can take.")
    ] = False,
    sizes: Annotated[
        bool, typer.Option("--sizes", help="Take a second input: how many rows and columns of each image are image.")
    ] = False,
) -> None:
    """Export a model for serving, with a dynamic batch size.

    With 'detect' the file gives boxes, scores and classes of whole images, with 'classify' probabilities and classes,
    and with 'segment' the class of every pixel.
    """
    from spinec.backends.export import SUFFIXES, export_model

    if to in SUFFIXES:
        check_suffix(output, to, SUFFIXES[to])
    asked = list(dict.fromkeys(part.value for part in parts or ()))
    refuse_idle(
        context,
        Idle("size", "with --dynamic: the file takes images of any size", dynamic),
        Idle("sizes", "without --with detect", "detect" not in asked),
    )
    program = read_program(name, size)
    with working(f"exporting {program.name} as {to}"), failing(output):
        made = export_model(program, to, output, weights, asked, dynamic=dynamic, sizes=sizes)
    answers = f" with {' and '.join(asked)}" if asked else ""
    taken = _sides(made.multiple) if dynamic else ""
    typer.echo(f"{output}: {program.name}{answers} as {to}{taken}" + ("" if weights else ", with fresh weights"))


def _sides(multiple: int) -> str:
    return ", for images of any size" if multiple == 1 else f", for images whose sides are multiples of {multiple}"


@app.command()
def verify(
    context: typer.Context,
    name: Name,
    size: Size = None,
    precision: Annotated[Precision, typer.Option(help="Precision of both frameworks.")] = Precision.float32,
    seed: Annotated[int, typer.Option(help="Random seed of weights and images.")] = 0,
    image: Annotated[Path | None, typer.Option(help="Image file to compare on. Default: noise.")] = None,
    training: Annotated[bool, typer.Option("--training", help="Compare ten training steps.")] = False,
    rate: Annotated[float, typer.Option(min=0, help="Learning rate of the training steps.")] = 0.01,
    form: Output = Form.table,
) -> None:
    """Compare PyTorch with TensorFlow at every block.

    Both get the same random weights and images. Exits with 1 if max|difference| / max|reference| exceeds a limit: 1e-5
    in float32, 1e-12 in float64, and 1e-4 for gradients and losses in training. If rounding to float32 alone takes
    PyTorch further than a third of the limit from its own float64 result, the limit is three times that distance
    instead. Training at a detector's own size takes minutes. At a small size, compare it in float64, because norms over
    few values magnify rounding. Steps that are too long magnify it too: if losses grow, use a smaller rate.
    """
    from spinec.backends.verify import Course, compare
    from spinec.visualize.table.costs import difference_table, training_difference_table

    refuse_idle(
        context,
        Idle("image", "with --training, whose images are noise", training),
        Idle("rate", "without --training", not training),
    )
    program = read_program(name, size)
    about = {"precision": precision.value, "seed": seed}
    if training:
        with working(f"training {program.name} in both frameworks"):
            worst = Course(program, seed, rate=rate).compare(precision.value).worst
        shown = {what: (each.value, each.error, bar) for what, (each, bar) in worst.items()}
        _judge(training_difference_table(program, shown, {**about, "rate": rate}), form)
    picture = read_image(image, program) if image else None
    with working(f"running {program.name} in both frameworks"):
        compared = compare(program, precision.value, seed, picture)
    rows = [(each.value, each.shape, each.error) for each in compared.worst_first]
    _judge(difference_table(program, rows, compared.bar, about), form)


def _judge(table: Table, form: Form) -> NoReturn:
    """Show a comparison and its verdict, and exit with it."""
    print_table(table, form)
    if form is Form.table:
        typer.echo(
            "  one network: all within the bar" if table.passed else "  not one network: see what is above the bar"
        )
    raise typer.Exit(not table.passed)
