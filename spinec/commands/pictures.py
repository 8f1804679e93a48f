"""Pictures of specs: diagrams, charts, differences, reports."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from spinec.options import Convention, Count, Name, Size, app, fail, read_program


class Color(StrEnum):
    """What the colours of a diagram mean."""

    kind = "kind"
    macs = "macs"
    params = "params"
    activations = "activations"
    intensity = "intensity"


class Theme(StrEnum):
    """Light, dark, or as the reader prefers."""

    auto = "auto"
    light = "light"
    dark = "dark"


@app.command()
def draw(
    name: Name,
    output: Annotated[
        Path,
        typer.Option(
            "-o", "--output", help="A .svg, .png, .pdf, .tex or .mmd file of the blocks, or a .dot of the ops."
        ),
    ],
    color: Annotated[Color, typer.Option(help="What colours mean: kinds, or a heat map of cost.")] = Color.kind,
    theme: Annotated[
        Theme, typer.Option(help="Of the picture; auto follows the reader, where files can.")
    ] = Theme.auto,
    labels: Annotated[bool, typer.Option(help="Say on arrows how features are resampled.")] = True,
    unfold: Annotated[bool, typer.Option("--unfold", help="Every repeat of a block as a box of its own.")] = False,
    convention: Count = Convention.conv,
    size: Size = None,
) -> None:
    """Draw a spec: blocks in order from left to right, each at its level."""
    from spinec.visualize.draw import draw as draw_program
    from spinec.visualize.draw import writer_of

    write = writer_of(output)
    drawing = draw_program(
        read_program(name, size),
        color.value,
        convention=convention.value,
        theme=theme.value,
        labels=labels,
        unfold=unfold,
    )
    _write(output, write(drawing))
    typer.echo(f"{output}: {len(drawing.network.blocks)} blocks, {len(drawing.network.edges)} arrows")


def _write(path: Path, data: str | bytes) -> None:
    from spinec.spec.files import write_whole

    try:
        write_whole(path, data)
    except OSError as error:
        fail(f"{path}: cannot be written: {error.strerror}")
