"""Zero-cost proxies: what a network that has learned nothing yet is worth, by one pass of one batch.

They were published for convolutions with batch norm and ReLU. Here kernels are all weights of more than one axis, and
units those of every activation but the sigmoids of gates.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from spinec.backends.backend import check_image_alone
from spinec.backends.pytorch.learner import LearningModule, learner
from spinec.compiler.graph.program import Program
from spinec.spec.recipes.model import Recipe

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor, nn

    from spinec.backends.weights import Array

    Measure = Callable[[Program, Recipe, Array, Mapping[str, NDArray[Any]]], float]

KERNEL = ".kernel"


def synflow(program: Program, recipe: Recipe, images: Array, targets: Mapping[str, NDArray[Any]]) -> float:
    """Synaptic flow (arXiv 2006.05467, Equation 1): the sum of w dR/dw over all kernels, in float64.

    R is the sum of the outputs for an image of ones, every weight being its absolute value. As a measure of networks it
    is that of arXiv 2101.08134, Section 3: norms are left out. What images are learned from does not matter.
    """
    import torch

    check_image_alone(program)
    taught = learner(program, recipe)
    model = taught.model.double().eval()
    for norm in _norms(model):
        norm.forward = lambda values, *_: values
    with torch.no_grad():
        for weight in model.parameters():
            weight.abs_()
    kernels = [weight.requires_grad_() for weight in _kernels(taught).values()]
    maps = _maps(model(torch.ones(1, *program.input_shape).to(kernels[0])))
    flow = torch.stack([values.sum() for values in maps]).sum()
    slopes = torch.autograd.grad(flow, kernels, materialize_grads=True)
    return float(sum((kernel * slope).sum().item() for kernel, slope in zip(kernels, slopes, strict=True)))


def naswot(program: Program, recipe: Recipe, images: Array, targets: Mapping[str, NDArray[Any]]) -> float:
    """How unlike images are to a network (arXiv 2006.04647, Section 3): the logarithm of the determinant of K.

    K of two images is the number of units less those that are active for one of them alone. A unit is active where what
    goes into its activation is above 0. Where two images are the same to the network, it is minus infinity.
    """
    import torch
    from torch.overrides import TorchFunctionMode

    functions, alike = _activations(), torch.zeros(len(images), len(images), dtype=torch.float64)

    class Watching(TorchFunctionMode):
        def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            if function in functions and args[0].dim() > 1:  # not the weights of a fusion
                active = (args[0] > 0).flatten(1).double().cpu()
                alike.add_(active @ active.T + (1 - active) @ (1 - active).T)
            return function(*args, **(kwargs or {}))

    check_image_alone(program)
    taught = learner(program, recipe)
    taught.model.eval()  # but for norms: nothing is left out at random
    for norm in _norms(taught.model):
        norm.train()
    with torch.inference_mode(), Watching():
        taught.model(torch.from_numpy(images).to(taught.device).permute(0, 3, 1, 2))
    return float(torch.linalg.slogdet(alike).logabsdet)


def grad_norm(program: Program, recipe: Recipe, images: Array, targets: Mapping[str, NDArray[Any]]) -> float:
    """The sum of the norms of the gradients of all kernels (arXiv 2101.08134, Section 3), of the loss of one batch."""
    taught = learner(program, recipe)
    _, slopes = taught.gradients(images, targets, 0)
    return float(sum(slope.norm().item() for name, slope in slopes.items() if name.endswith(KERNEL)))


MEASURES: Mapping[str, Measure] = {"synflow": synflow, "naswot": naswot, "grad-norm": grad_norm}


def _kernels(taught: LearningModule) -> dict[str, Tensor]:
    return {name: weight for name, weight in taught.parts["weights"].items() if name.endswith(KERNEL)}


def _norms(model: nn.Module) -> list[nn.Module]:
    from torch.nn import GroupNorm, LayerNorm
    from torch.nn.modules.batchnorm import _BatchNorm

    return [module for module in model.modules() if isinstance(module, _BatchNorm | GroupNorm | LayerNorm)]


def _maps(outputs: Any) -> list[Tensor]:
    """The tensors of what a model gives: one, or several by name or in order."""
    if isinstance(outputs, Mapping):
        return [each for values in outputs.values() for each in _maps(values)]
    return [each for values in outputs for each in _maps(values)] if isinstance(outputs, tuple | list) else [outputs]


def _activations() -> set[Callable[..., Any]]:
    from torch.nn import functional

    names = ("relu", "relu6", "silu", "hardswish", "gelu", "leaky_relu", "elu", "mish", "prelu")
    return {getattr(functional, name) for name in names}
