"""What random and pairwise specs give to the fields of a spec: a field that is missing here fails the tests.

The first value of a field is not its default; a field may also be left out. Fields that say how a network hangs
together (`STRUCTURE`) are made by whoever makes the spec.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args, get_origin

from pydantic import BaseModel

from spinec.spec.blocks import Block, BlockNorm
from spinec.spec.heads import FCOS, Head
from spinec.spec.kinds.library import KINDS
from spinec.spec.model import ModelSpec

ACTIVATIONS = (
    *("relu", "swish", "relu6", "hard_swish", "gelu", "sigmoid", "hard_sigmoid"),
    *("leaky_relu", "elu", "mish", "gelu_tanh", "none"),
)
DOWNS = (
    "depthwise",
    "space_to_depth",
    "conv",
    "conv_last",
    "conv_pool",
    "max_pool",
    "max_pool_first",
    "max_pool_disjoint",
    "avg_pool",
    "avg_pool_disjoint",
    "none",
)
SOURCES = ("arXiv 2010.11426, Table 1", 'a "quoted" \\ source, with a # and a {brace}', "x" * 200)
STRUCTURE = {
    "ModelSpec": ("name", "kinds", "blocks", "outputs"),
    "Block": ("kind", "level", "dim", "inputs"),
    "Image": ("size",),
    "Input": ("block",),
    "Head": ("kind", "labels"),  # as many labels as classes: tests/test_classes.py
    "Norm": ("groups",),  # which must divide every dim: tests/test_random_kinds.py
}
FIXED = (
    "dense",
    "norm_act",
    "transformer",
    "shufflenet_v2",
    "mixconv",
)  # kinds whose dim follows from what they are given
FREE = tuple(name for name in KINDS if name not in FIXED)
"""Kinds that take any dims."""
UNCOUNTED = ("csp", "osa")
"""Kinds whose dims decide what is computed: many candidates cannot be counted at once."""
VALUES: dict[str, tuple[Any, ...]] = {
    "most": (5, 1),
    "per_class": (False, True),
    "iou": (0.6, 0),
    "candidates": (10, 5000),
    "candidates_per": ("class", "level", "image"),
    "box": ("l1", "huber"),
    "box_weight": (1.0, 0),
    "per_image": (True, False),
    "delta": (1.0, 0.1),
    "gamma": (2.0, 0),
    "force": (False, True),
    "negative": (0.4, 0),
    "ignored": (9, 255),
    "smoothing": (0.2, 0),
    "positive": (0.6, 0.5),
    "ratios": ((1.0,), (0.5, (1.5, 2.0))),
    "background": (False, True),
    "activation": ACTIVATIONS,
    "alpha": (0.5, 0, 1),
    "average": (True, False),
    "anchors": (2, 1, 4, 9),
    "beta": (3.0, 0),
    "bias": (True, False),
    "box_crops": (2, 1, 3),  # always said: a thousand would take as long as a thousand networks
    "box_layers": (1, 0, 2),
    "box_size": (2, 1, 5, 7),
    "centerness": ("box", "class"),
    "centerness_weight": (2.0, 0),
    "channel_order": ("block_major", "channel_major"),
    "channels": (1, 2, 4, 3),
    "choices": ({"b1": 5, "b2": 0.5, "blocks.b3.kind": "mbconv"}, {}),
    "classes": (3, 1, 2, 10),  # names of classes: tests/test_classes.py
    "clipped": (True, False),
    "closest": ("all", "first"),
    "conv": ("full", "separable"),
    "convention": ("conv", "profiler", "torch"),
    "counted_params": ("folded", "trained", "all"),
    "dataset": ("COCO", "ImageNet"),
    "Norm.kind": ("layer", "batch"),
    "BlockNorm.kind": ("layer", "group", "batch"),
    "depth": (2, 1, 3),
    "depthwise": (True, False),
    "bottle": (0.5, 1, 2),
    "dilation": (2, 1, 3),
    "dim": (6, 1, 8, 24),
    "distances": ("relu", "exp"),
    "down": DOWNS,
    "dropout": (0, 0.2, 0.5, 1),
    "epsilon": (0.0001, 0.001, 0.5),
    "evaluator": ("mine:score", 'a "quoted" word'),
    "expand": (1, 1.5, 2, 2.5, 3, 4.35, 6),
    "gated": (False, True),
    "gate": ("hard_sigmoid", "sigmoid"),
    "hidden": (5, 8),
    "group_width": (1,),  # more must divide the dim: tests/test_kinds.py
    "factors": ((5.0, 2.0), (10.0, 5.0)),
    "groups": (1,),
    "hidden_bias": (False, True),
    "hidden_multiple": (8, 1, 3),
    "hidden_norm": (True, False),
    "inner": (5, 1, 8),
    "keep": (True, False),
    "kernel": (1, 3, 5, 7),
    "Conv.kernel": ((1, 7), 1, 3, (5, 3)),
    "SeparableConv.kernel": ((1, 7), 1, 3, (5, 3)),
    "largest": (0.8, 1),
    "layer_scale": (0.1, 1e-6),
    "layers": (1, 0, 2, 3),
    "macs": ("2.5B", "97.0K"),
    "mask_crops": (2, 1, 3),
    "mask_layers": (1, 0, 2),
    "mask_samples": (3, 1),
    "mask_size": (2, 1, 5),
    "match": ("always", "when_different", "where_needed"),
    "metric": ("AP", "top-1"),
    "middle": (5, 3, 1),
    "mode": ("fan_in", "fan_out"),
    "momentum": (0.9, 0, 0.99, 0.997),
    "negatives": (1.0, 0),
    "norm": (True, False),
    "norm_between": (True, False),
    "norm_first": (True, False),
    "order": ("xywh", "yxhw"),
    "padding": ("same", "symmetric"),
    "pooled_norm": (True, False),
    "offset": (0.25, 0, 1),
    "offset_weight": (2.0, 0),
    "overlap": ("iou", "giou"),
    "params": ("3.60M", "97.0K"),
    "prior": (0.5, 0.01),
    "proposal_layers": (1, 0, 2),
    "radius": (2.5, 0),
    "rate": (0.2, 0, 0.8),
    "rate1": (2, 1),
    "rate2": (3, 1),
    "rate3": (1, 4),
    "rates": ((2,), (), (2, 3), (1, 1, 4)),
    "reach": (4.0, 8.0),
    "recipe": ("small-detection", "a recipe, of one's own"),
    "reduced": (False, True),
    "repeats": (2, 1, 3),
    "samples": (8, 1, 512),
    "scale": (1.0, 2.0, 0.5),
    "scaled": (False, True),
    "schedule": ("constant", "linear"),
    "score": (34.7, 0),
    "scores": ((0.31,), (), (1, -2.5e-9, 1e300)),
    "seed": (0, 10**18),
    "share": (0.3, 0, 1),
    "shared": (True, False),
    "shortcut": (False, True),
    "side": (40.0, 224.0),
    "size_weight": (1.0, 0),
    "smallest": (0.1, 0.3),
    "soft": (0.5, 0),
    "source": SOURCES,
    "spec": ("sp-efficientnet-b0", ""),
    "square": ("second", "last"),
    "squeeze": (0.25, 0, 0.05, 0.2, 0.3, 1),
    "squeeze_activation": ACTIVATIONS,
    "squeeze_base": ("hidden", "input"),
    "squeeze_multiple": (8, 1, 3),
    "start": (3, 0, 1, 5),
    "study": ("mine", 'a study: "#1", of {all}'),
    "subsample": (True, False),
    "synchronized": (True, False),
    "table": ("Table 1",),
    "training_candidates": (20, 1),
    "trial": (7, 0, 10**9),
    "unit": ("pixel", "stride"),
    "weighted": (False, True),
    "weights": ((1.0, 2.0, 3.0, 4.0), (10.0, 10.0, 5.0, 5.0)),
    "whole": (True, False),
    "wide": (True, False),
    "width": (1, 0.5, 2),
    "window": (5, 1, 3),
    "up": ("nearest_first", "nearest", "bilinear", "bilinear_first", "transposed_conv", "none"),
    "zero_gamma": (False, True),
    "ASPP.conv": ("separable_conv", "conv"),
    "Segmentation.kernel": (3, 1),
    "Bottleneck.expand": (2, 1, 4),
    "Osa.layers": (1, 2, 3),
    "FCOS.groups": (1,),  # more must divide the dim: tests/test_heads.py
    "Fuse.kind": ("softmax", "fast_normalized", "sum", "concat", "attention", "join"),
    "MaskRCNN.hidden": ((8,), (), (5, 6)),
    "Anchors.order": ("ratio", "scale"),
    "Anchors.scales": (2, 1),
    "Anchors.size": (2.5, 4),
    "Detections.candidates_per": ("class", "image"),  # regions are of no level
    "Detections.score": (0.3, 0),
    "CentreDetections.score": (0.3, 0),
    "CentreLoss.alpha": (1.5, 0),
    "Heat.overlap": (0.5, 0.7),
    "FCOSDetections.iou": (0.5, 0),
    "FCOSDetections.score": (0.3, 0),
    "FCOSLoss.alpha": (0.5, 0, 1),
    "FCOSLoss.gamma": (1.5, 0),
    "FCOSLoss.box_weight": (2.0, 0),
    "FocalLoss.alpha": (0.5, 0, 1),
    "Regions.level": (3, 0, 12),
    "DefaultBoxes.ratios": ((1.0, 1.5, 0.5, 3.0, 2.0), (1.0, 2.0, 0.5, 3.0, 0.3333, 4.0)),
    "SSDDetections.iou": (0.5, 0),
    "SSDDetections.score": (0.3, 0),
    "SSDLoss.alpha": (0.5, 0, 1),
    "SSDLoss.box_weight": (4.0, 0),
    "SSDLoss.delta": (2.0, 0.5),
    "SSDLoss.gamma": (1.5, 0),
    "SSDLoss.kind": ("softmax", "focal"),
    "SSD.anchors": ((1, 2, 3), (6, 6, 6)),  # one number for each output
}


def values_of(model: type[BaseModel], field: str) -> tuple[Any, ...]:
    """What a field is given."""
    return VALUES.get(f"{model.__name__}.{field}") or VALUES[field]


def fields_of(model: type[BaseModel]) -> list[str]:
    """The fields of a model that have values of their own, by the names that a document gives them."""
    kinds = [name for name in STRUCTURE if name in {each.__name__ for each in model.__mro__}]
    left_out = {field for name in kinds for field in STRUCTURE[name]}
    nested = {field for field in model.model_fields if parts_of(model, field) and not is_switch(model, field)}
    return [field for field in model.model_fields if field not in left_out | nested]


def always_of(model: type[BaseModel]) -> list[str]:
    """The fields of a model that must be given: those without a default, and those whose default fits few dims."""
    fields = model.model_fields
    groups = ("group_width", "groups") if model in (FCOS, BlockNorm) else ("group_width",)
    return [name for name in fields_of(model) if fields[name].is_required() or name in groups]


def is_switch(model: type[BaseModel], field: str) -> bool:
    """Whether a field says whether there is a norm, and may say which, too."""
    return field == "norm" and issubclass(model, Block) and field in model.definition.document.fields


def parts_of(model: type[BaseModel], field: str) -> list[type[BaseModel]]:
    """The models that the value of a field is made of."""
    return list(_models_in(model.model_fields[field].annotation))


def models() -> dict[str, type[BaseModel]]:
    """Every model that a loaded spec is made of, by name, each kind of block and head among them."""
    found: dict[str, type[BaseModel]] = {}
    waiting: list[type[BaseModel]] = [ModelSpec, *(KINDS[name] for name in FREE), *Head.kinds.values()]
    while waiting:
        model = waiting.pop()
        if model.__name__ not in found:
            found[model.__name__] = model
            waiting += [part for field in model.model_fields for part in parts_of(model, field)]
    return {name: model for name, model in found.items() if model not in (Block, Head)}


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and get_origin(annotation) is None:
        if issubclass(annotation, BaseModel):
            yield annotation
        return
    for part in get_args(annotation):
        yield from _models_in(part)
