"""What public code bases mean by a head's maps, by name: filled in where a head says so, and gone afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from spinec.spec.document import Item, Tree
from spinec.spec.errors import Fault, Place, did_you_mean
from spinec.spec.heads import Head
from spinec.spec.validate import show

DIALECTS: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    # tensorflow/tpu models/official/detection, the code of the paper's authors: what heads mean by themselves
    "tpu": {"retinanet": {}, "mask_rcnn": {}},
    # tensorflow/models official/vision
    "model_garden": {
        "retinanet": {"anchors": {"ratios": [0.5, 1.0, 2.0]}},
        "mask_rcnn": {"anchors": {"ratios": [0.5, 1.0, 2.0]}},
    },
    # google/automl efficientdet, rwightman/efficientdet-pytorch
    "efficientdet": {
        "retinanet": {
            "classes": "coco-90",
            "background": False,
            "anchors": {"size": 4.0, "ratios": [1.0, [0.7, 1.4], [1.4, 0.7]]},
            "detections": {"score": 0.0},
        }
    },
    # xingyizhou/CenterNet, as it was when its results were published
    "centernet": {"centernet": {"matching": {"wide": True}}},
    # pytorch/vision torchvision/models/detection; of SSD what it gives SSDLite
    "torchvision": {
        "retinanet": {
            "classes": 91,
            "background": False,
            "anchors": {"size": 4.0, "ratios": [2.0, 1.0, 0.5], "order": "ratio", "offset": 0.0, "whole": True},
            "order": "xywh",
            "matching": {"negative": 0.4, "closest": "all"},
            "loss": {"gamma": 2.0, "box": "l1", "box_weight": 4.0, "per_image": True},
            "detections": {"candidates": 1000, "candidates_per": "level", "most": 300},
        },
        "ssd": {
            "classes": 91,
            "background": True,
            "anchors": [6, 6, 6, 6, 6, 6],
            "boxes": {
                "ratios": [1.0, 2.0, 0.5, 3.0, 1 / 3],
                "square": "second",
                "reduced": False,
                "clipped": True,
                "order": "xywh",
            },
            "loss": {"kind": "softmax", "box_weight": 4.0},
            "detections": {"score": 0.001, "candidates": 300, "candidates_per": "class", "iou": 0.55, "most": 300},
        },
        "fcos": {
            "distances": "relu",
            "scaled": False,
            "centerness": "box",
            "offset": 0.0,
            "classes": 91,
            "loss": {"weighted": False},
            "detections": {"score": 0.2, "candidates": 1000, "candidates_per": "level"},
        },
    },
}
"""Dialect, kind of head: the fields that differ from the head's own defaults."""


def spoken(head: Item, faults: list[Fault]) -> Item:
    """A head with what its dialect says and it does not say itself."""
    if "dialect" not in head.mapping:
        return head
    own = dict(head.mapping)
    said, kind = own.pop("dialect"), head.mapping["kind"].plain() if "kind" in head.mapping else None
    if not isinstance(kind, str) or kind not in Head.kinds:
        return head._replace(value=own)  # what is wrong with the kind is said where it is read
    known = [name for name, kinds in DIALECTS.items() if kind in kinds]
    if said.value not in known:
        message = f"head: unknown dialect {show(said.plain())}"
        hint = partial(did_you_mean, said.value, known) if known else f"a head of kind {show(kind)} has none"
        faults.append(Fault("SPN-205", message, said.place, hint))
        return head._replace(value=own)
    given = DIALECTS[str(said.value)][kind]
    return head._replace(value=_filled(own, given, said.place))


def _filled(own: dict[str, Item], given: Mapping[str, Any], place: Place) -> dict[str, Item]:
    """A mapping and, within mappings, what is given but not said."""
    filled = dict(own)
    for key, value in given.items():
        mine = own.get(key)
        if mine is None:
            filled[key] = _placed(value, place)
        elif isinstance(value, Mapping) and isinstance(mine.value, dict):
            filled[key] = mine._replace(value=_filled(mine.value, value, place))
    return filled


def _placed(value: Any, place: Place) -> Item:
    tree: Tree = value
    if isinstance(value, Mapping):
        tree = {key: _placed(inner, place) for key, inner in value.items()}
    elif isinstance(value, list):
        tree = [_placed(inner, place) for inner in value]
    return Item(tree, place, place)
