"""From a spec to source, and to a run."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from spinec.options import (
    BackendName,
    Form,
    Name,
    Output,
    Size,
    app,
    deliver_text,
    print_table,
    read_image,
    read_program,
)
from spinec.suffixes import SOURCE, written


class Part(StrEnum):
    """What source may have beside the network."""

    detect = "detect"
    classify = "classify"
    segment = "segment"
    paste = "paste"
    loss = "loss"


@app.command("compile")
def compile_spec(
    name: Name,
    backend: BackendName = "pytorch",
    output: Annotated[Path | None, written(SOURCE, "File to write. Default: standard output.")] = None,
    size: Size = None,
    parts: Annotated[
        list[Part] | None,
        typer.Option(
            "--with",
            metavar="PART",
            help="What the source has besides: detect, classify, segment, paste or loss. Repeat for more.",
        ),
    ] = None,
) -> None:
    """Compile a spec to source code for a framework.

    The source stands alone: it imports the framework and nothing from spinec. With 'detect' it also turns images into
    boxes, with 'classify' into classes, with 'segment' into a class for every pixel. With 'paste' it puts the masks of
    boxes into images. With 'loss' it says what the network is to learn.
    """
    from spinec.backends.backend import emit

    source = emit(read_program(name, size), backend, list(dict.fromkeys(part.value for part in parts or ())))
    deliver_text(source, output, f"{len(source.splitlines())} lines of {backend}")


@app.command()
def run(
    name: Name,
    image: Annotated[Path, typer.Argument(help="An image file.")],
    backend_name: BackendName = "pytorch",
    size: Size = None,
    seed: Annotated[int, typer.Option(help="Random seed of the fresh weights.")] = 0,
    form: Output = Form.table,
) -> None:
    """Run a spec with fresh weights on a picture.

    The picture is scaled to fit the input size and padded with zeros. The table shows the shape and the range of each
    output. A network with one input channel gets the picture in grey. A network with four also gets its transparency.
    """
    from spinec.backends.backend import backend
    from spinec.visualize.table.costs import result_table

    program = read_program(name, size)
    results = backend(backend_name).run(program, read_image(image, program), seed)
    print_table(result_table(program, results, backend_name), form)
