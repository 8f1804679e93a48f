"""Writes `tests/numbers/torchvision.npz`: what SSDLite, FCOS and RetinaNet of torchvision make of maps, one input each.

Needs torchvision beside a torch that it fits, and nothing of spinec: Debian's python3-torchvision and /usr/bin/python3.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torchvision.models.detection import fcos_resnet50_fpn, retinanet_resnet50_fpn, ssdlite320_mobilenet_v3_large
from torchvision.models.detection.image_list import ImageList
from torchvision.ops import box_iou

WHERE = Path(__file__).resolve().parent.parent / "tests" / "numbers" / "torchvision.npz"
SWAPPED = [1, 0, 3, 2]  # x before y, as torchvision has it, and y before x


def main() -> None:
    """Compute the numbers and write them."""
    torch.manual_seed(0)
    numbers = {**{f"fcos_{name}": value for name, value in fcos(11).items()}}
    numbers |= {f"ssd_{name}": value for name, value in ssd(5).items()}
    numbers |= {f"retinanet_{name}": value for name, value in retinanet(3).items()}
    np.savez_compressed(WHERE, **{name: np.asarray(value) for name, value in numbers.items()})
    print({name: np.shape(value) for name, value in numbers.items()})


def fcos(classes: int) -> dict:
    """An image of 128 x 256, levels 3 to 7; the class map is centred at -4, so that no level has 1,000 candidates.

    In a crowd it is 3 larger, and distances are 10 larger: then P3 has more candidates than are compared.
    """
    model = fcos_resnet50_fpn(weights=None, weights_backbone=None, num_classes=classes).eval()
    grids = [(128 >> level, 256 >> level) for level in range(3, 8)]
    images = ImageList(torch.zeros(1, 3, 128, 256), [(120, 250)])
    anchors = model.anchor_generator(images, [torch.zeros(1, 1, *grid) for grid in grids])
    maps = {
        "class": [torch.randn(1, *grid, classes) * 1.5 - 4 for grid in grids],
        "box": [torch.rand(1, *grid, 4) * 3 for grid in grids],
        "centerness": [torch.randn(1, *grid, 1) + 1 for grid in grids],
    }
    outputs = {
        theirs: [each.reshape(1, -1, each.shape[-1]) for each in maps[ours]]
        for theirs, ours in (("cls_logits", "class"), ("bbox_regression", "box"), ("bbox_ctrness", "centerness"))
    }
    split = [list(anchors[0].split([height * width for height, width in grids]))]
    (found,) = model.postprocess_detections(outputs, split, images.image_sizes)
    crowd = outputs | {
        name: [each + more for each in outputs[name]] for name, more in (("cls_logits", 3), ("bbox_regression", 10))
    }
    (crowded,) = model.postprocess_detections(crowd, split, images.image_sizes)
    boxes = torch.tensor([[10.3, 12.1, 60.2, 50.7], [20.9, 5.2, 200.4, 120.3], [100, 30, 112, 45], [30.5, 20, 70, 61]])
    target = {"boxes": boxes, "labels": torch.tensor([3, 10, 1, 3])}
    whole = {name: torch.cat(each, 1) for name, each in outputs.items()}
    losses = model.compute_loss([target], whole, anchors, [height * width for height, width in grids])
    return {
        **{f"{kind}_P{i + 3}": each for kind, levels in maps.items() for i, each in enumerate(levels)},
        **_found(found),
        **{f"crowd_{name}": each for name, each in _found(crowded).items()},
        "gt": boxes[:, SWAPPED],
        "labels": target["labels"],
        "losses": [losses[name] for name in ("classification", "bbox_regression", "bbox_ctrness")],
    }


def ssd(classes: int) -> dict:
    """An image of 320 x 320, levels 4 to 9; the background is so likely that no class has 300 candidates.

    In a crowd it is 10 less likely, and boxes are three times as large: classes have more candidates than are compared.
    """
    model = ssdlite320_mobilenet_v3_large(weights=None, weights_backbone=None, num_classes=classes).eval()
    sides = [20, 10, 5, 3, 2, 1]
    images = ImageList(torch.zeros(1, 3, 320, 320), [(320, 320)])
    anchors = model.anchor_generator(images, [torch.zeros(1, 1, side, side) for side in sides])
    background = torch.tensor([10.0] + [0.0] * (classes - 1)).repeat(6)
    maps = {
        "class": [torch.randn(1, side, side, 6 * classes) * 2 + background for side in sides],
        "box": [torch.randn(1, side, side, 6 * 4) for side in sides],
    }
    outputs = {
        "cls_logits": torch.cat([each.reshape(1, -1, classes) for each in maps["class"]], 1),
        "bbox_regression": torch.cat([each.reshape(1, -1, 4) for each in maps["box"]], 1),
    }
    (found,) = model.postprocess_detections(outputs, anchors, images.image_sizes)
    crowd = {
        "cls_logits": outputs["cls_logits"] - torch.tensor([10.0] + [0.0] * (classes - 1)),
        "bbox_regression": outputs["bbox_regression"] + torch.tensor([0.0, 0.0, 6.0, 6.0]),
    }
    (crowded,) = model.postprocess_detections(crowd, anchors, images.image_sizes)
    boxes = torch.tensor(
        [[10.3, 12.1, 60.2, 50.7], [20.9, 5.2, 300.4, 250.3], [100, 200, 142, 285], [230, 20, 270, 61]]
    )
    target = {"boxes": boxes, "labels": torch.tensor([3, 4, 1, 3])}
    matched = [model.proposal_matcher(box_iou(boxes, anchors[0]))]
    losses = model.compute_loss([target], outputs, anchors, matched)
    return {
        "anchors": anchors[0][:, SWAPPED],
        **{f"{kind}_P{i + 4}": each for kind, levels in maps.items() for i, each in enumerate(levels)},
        **_found(found),
        **{f"crowd_{name}": each for name, each in _found(crowded).items()},
        "gt": boxes[:, SWAPPED],
        "labels": target["labels"],
        "matched": matched[0],
        "losses": [losses[name] for name in ("classification", "bbox_regression")],
    }


def retinanet(classes: int) -> dict:
    """Two images of 128 x 128, levels 3 to 7; the second has no box. P3 has more than 1,000 candidates.

    Boxes found overlap much, so that what is left out of the candidates would be found. The fifth box to find lies in
    the middle between anchors, which overlap it alike.
    """
    model = retinanet_resnet50_fpn(weights=None, weights_backbone=None, num_classes=classes).eval()
    grids = [(128 >> level, 128 >> level) for level in range(3, 8)]
    images = ImageList(torch.zeros(2, 3, 128, 128), [(120, 122), (128, 128)])
    larger = torch.tensor([0.0, 0.0, 0.7, 0.7]).repeat(9)
    anchors = model.anchor_generator(images, [torch.zeros(2, 1, *grid) for grid in grids])
    maps = {
        "class": [torch.randn(2, *grid, 9 * classes) * 1.5 - 3 for grid in grids],
        "box": [(torch.randn(2, *grid, 9 * 4) * 0.3 + larger).half().float() for grid in grids],
    }
    outputs = {
        "cls_logits": [each.reshape(2, -1, classes) for each in maps["class"]],
        "bbox_regression": [each.reshape(2, -1, 4) for each in maps["box"]],
    }
    split = [list(each.split([9 * height * width for height, width in grids])) for each in anchors]
    found = model.postprocess_detections(outputs, split, images.image_sizes)
    boxes = torch.tensor(
        [
            *([10.3, 12.1, 60.2, 50.7], [20.9, 5.2, 110.4, 120.3], [100, 30, 112, 45], [30.5, 20, 70, 61]),
            *([80, 80, 88, 88], [10.3, 12.1, 60.2, 50.7]),
        ]
    )
    targets = [
        {"boxes": boxes, "labels": torch.tensor([2, 1, 1, 2, 2, 1])},
        {"boxes": torch.zeros(0, 4), "labels": torch.zeros(0, dtype=torch.int64)},
    ]
    whole = {name: torch.cat(each, 1) for name, each in outputs.items()}
    losses = model.compute_loss(targets, whole, anchors)
    few = model.compute_loss(targets[:1], {name: each[:1] for name, each in whole.items()}, anchors[:1])
    return {
        "anchors": anchors[0][:, SWAPPED],
        **{f"class_P{i + 3}": each for i, each in enumerate(maps["class"])},
        **{f"box_P{i + 3}": each.half() for i, each in enumerate(maps["box"])},
        **_found(found[0]),
        **{f"second_{name}": each for name, each in _found(found[1]).items()},
        "gt": boxes[:, SWAPPED],
        "labels": targets[0]["labels"],
        "matched": model.proposal_matcher(box_iou(boxes, anchors[0])),
        "losses": [losses[name] for name in ("classification", "bbox_regression")],
        "first_losses": [few[name] for name in ("classification", "bbox_regression")],
    }


def _found(found: dict) -> dict:
    return {
        "boxes": found["boxes"][:, SWAPPED].detach(),
        "scores": found["scores"].detach(),
        "found": found["labels"],
    }


if __name__ == "__main__":
    main()
