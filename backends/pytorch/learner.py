"""A live PyTorch module as it learns."""

from __future__ import annotations

import os
from collections.abc import Callable, Container, Iterable, Mapping
from functools import partial
from inspect import signature
from math import isfinite
from shutil import which
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from spinec.backends.blame import Watched
from spinec.backends.learner import Scale, check_state, decayed, narrowed, noise_of, parts_of
from spinec.backends.patterns import factors, still
from spinec.backends.processes import ALONE, Place
from spinec.backends.pytorch.framework import load_torch
from spinec.backends.pytorch.live import build_with
from spinec.backends.pytorch.observe import unfinite
from spinec.backends.pytorch.processes import agree, device_of, in_all, summed
from spinec.backends.pytorch.weights import from_neutral, read_weights, tensors_of, to_neutral, write_weights
from spinec.compiler.graph.program import Program
from spinec.spec.errors import BackendError
from spinec.spec.recipes.model import Optimizer, Recipe

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray
    from torch import Tensor, nn

    from spinec.backends.weights import Array


def learner(
    program: Program, recipe: Recipe, weights: Mapping[str, Array] | None = None, place: Place = ALONE
) -> LearningModule:
    """A module that learns, from some weights; those that are not given are fresh, by the recipe's seed."""
    return LearningModule(program, recipe, weights, place)


