"""From a program to files that PyTorch makes and that run without its source."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spinec.backends.installed import check_installed
from spinec.backends.pytorch.framework import load_torch
from spinec.backends.pytorch.live import build
from spinec.backends.pytorch.weights import write_weights
from spinec.compiler.graph.program import Program

if TYPE_CHECKING:
    from torch import Tensor, nn

    from spinec.backends.weights import Array


def _model(program: Program, weights: Mapping[str, Array] | None) -> nn.Module:
    model = build(program)
    if weights:
        write_weights(model, program, weights)
    return model.eval()


def _examples(program: Program) -> tuple[Tensor, ...]:
    import torch

    # of one image, exporters would take the batch for a constant
    return tuple(torch.zeros(2, *given.shape) for given in program.inputs.values())


def _batches(program: Program) -> dict[str, Any]:
    """Which axes are dynamic: an image has any number of crops."""
    import torch

    names = {name: "batch" if name == "image" else f"{name}_batch" for name in program.inputs}
    return {name: {0: torch.export.Dim(batch)} for name, batch in names.items()}


def to_onnx(path: Path, program: Program, weights: Mapping[str, Array] | None) -> None:
    """ONNX with a dynamic batch, checked by the ONNX checker; outputs bear the spec's names."""
    torch = load_torch()
    for module in ("onnx", "onnxscript"):  # torch's exporter needs them and says so late
        check_installed(module, module, "onnx")
    import onnx

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of the exporter's own future, not of the user's model
        torch.onnx.export(
            _model(program, weights),
            _examples(program),
            path,
            dynamo=True,
            input_names=list(program.inputs),
            output_names=list(program.outputs),
            dynamic_shapes=_batches(program),
            external_data=False,
            verbose=False,
        )
    onnx.checker.check_model(path, full_check=True)


def to_torch_export(path: Path, program: Program, weights: Mapping[str, Array] | None) -> None:
    """A `torch.export` archive (.pt2) with a dynamic batch."""
    torch, data = load_torch(), io.BytesIO()
    exported = torch.export.export(_model(program, weights), _examples(program), dynamic_shapes=_batches(program))
    torch.export.save(exported, data)  # in memory: where a disk is full PyTorch's own writing ends the process
    path.write_bytes(data.getvalue())


EXPORTS: dict[str, Callable[[Path, Program, Mapping[str, Array] | None], None]] = {
    "onnx": to_onnx,
    "torch-export": to_torch_export,
}
