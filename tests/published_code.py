"""Networks that timm or torchvision has, too: what theirs count, and logits of both with theirs' weights copied across."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from timm_import import import_timm

import spinec

timm = import_timm()
from torchvision import models  # noqa: E402  (timm_import repairs it)

NETWORKS = {  # ours: timm's, or torchvision's
    "convnext-atto": "convnext_atto",
    "convnext-tiny": "convnext_tiny",
    "cspdarknet-53": "cspdarknet53",
    "densenet-121": "densenet121",
    "dla-34": "dla34",
    "efficientnet-lite0": "tf_efficientnet_lite0",
    "efficientnet-lite1": "tf_efficientnet_lite1",
    "efficientnet-lite2": "tf_efficientnet_lite2",
    "efficientnet-lite3": "tf_efficientnet_lite3",
    "efficientnet-lite4": "tf_efficientnet_lite4",
    "efficientnetv2-s": "tf_efficientnetv2_s",
    "ese-vovnet-19b-dw": "ese_vovnet19b_dw",
    "ghostnet": "ghostnet_100",
    "hrnet-w18": "hrnet_w18",
    "mixnet-s": "tf_mixnet_s",
    "mobilenetv4-conv-small": "mobilenetv4_conv_small",
    "regnetx-400mf": "regnetx_004",
    "regnety-400mf": "regnety_004",
    "resnet-50-d": "resnet50d",
    "resnet-50-fcos": "torchvision.detection.fcos_resnet50_fpn",
    "resnext-50-32x4d": "resnext50_32x4d",
    "se-resnet-50": "seresnet50",
    "shufflenet-v2": "torchvision.shufflenet_v2_x1_0",
}
SMALL = 96  # pixels at which logits are compared: large enough for every level
SIDE = ("shortcut", "downsample", "bottom", "project", "fuse_layers", "resample")
PYRAMID = {"post3": "blocks.0", "post4": "blocks.1", "post5": "blocks.2", "post6": "p6", "post7": "p7"}
"""A convolution of the pyramid: what torchvision, which runs them in another order, calls it."""
WINDOW = 30  # modules among which a counterpart is looked for: branches may run in another order


class Compared(NamedTuple):
    """Ours and theirs: parameters, multiply-adds, and the largest difference of a logit over the largest logit."""

    params: tuple[int, int]
    macs: tuple[int, int]
    logits: float
    images: float
    """How far their logits of two images are apart: so much could be seen."""


def compared(name: str) -> Compared:
    """A spec of the library beside its published code."""
    program = spinec.lower(spinec.load(name))
    report, theirs = spinec.cost(program), published(NETWORKS[name])
    parameters = sum(parameter.numel() for parameter in theirs.parameters())
    with torch.device("meta"):
        skeleton = published(NETWORKS[name]).eval()
    multiplied = multiply_adds(skeleton, torch.empty(1, *program.input_shape, device="meta"))
    return Compared((report.params, parameters), (report.macs("conv"), multiplied), *logits_apart(name, theirs))


def logits_apart(name: str, theirs: torch.nn.Module) -> tuple[float, float]:
    """How far logits of a small image are apart, with random weights copied across, and how far those of two images."""
    small = spinec.lower(spinec.load(name), SMALL)
    dice = torch.Generator().manual_seed(1)
    ours = spinec.build(small).eval()
    image, other = torch.randn(2, 1, 3, SMALL, SMALL, generator=dice)
    copy(in_groups(randomised(theirs)), ours, image)
    with torch.no_grad():
        expected = theirs(image)
        apart = [
            (logits - expected).abs().max() / expected.abs().max() for logits in (in_one(ours(image)), theirs(other))
        ]
    return float(apart[0]), float(apart[1])


def published(name: str) -> torch.nn.Module:
    """With fresh weights."""
    library, _, model = name.rpartition(".")
    if library == "torchvision.detection":
        return Detector(getattr(models.detection, model)(weights=None, weights_backbone=None))
    return getattr(models, model)() if library else timm.create_model(model, pretrained=False)


class Detector(torch.nn.Module):
    """A detector of torchvision's without what is no network: what resizes images, and what chooses boxes."""

    def __init__(self, model) -> None:
        super().__init__()
        self.backbone, self.head = model.backbone, model.head

    def forward(self, image):
        return torch.cat([*self.head([*self.backbone(image).values()]).values()], dim=2)


