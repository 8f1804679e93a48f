"""Block lists of other projects."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from spinec.options import STDIN, Name, Size, app, deliver_text, read_input, read_spec, shown
from spinec.suffixes import BLOCK_LIST, SPEC, written
from spinec.usage import Idle, refuse_idle

ABOUT = "File to write. Default: standard output."


@app.command("import")
def import_blocks(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="A file of SpineNet block specs or EfficientNet block strings.")],
    output: Annotated[Path | None, written(SPEC, ABOUT)] = None,
    name: Annotated[str, typer.Option(help="Name of the spec. Default: the name of the file.")] = "",
    size: Size = None,
    stem: Annotated[int | None, typer.Option(min=1, help="Dim of the stem before the blocks.")] = None,
    features: Annotated[
        int | None, typer.Option(min=0, help="Dim of the convolution after the blocks; 0 for none.")
    ] = None,
    hidden: Annotated[
        int | None, typer.Option(min=0, help="Dim of a linear layer after the pooling; 0 for none.")
    ] = None,
    hidden_bias: Annotated[bool | None, typer.Option(help="Whether that linear layer has a bias.")] = None,
    classes: Annotated[int | None, typer.Option(min=1, help="Number of classes of the head.")] = None,
    activation: Annotated[
        Literal["swish", "relu", "relu6", "hard_swish"] | None,
        typer.Option(help="Activation of block strings that name none."),
    ] = None,
    padding: Annotated[
        Literal["symmetric", "same"] | None, typer.Option(help="Padding of strided blocks; 'same' is TensorFlow's.")
    ] = None,
    epsilon: Annotated[float | None, typer.Option(help="Epsilon of the norms.")] = None,
    momentum: Annotated[float | None, typer.Option(help="Momentum of the norms, as TensorFlow defines it.")] = None,
    squeeze_base: Annotated[
        Literal["input", "hidden"] | None, typer.Option(help="The dim that the 'se' ratio refers to.")
    ] = None,
    squeeze_multiple: Annotated[
        int | None, typer.Option(min=1, max=1024, help="Round squeezed dims to multiples of this number; 1 for any.")
    ] = None,
    squeeze_limit: Annotated[
        float | None, typer.Option(min=0, max=1, help="Smallest share of a squeezed dim that rounding can leave.")
    ] = None,
    squeeze_activation: Annotated[
        Literal["own", "swish", "relu", "relu6", "hard_swish"] | None,
        typer.Option(help="Activation in squeeze-excite; 'own' is the block's."),
    ] = None,
    gate: Annotated[Literal["sigmoid", "hard_sigmoid"] | None, typer.Option(help="Gate of squeeze-excite.")] = None,
) -> None:
    """Convert the block list of another project to a spec.

    Reads SpineNet's tuples (level, block, offsets, output) as text or JSON, block strings of timm, such as
    ir_r2_k3_s2_e6_c24_se0.25, and block strings of TensorFlow, such as r2_k3_s22_e6_i16_o24_se0.25. The options from
    --size on set what block strings do not specify. The command lists everything that it has to assume.
    """
    from spinec.compiler.interchange.convert import import_blocks as read_blocks
    from spinec.compiler.interchange.convert import import_file
    from spinec.compiler.interchange.frame import Frame, assumed
    from spinec.spec.dump import dump

    refuse_idle(
        context,
        Idle("classes hidden", "with --features 0, which leaves out the head", features == 0),
        Idle("hidden_bias", "without --hidden", not hidden),
        Idle("squeeze_limit", "without --squeeze-multiple", squeeze_multiple in (None, 1)),
    )
    given: dict[str, Any] = {
        "size": size,
        "stem": stem,
        "features": features,
        "hidden": hidden,
        "hidden_bias": hidden_bias,
        "classes": classes,
        "activation": activation,
        "padding": padding,
        "epsilon": epsilon,
        "momentum": momentum,
        "squeeze_base": squeeze_base,
        "squeeze_multiple": squeeze_multiple,
        "squeeze_limit": squeeze_limit,
        "squeeze_activation": squeeze_activation,
        "gate": gate,
    }
    said = {key: value for key, value in given.items() if value is not None}
    called, frame = name or _name_of(file), Frame(**said) if said else None
    if str(file) == STDIN:
        spec = read_blocks(read_input(), called, frame, shown(STDIN))
    else:
        spec = import_file(file, called, frame)
    if open_options := assumed(spec, said):
        typer.echo(f"assumed, since the block strings do not say it: {open_options}", err=True)
    deliver_text(dump(spec), output, f"{len(spec.blocks)} blocks; try 'spinec show {output}'")


@app.command("export-blocks")
def export_blocks(
    name: Name,
    to: Annotated[
        Literal["spinenet", "timm"], typer.Option("--to", help="Format: SpineNet's tuples or timm's strings.")
    ],
    output: Annotated[Path | None, written(BLOCK_LIST, ABOUT)] = None,
) -> None:
    """Convert a spec to the block list of another project.

    Writes only block lists that read back as the same network. The head is left out, because block lists have none.
    """
    from spinec.compiler.interchange.convert import export_blocks as export

    text = export(read_spec(name), to)
    deliver_text(text, output, f"{len(text.splitlines())} lines")


def _name_of(file: Path) -> str:
    """The file's name as a spec may be called."""
    import re

    return re.sub(r"[^a-z0-9._-]+", "-", file.stem.lower()).strip("-._")[:64] or "imported"
