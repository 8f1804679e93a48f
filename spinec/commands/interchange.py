"""Block lists of other projects."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from spinec.options import STDIN, Name, Size, app, deliver_text, read_input, read_spec, shown
from spinec.suffixes import BLOCK_LIST, SPEC, written
from spinec.usage import Idle, refuse_idle

ABOUT = "Where to write; standard output if not given."


@app.command("import")
def import_blocks(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="SpineNet block specs, or EfficientNet block strings.")],
    output: Annotated[Path | None, written(SPEC, ABOUT)] = None,
    name: Annotated[str, typer.Option(help="Of the spec; the file's where not given.")] = "",
    size: Size = None,
    stem: Annotated[int | None, typer.Option(min=1, help="Dim of the stem before block strings.")] = None,
    features: Annotated[
        int | None, typer.Option(min=0, help="Dim of the convolution behind block strings; 0 for none.")
    ] = None,
    hidden: Annotated[
        int | None, typer.Option(min=0, help="Dim of a linear layer behind the pooling; 0 for none.")
    ] = None,
    hidden_bias: Annotated[bool | None, typer.Option(help="Whether that layer has a bias.")] = None,
    classes: Annotated[int | None, typer.Option(min=1, help="Of the head behind block strings.")] = None,
    activation: Annotated[
        Literal["swish", "relu", "relu6", "hard_swish"] | None, typer.Option(help="Where a block string has none.")
    ] = None,
    padding: Annotated[
        Literal["symmetric", "same"] | None, typer.Option(help="Of strided block strings; 'same' is TensorFlow's.")
    ] = None,
    epsilon: Annotated[float | None, typer.Option(help="Of the norms of block strings.")] = None,
    momentum: Annotated[float | None, typer.Option(help="Of the norms of block strings, as in TensorFlow.")] = None,
    squeeze_base: Annotated[
        Literal["input", "hidden"] | None, typer.Option(help="The dim that 'se' of block strings is a share of.")
    ] = None,
    squeeze_multiple: Annotated[
        int | None, typer.Option(min=1, max=1024, help="Squeezed dims are multiples of this; 1 for any.")
    ] = None,
    squeeze_limit: Annotated[
        float | None, typer.Option(min=0, max=1, help="Least share that such rounding leaves of a squeezed dim.")
    ] = None,
    squeeze_activation: Annotated[
        Literal["own", "swish", "relu", "relu6", "hard_swish"] | None,
        typer.Option(help="Within squeeze-excite; 'own' is the block's."),
    ] = None,
    gate: Annotated[Literal["sigmoid", "hard_sigmoid"] | None, typer.Option(help="Of squeeze-excite.")] = None,
) -> None:
    """Read the block list of another project as a spec.

    SpineNet's tuples (level, block, offsets, output), as text or JSON; or block strings of timm, such as
    ir_r2_k3_s2_e6_c24_se0.25, or of TensorFlow, such as r2_k3_s22_e6_i16_o24_se0.25. The options say what block strings
    leave open; what nobody gave is assumed, and said.
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
    to: Annotated[Literal["spinenet", "timm"], typer.Option("--to", help="SpineNet's tuples or timm's strings.")],
    output: Annotated[Path | None, written(BLOCK_LIST, ABOUT)] = None,
) -> None:
    """Write a spec as the block list of another project.

    Only where nothing is lost: what is written reads back as the same network. Heads have no place in block lists.
    """
    from spinec.compiler.interchange.convert import export_blocks as export

    text = export(read_spec(name), to)
    deliver_text(text, output, f"{len(text.splitlines())} lines")


def _name_of(file: Path) -> str:
    """The file's name as a spec may be called."""
    import re

    return re.sub(r"[^a-z0-9._-]+", "-", file.stem.lower()).strip("-._")[:64] or "imported"