def in_one(result):
    """The maps of a detector as `Detector` gives them: cell by cell, level by level."""
    if isinstance(result, torch.Tensor):
        return result
    kinds = dict.fromkeys(name.partition("_")[0] for name in result)
    maps = [[value for name, value in result.items() if name.startswith(f"{kind}_")] for kind in kinds]
    return torch.cat([torch.cat([x.flatten(2).mT for x in levels], 1) for levels in maps], 2)


def multiply_adds(model, image) -> int:
    """Of convolutions and linear layers."""
    counted = []

    def count(module, _, result):
        if isinstance(module, torch.nn.Conv2d):
            counted.append(result.numel() * module.weight[0].numel())
        elif isinstance(module, torch.nn.Linear):
            counted.append(result.numel() * module.in_features)

    for module in model.modules():
        module.register_forward_hook(count)
    with torch.no_grad():
        model(image)
    return sum(counted)


def randomised(model):
    """The model as if it had been trained: the image is still seen in the logits."""
    dice = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, value in [*model.named_parameters(), *model.named_buffers()]:
            if name.endswith("running_var"):
                value.uniform_(0.5, 1.5, generator=dice)
            elif value.ndim > 1:
                value.normal_(0, (2 / value[0].numel()) ** 0.5, generator=dice)
            elif value.ndim == 1:
                value.normal_(0, 0.2, generator=dice)
                if name.endswith(("weight", "gamma", "scale")):
                    value.add_(1)
    return model.eval()


def in_groups(model):
    """The model with one grouped convolution where timm has its groups as 1x1 convolutions beside each other (MixNet)."""
    for parent in [*model.modules()]:
        for name, mixed in parent.named_children():
            weights = [part.weight for part in mixed.children()] if type(mixed).__name__ == "MixedConv2d" else []
            if weights and {weight.shape[2:] for weight in weights} == {(1, 1)}:
                dims = mixed.in_channels, mixed.out_channels
                parent._modules[name] = torch.nn.Conv2d(*dims, 1, groups=len(weights), bias=False)
                parent._modules[name].weight = torch.nn.Parameter(torch.cat(weights).detach())
    return model


def copy(theirs, ours, image) -> None:
    """Copy the weights of every module to the one that does the same: of one shape, on the same path, and next in turn."""
    left = list(leaves(theirs, image))
    for name, module in leaves(ours, image):
        own = weights(module)
        shapes = [shape(value) for value in own]
        fits = [each for each in left[:WINDOW] if [shape(value) for value in weights(each[1])] == shapes]
        assert fits, f"{name}: {shapes} is none of {[each for each, _ in left[:WINDOW]]}"
        level = PYRAMID.get(name.partition(".")[0], "")
        alike = [each for each in fits if level in each[0] and beside(each[0]) == beside(name)]
        chosen = (alike or fits)[0]
        left.remove(chosen)
        with torch.no_grad():
            for value, given in zip(own, weights(chosen[1]), strict=True):
                value.copy_(given.reshape(value.shape))
    assert not left


def leaves(model, image) -> Iterator[tuple[str, torch.nn.Module]]:
    """The modules that have weights of their own, in the order of execution."""
    names = {module: name for name, module in model.named_modules()}
    found: dict[torch.nn.Module, None] = {}
    hooks = [
        module.register_forward_hook(lambda module, *_: found.setdefault(module))
        for module in model.modules()
        if list(module.parameters(recurse=False))
    ]
    with torch.no_grad():
        model.eval()(image)
    for hook in hooks:
        hook.remove()
    return ((names[module], module) for module in found)


def weights(module) -> list[torch.Tensor]:
    buffers = [value for name, value in module.named_buffers(recurse=False) if "num_batches" not in name]
    return [*module.parameters(recurse=False), *buffers]


def shape(value) -> tuple[int, ...]:
    """The shape, that of a linear layer and of a 1x1 convolution alike."""
    return tuple(side for i, side in enumerate(value.shape) if i < 2 or side > 1)


def beside(name: str) -> bool:
    """Whether a module is on the path of a shortcut."""
    return any(word in name for word in SIDE)
