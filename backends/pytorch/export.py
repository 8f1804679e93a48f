"""From a live PyTorch module to files that run without it."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spinec.compiler.program import Program
from spinec.spec.errors import BackendError

if TYPE_CHECKING:
    from torch import Tensor, nn


def _examples(program: Program) -> tuple[Tensor, ...]:
    import torch

    # of one image, exporters would take the batch for a constant
    return tuple(torch.zeros(2, *given.shape) for given in program.inputs.values())


def _batches(program: Program) -> dict[str, Any]:
    """Which axes are dynamic: an image has any number of crops."""
    import torch

    names = {name: "batch" if name == "image" else f"{name}_batch" for name in program.inputs}
    return {name: {0: torch.export.Dim(batch)} for name, batch in names.items()}


def to_onnx(model: nn.Module, program: Program, path: Path) -> None:
    """ONNX with a dynamic batch, checked by the ONNX checker; outputs bear the spec's names."""
    import torch

    try:
        import onnx
        import onnxscript  # noqa: F401  (torch's exporter needs it and says so late)
    except ImportError as error:
        raise BackendError(f"{error.name} is not installed: pip install 'spinec[onnx]'") from None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of the exporter's own future, not of the user's model
        torch.onnx.export(
            model.eval(),
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


def to_torch_export(model: nn.Module, program: Program, path: Path) -> None:
    """A `torch.export` archive (.pt2) with a dynamic batch."""
    import torch

    exported = torch.export.export(model.eval(), _examples(program), dynamic_shapes=_batches(program))
    torch.export.save(exported, path)


EXPORTS: dict[str, Callable[[Any, Program, Path], None]] = {"onnx": to_onnx, "torch-export": to_torch_export}
