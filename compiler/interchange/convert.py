"""Between block lists of other projects and specs; a list is only written where reading it gives the same network."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from spinec.compiler.interchange.frame import Frame, frame_of_spec, options_of_spec, written
from spinec.compiler.interchange.literal import read_literal
from spinec.compiler.interchange.spinenet import CLASSES, entries_of_spec, spec_of_entries
from spinec.compiler.interchange.strings import spec_of_strings, strings_of_spec
from spinec.compiler.lowering.pipeline import lower
from spinec.spec.document import MAX_BYTES, Item, file_text
from spinec.spec.errors import Fault, SpecError
from spinec.spec.load import loads
from spinec.spec.model import ModelSpec, StochasticDepth

Blocks = Literal["spinenet", "timm"]


def import_file(path: Path, name: str, frame: Frame | None = None) -> ModelSpec:
    """The spec of a file of block specs or block strings."""
    return import_blocks(file_text(path, str(path)), name, frame, str(path))


def import_blocks(text: str, name: str = "imported", frame: Frame | None = None, source: str = "<text>") -> ModelSpec:
    """The spec of SpineNet block specs or EfficientNet block strings, whichever the text holds. Nothing is evaluated.

    Raises:
        SpecError: naming everything that is neither, at its place; or where `frame` is given for block specs.

    >>> import_blocks("ds_r1_k3_s1_c16 ir_r2_k3_s2_e6_c24_se0.25").blocks["b2"].repeats
    2
    """
    if len(text) > MAX_BYTES:
        raise SpecError([Fault("SPN-104", f"{source}: larger than {MAX_BYTES:,} bytes, the limit")])
    root = read_literal(text, source, CLASSES)
    if _is_strings(root):
        return loads(spec_of_strings(root, name, frame or Frame()), f"{source}, as a spec")
    if frame:
        raise SpecError(
            [Fault("SPN-706", f"{source}: SpineNet block specs, which have no stem, features or classes to set")]
        )
    return loads(spec_of_entries(root, name), f"{source}, as a spec")


def export_blocks(spec: ModelSpec, form: Blocks) -> str:
    """The block list of a spec.

    Raises:
        SpecError: naming what the list cannot hold.

    >>> from spinec import load
    >>> export_blocks(load("efficientnet-b0"), "timm").splitlines()[2]
    'ir_r1_k3_s2_e6_c24_se0.25'
    """
    text = entries_of_spec(spec) if form == "spinenet" else strings_of_spec(spec)
    again = import_blocks(text, spec.name, None if form == "spinenet" else frame_of_spec(spec))
    if lost := _difference(spec, again):
        raise SpecError([Fault("SPN-709", f"{spec.name}: {lost}", None, f"{form} block lists cannot hold it")])
    beside = "" if form == "spinenet" else f"# spinec import FILE {written(options_of_spec(spec))}\n"
    return beside + text


def _is_strings(root: Item) -> bool:
    """Whether the first thing that is no list of lists is text."""
    item = root
    while isinstance(item.value, list) and item.value:
        item = item.value[0]
    return isinstance(item.value, str)


def _difference(spec: ModelSpec, other: ModelSpec) -> str:
    """The first op that two specs do not share; heads, and what acts in training alone, are left out."""
    ours, theirs = _signature(spec), _signature(other)
    for (path, what), (_, instead) in zip(ours, theirs, strict=False):
        if what != instead:
            return f"{path} would be read back as something else"
    return "" if len(ours) == len(theirs) else "blocks would be missing, or others there"


def _signature(spec: ModelSpec) -> list[tuple[str, Any]]:
    """Every op with its settings, shapes and inputs by number; and what is given out."""
    bare = spec.model_copy(update={"head": None, "stochastic_depth": StochasticDepth()})
    program = lower(bare)
    numbers = {"image": -1, **{step.path: i for i, step in enumerate(program.steps)}}
    ops = [(s.path, (s.op, s.output, tuple(numbers[value] for value in s.inputs))) for s in program.steps]
    given = [numbers[program.values.get(value, value)] for value in program.graph.outputs.values()]
    return [*ops, ("the outputs", sorted(given))]
