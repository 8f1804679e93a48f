"""From a program to files that PyTorch makes and that run without its source."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

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

    from spinec.backends.weights import Array


class Exported(NamedTuple):
    """A module, the names of its inputs, images to trace it with, the names of its outputs, and its ops in ONNX."""

    module: nn.Module
    inputs: list[str]
    examples: tuple[Tensor, ...]
    outputs: list[str]
    translations: Mapping[Any, Callable[..., Any]]

    @property
    def batches(self) -> tuple[dict[int, Any], ...]:
        """Which axes are dynamic: an image has any number of crops."""
        import torch

        names = ("batch" if name == "image" else f"{name}_batch" for name in self.inputs)
        return tuple({0: torch.export.Dim(name)} for name in names)


def _exported(program: Program, weights: Mapping[str, Array] | None, part: str) -> Exported:
    """What gives a network's outputs, or the answers of a part."""
    import torch

    source, model = build_with(program, [part] if part else [])
    if weights:
        write_weights(model, program, weights)
    inputs = ["image"] if part else list(program.inputs)
    # of one image, exporters would take the batch for a constant
    examples = tuple(torch.zeros(2, *program.inputs[name].shape) for name in inputs)
    outputs = list(answers(program, part) if part else program.outputs)
    module = answering(model, getattr(source, part)) if part else model
    return Exported(module.eval(), inputs, examples, outputs, translations(source))


def answering(model: nn.Module, answer: Callable[..., Any]) -> nn.Module:
    """A module of images whose results are a model's answers."""
    from torch import nn

    class Answering(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, image: Tensor) -> Any:
            return answer(self.model, image)

    return Answering()


def to_onnx(path: Path, program: Program, weights: Mapping[str, Array] | None, part: str) -> None:
    """ONNX with a dynamic batch, checked by the ONNX checker; outputs bear the spec's names, or the answers'."""
    torch = load_torch()
    for module in ("onnx", "onnxscript"):  # torch's exporter needs them and says so late
        check_installed(module, module, "onnx")
    import onnx

    made = _exported(program, weights, part)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of the exporter's own future, not of the user's model
        torch.onnx.export(
            made.module,
            made.examples,
            path,
            dynamo=True,
            input_names=made.inputs,
            output_names=made.outputs,
            dynamic_shapes=made.batches,
            custom_translation_table=made.translations,
            external_data=False,
            verbose=False,
        )
    onnx.checker.check_model(path, full_check=True)


def to_torch_export(path: Path, program: Program, weights: Mapping[str, Array] | None, part: str) -> None:
    """A `torch.export` archive (.pt2) with a dynamic batch.

    Raises:
        BackendError: when it is to hold boxes: what picks them is an op of the source, which other programs lack.
    """
    if part == "detect":
        raise BackendError(f"torch-export cannot hold {part!r}; expected one of: onnx, savedmodel, tflite")
    torch, data = load_torch(), io.BytesIO()
    made = _exported(program, weights, part)
    exported = torch.export.export(made.module, made.examples, dynamic_shapes=made.batches)
    torch.export.save(exported, data)  # in memory: where a disk is full PyTorch's own writing ends the process
    path.write_bytes(data.getvalue())


EXPORTS: dict[str, Callable[[Path, Program, Mapping[str, Array] | None, str], None]] = {
    "onnx": to_onnx,
    "torch-export": to_torch_export,
}