class LearningModule:
    """A module, its losses and its optimiser: see `backends.learner.Learner`."""

    def __init__(self, program: Program, recipe: Recipe, weights: Mapping[str, Array] | None, place: Place) -> None:
        torch = load_torch()
        torch.manual_seed(recipe.seed)
        self.program, self.recipe, self.place, self.device = program, recipe, place, device_of(place)
        if recipe.compile and self.device.type == "cpu" and not which(os.environ.get("CXX", "g++")):
            raise BackendError("compile: torch.compile needs a C++ compiler on a CPU, and there is no g++ (or $CXX)")
        self.source, self.model = build_with(program, ["loss"])
        if weights is not None:
            write_weights(self.model, program, {**read_weights(self.model, program), **weights})
        self.model.train().to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._join()
        keep_still(self.model, still(program, recipe))
        self.whole = "model" in signature(self.source.loss).parameters  # which runs parts of it one by one
        found = tensors_of(self.model, program)
        self.slots = {slot.name: slot for slot in found}
        self.parts = {"weights": {slot.name: value for slot, value in found.items()}}
        self.groups: dict[float, list[str]] = {}
        for name, factor in factors(program, recipe).items():
            self.groups.setdefault(factor, []).append(name)
        self.trained = {name: self.parts["weights"][name] for names in self.groups.values() for name in names}
        for name in program.weights:
            self.parts["weights"][name].requires_grad_(name in self.trained)
        for part, names in parts_of(program, recipe).items():
            if part != "weights":
                kept = {name: self.parts["weights"][name].detach() for name in names}
                self.parts[part] = {
                    name: value.clone() if part == "average" else torch.zeros_like(value)
                    for name, value in kept.items()
                }
        self.decayed = dict.fromkeys(decayed(program, recipe))
        self.scale = Scale(recipe.precision == "float16")
        self.passes = self._passes()

    def _join(self) -> None:
        """Share norms, and what losses are over, with the other processes."""
        import torch

        if self.place.number == 1:
            return
        if self.recipe.synchronized:
            self.model = torch.nn.SyncBatchNorm.convert_sync_batchnorm(self.model)  # type: ignore[no-untyped-call]
        if self.device.type == "cpu":
            from spinec.backends.pytorch.synchronized import synchronize

            synchronize(self.model)
        if self.recipe.normaliser == "global":
            vars(self.source)["in_all"] = in_all

    def _passes(self) -> Any:
        """What computes: the module in the recipe's precision, or its parts where the loss runs these one by one."""
        if not self.whole:
            return self._reduced(self.model)
        parts = {name: getattr(self.model, name) for name in dir(self.model) if name.startswith("forward_")}
        return SimpleNamespace(**{name: self._reduced(part) for name, part in parts.items()})

    def _reduced(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """What computes in reduced precision and gives float32, which losses are of."""
        import torch

        if self.recipe.compile:
            call = torch.compile(call)
        if self.recipe.precision == "float32":
            return call
        precision = getattr(torch, self.recipe.precision)

        def reduced(*given: Any) -> Any:
            with torch.autocast(self.device.type, precision):
                found = call(*given)
            return {name: map.float() for name, map in found.items()} if isinstance(found, dict) else found.float()

        return reduced

    def step(self, images: Array, targets: Mapping[str, NDArray[Any]], rate: float, number: int) -> dict[str, float]:
        """One step of gradient descent; gives the losses, and the norm of all gradients before it is limited."""
        import torch

        losses, gradients = self._shared(*self.gradients(images, targets, number))
        with torch.no_grad():
            options = self.recipe.optimizer
            if options.kind != "adamw" and self.decayed:
                kernels = [self.trained[name] for name in self.decayed]
                torch._foreach_add_([gradients[name] for name in self.decayed], kernels, alpha=options.decay)
            norm = torch.nn.utils.get_total_norm(gradients.values())
            told = {**{name: value.item() for name, value in losses.items()}, "gradient": norm.item()}
            if all(map(isfinite, told.values())):
                self._descend(gradients, norm, rate, number)
        return self.scale.told(told)

    def _losses(self, images: Array, targets: Mapping[str, NDArray[Any]], number: int) -> dict[str, Tensor]:
        import torch

        torch.manual_seed((self.recipe.seed * 1_000_003 + number + (self.place.rank << 40)) % (1 << 63))
        computed = next(self.model.parameters()).dtype
        given = torch.from_numpy(images).to(self.device, computed).permute(0, 3, 1, 2)  # as it lies: channels last
        wanted = [self._there(each, computed) for each in narrowed(targets).values()]
        losses: dict[str, Tensor]
        if self.whole:
            drawn = noise_of(self.program, len(images), wanted[0].shape[1], self.recipe.seed, number, self.place)
            noise = tuple(self._there(each, computed) for each in drawn)
            losses = self.source.loss(self.passes, given, *wanted, noise=noise)
        else:
            losses = self.source.loss(self.passes(given), *wanted)
        return losses

    def _there(self, array: NDArray[Any], computed: torch.dtype) -> Tensor:
        """An array on the device, numbers in what is computed in."""
        import torch

        tensor = torch.from_numpy(array).to(self.device)
        return tensor.to(computed) if tensor.is_floating_point() else tensor

    def gradients(
        self, images: Array, targets: Mapping[str, NDArray[Any]], number: int
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """The losses of this process's images, and the gradients of all that is learned."""
        import torch

        losses = self._losses(images, targets, number)
        trained = list(self.trained.values())
        slopes = torch.autograd.grad(losses["loss"] * self.scale.value, trained, materialize_grads=True)
        if self.scale.on:
            torch._foreach_mul_(slopes, 1 / self.scale.value)
        return {name: loss.detach() for name, loss in losses.items()}, dict(zip(self.trained, slopes, strict=True))

    def _shared(
        self, losses: dict[str, Tensor], gradients: dict[str, Tensor]
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Losses and gradients of the whole batch, which all processes have."""
        if self.place.number == 1:
            return losses, gradients
        share = 1.0 if self.recipe.normaliser == "global" else 1 / self.place.number
        told, slopes = [*losses.values()], [*gradients.values()]
        return (
            dict(zip(losses, summed(told, told, share), strict=True)),
            dict(zip(gradients, summed(slopes, [*self.trained.values()], share), strict=True)),
        )

    def watch(self, images: Array, targets: Mapping[str, NDArray[Any]], number: int) -> Watched:
        """What is not finite in a step that was taken last and changed nothing: all of it is computed again."""
        with unfinite(self.model) as values:
            losses, gradients = self.gradients(images, targets, number)
        behind = dict(reversed(gradients.items()))
        return Watched(values, *map(_lacking, (losses, behind, self.parts["weights"])))

    def agree(self, asked: bool) -> bool:
        """Whether any of the processes that learn together is asked for something."""
        return agree(asked, self.device) if self.place.number > 1 else asked

    def _descend(self, gradients: dict[str, Tensor], norm: Tensor, rate: float, number: int) -> None:
        import torch

        options = self.recipe.optimizer
        if options.clip:
            torch._foreach_mul_(list(gradients.values()), (options.clip / norm).clamp(max=1.0))
        moments = [self.parts[part] for part in ("momentum", "square") if part in self.parts]
        for factor, names in self.groups.items():
            kernels = [self.trained[name] for name in names if name in self.decayed]
            if options.kind == "adamw" and kernels:
                torch._foreach_mul_(kernels, 1 - rate * factor * options.decay)
            own = [[values[name] for name in names] for values in (self.trained, gradients, *moments)]
            UPDATES[options.kind](*own, rate=rate * factor, step=number + 1, options=options)
        if self.recipe.average:
            average, now = self.parts["average"], self.parts["weights"]
            torch._foreach_lerp_(list(average.values()), [now[name] for name in average], 1 - self.recipe.average.decay)

    def state(self) -> dict[str, Array]:
        """All that training goes on from, by part and name."""
        arrays = {
            f"{part}/{name}": to_neutral(self.slots[name], value)
            for part, values in self.parts.items()
            for name, value in values.items()
        }
        return arrays | self.scale.state()

    def load(self, state: Mapping[str, Array]) -> None:
        """Go on from a state.

        Raises:
            BackendError: where it is not of this network and this recipe.
        """
        import torch

        check_state(self.program, self.recipe, state)
        with torch.no_grad():
            for part, values in self.parts.items():
                for name, value in values.items():
                    value.copy_(from_neutral(self.slots[name], state[f"{part}/{name}"]))
        self.scale.load(state)

    def weights(self) -> dict[str, Array]:
        """What the network is judged by: the average where the recipe has one, else the weights as they are."""
        judged = self.parts.get("average", self.parts["weights"])
        return {name: to_neutral(self.slots[name], value) for name, value in judged.items()}


def _lacking(found: Mapping[str, Tensor]) -> list[str]:
    """The names of what is not finite."""
    return [name for name, value in found.items() if not value.isfinite().all()]


def keep_still(model: nn.Module, modules: Container[str]) -> None:
    """Have modules run as they do in inference while the rest is trained."""
    for name, module in model.named_modules():
        if name in modules:
            module.eval()


def settle(model: nn.Module, images: Iterable[Array], modules: Container[str] = ()) -> None:
    """Take the running means and variances anew: the mean of those of some batches (batch, height, width, channels).

    Norms alone, and none of some modules, run as in training: what stochastic depth leaves out is there in inference.
    """
    import torch

    kind = torch.nn.modules.batchnorm._BatchNorm
    norms = [each for name, each in model.named_modules() if isinstance(each, kind) and name not in modules]
    before = [norm.momentum for norm in norms]
    for norm in norms:
        norm.forward = partial(kind.forward, norm)  # type: ignore[method-assign]  # of this process alone
        norm.reset_running_stats()
        norm.momentum = None  # the mean of all batches
    model.eval()
    for norm in norms:
        norm.train()
    with torch.inference_mode():
        for batch in images:
            model(torch.from_numpy(batch).to(next(model.parameters()).device).permute(0, 3, 1, 2))
    model.eval()
    for norm, momentum in zip(norms, before, strict=True):
        norm.momentum = momentum
        del norm.forward


def sgd(
    weights: list[Tensor], slopes: list[Tensor], momentum: list[Tensor], *, rate: float, step: int, options: Optimizer
) -> None:
    """Gradient descent whose steps keep a share of the last one."""
    import torch

    torch._foreach_mul_(momentum, options.momentum)
    torch._foreach_add_(momentum, slopes)
    torch._foreach_add_(weights, momentum, alpha=-rate)


def rmsprop(
    weights: list[Tensor],
    slopes: list[Tensor],
    momentum: list[Tensor],
    square: list[Tensor],
    *,
    rate: float,
    step: int,
    options: Optimizer,
) -> None:
    """TensorFlow's: epsilon is within the root, and the rate within the momentum."""
    import torch

    torch._foreach_mul_(square, options.smoothing)
    torch._foreach_addcmul_(square, slopes, slopes, 1 - options.smoothing)
    roots = torch._foreach_sqrt(torch._foreach_add(square, options.epsilon))
    torch._foreach_mul_(momentum, options.momentum)
    torch._foreach_addcdiv_(momentum, slopes, roots, rate)
    torch._foreach_sub_(weights, momentum)


def adamw(
    weights: list[Tensor],
    slopes: list[Tensor],
    momentum: list[Tensor],
    square: list[Tensor],
    *,
    rate: float,
    step: int,
    options: Optimizer,
) -> None:
    """Adam (arXiv 1412.6980, Algorithm 1); what decays has done so (arXiv 1711.05101)."""
    import torch

    torch._foreach_lerp_(momentum, slopes, 1 - options.momentum)
    torch._foreach_mul_(square, options.smoothing)
    torch._foreach_addcmul_(square, slopes, slopes, 1 - options.smoothing)
    roots = torch._foreach_sqrt(torch._foreach_div(square, 1 - options.smoothing**step))
    torch._foreach_add_(roots, options.epsilon)
    torch._foreach_addcdiv_(weights, momentum, roots, -rate / (1 - options.momentum**step))


UPDATES: Mapping[str, Callable[..., None]] = {"sgd": sgd, "rmsprop": rmsprop, "adamw": adamw}
