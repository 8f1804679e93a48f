"""From a program to files that PyTorch makes and that run without its source."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from spinec.backends.backend import Contents
from spinec.backends.installed import check_installed
from spinec.backends.pytorch.framework import load_torch
from spinec.backends.pytorch.live import build_with
from spinec.backends.pytorch.onnx_boxes import translations
from spinec.backends.pytorch.weights import write_weights
from spinec.backends.tasks import answers
from spinec.compiler.graph.program import Program
from spinec.spec.errors import BackendError

if TYPE_CHECKING:
    from torch import Tensor, nn
    from torch.export import ExportedProgram

    from spinec.backends.weights import Array


SIDES = {2: "height", 3: "width"}


class Exported(NamedTuple):
    """A module, inputs to trace it with, their dynamic axes, the names of its outputs, and its ops in ONNX."""

    module: nn.Module
    inputs: dict[str, Tensor]
    dynamic: tuple[dict[int, Any], ...]
    outputs: list[str]
    translations: Mapping[Any, Callable[..., Any]]


def _exported(program: Program, weights: Mapping[str, Array] | None, contents: Contents) -> Exported:
    """What gives a network's outputs, or the answers of a part."""
    import torch

    part = contents.part
    source, model = build_with(program, [part] if part else [])
    if weights:
        write_weights(model, program, weights)
    shapes = {name: program.inputs[name].shape for name in (["image"] if part else program.inputs)}
    shapes |= {"sizes": (2,)} if contents.sizes else {}
    # of one image, exporters would take the batch for a constant
    inputs = {name: torch.zeros(2, *shape) for name, shape in shapes.items()}
    outputs = list(answers(program, part) if part else program.outputs)
    module = answering(model, getattr(source, part)) if part else model
    return Exported(module.eval(), inputs, _dynamic(program, inputs), outputs, translations(source))


def _dynamic(program: Program, inputs: Iterable[str]) -> tuple[dict[int, Any], ...]:
    """Which axes of inputs are dynamic: an image has any number of crops."""
    from torch.export import Dim

    batch = Dim("batch")
    axes = {name: {0: Dim(f"{name}_batch") if name in program.crops else batch} for name in inputs}
    if multiple := program.multiple:
        stride = 2 ** max(block.level for block in program.spec.blocks.values())
        sides = {axis: Dim(side, min=2 * stride // multiple) for axis, side in SIDES.items()}  # no map of one pixel
        axes["image"] |= {axis: multiple * side if multiple > 1 else side for axis, side in sides.items()}
    return tuple(axes.values())


def answering(model: nn.Module, answer: Callable[..., Any]) -> nn.Module:
    """A module of images whose results are a model's answers."""
    from torch import nn

    class Answering(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, image: Tensor, sizes: Tensor | None = None) -> Any:
            return answer(self.model, image) if sizes is None else answer(self.model, image, sizes)

    return Answering()


def _traced(made: Exported, program: Program) -> ExportedProgram:
    """What a module does, as a graph."""
    from torch.export import Dim, export

    first, *others = made.dynamic
    if program.multiple == 1:  # PyTorch finds the range of such a side itself: it cannot prove that it is one's own
        first = first | dict.fromkeys(SIDES, Dim.DYNAMIC)
    return export(made.module, tuple(made.inputs.values()), dynamic_shapes=(first, *others))


def to_onnx(path: Path, program: Program, weights: Mapping[str, Array] | None, contents: Contents) -> None:
    """ONNX with a dynamic batch, checked by the ONNX checker; outputs bear the spec's names, or the answers'."""
    torch = load_torch()
    for module in ("onnx", "onnxscript"):  # torch's exporter needs them and says so late
        check_installed(module, module, "onnx")
    import onnx

    made = _exported(program, weights, contents)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of the exporter's own future, not of the user's model
        warnings.filterwarnings("ignore", "# The axis name", UserWarning)  # that two inputs have one batch
        torch.onnx.export(
            _traced(made, program),
            f=path,
            input_names=list(made.inputs),
            output_names=made.outputs,
            dynamic_shapes=made.dynamic,  # the names of its axes
            custom_translation_table=made.translations,
            external_data=False,
            verbose=False,
        )
    onnx.checker.check_model(path, full_check=True)


def to_torch_export(path: Path, program: Program, weights: Mapping[str, Array] | None, contents: Contents) -> None:
    """A `torch.export` archive (.pt2) with a dynamic batch.

    Raises:
        BackendError: when it is to hold boxes: what picks them is an op of the source, which other programs lack.
    """
    if contents.part == "detect":
        raise BackendError(f"torch-export cannot hold {contents.part!r}; expected one of: onnx, savedmodel, tflite")
    torch, data = load_torch(), io.BytesIO()
    exported = _traced(_exported(program, weights, contents), program)
    torch.export.save(exported, data)  # in memory: where a disk is full PyTorch's own writing ends the process
    path.write_bytes(data.getvalue())


EXPORTS: dict[str, Callable[[Path, Program, Mapping[str, Array] | None, Contents], None]] = {
    "onnx": to_onnx,
    "torch-export": to_torch_export,
}
