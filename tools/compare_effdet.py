"""Holds EfficientDet-D0 to EFFDET (rwightman/efficientdet-pytorch) in boxes and losses, and writes numbers for tests.

pip install --no-deps effdet==0.4.1 omegaconf antlr4-python3-runtime==4.9.3 pycocotools   beside the dev environment

python tools/compare_effdet.py           whole images: both networks on the same weights
python tools/compare_effdet.py numbers   writes tests/numbers/effdet.npz
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

os.environ.setdefault("PYTORCH_JIT", "0")  # EFFDET scripts what needs operators of torchvision's
TESTS = Path(__file__).resolve().parent.parent / "tests"
sys.path.insert(0, str(TESTS))

import numpy as np  # noqa: E402  (the path and the variable are set above)
import torch  # noqa: E402
from crowded import CLASSES, GARDEN, LEVELS, crowded  # noqa: E402
from test_timm import randomise, timm_name  # noqa: E402
from timm_import import import_timm  # noqa: E402
from torch import Tensor  # noqa: E402

import_timm()

from spinec import emit, load, lower  # noqa: E402
from spinec.backends.live import import_source  # noqa: E402

NUMBERS = TESTS / "numbers" / "effdet.npz"
NODES = ("p6_up", "p5_up", "p4_up", "p3_out", "p4_out", "p5_out", "p6_out", "p7_out")
INNER = {
    "fuse.weight": "combine.edge_weights",
    "body.conv.depthwise": "after_combine.conv.conv_dw",
    "body.conv.pointwise": "after_combine.conv.conv_pw",
    "body.norm": "after_combine.conv.bn",
    "resample1.0.conv": "combine.resample.*.conv.conv",
    "resample1.0.norm": "combine.resample.*.conv.bn",
}


def nms(boxes: Tensor, scores: Tensor, iou: float) -> Tensor:
    """What torchvision's operator gives, one box after the other: for torchvision built without its operators."""
    order, kept = scores.argsort(descending=True, stable=True), []
    area = (boxes[:, 2:] - boxes[:, :2]).prod(1)
    while len(order):
        first, rest = order[0], order[1:]
        start, end = torch.maximum(boxes[first], boxes[rest])[:, :2], torch.minimum(boxes[first], boxes[rest])[:, 2:]
        shared = (end - start).clamp(min=0).prod(1)
        kept.append(first)
        order = rest[~(shared / (area[first] + area[rest] - shared) > iou)]
    return torch.stack(kept) if kept else order


def import_effdet(operator: Callable[..., Tensor] = nms) -> Any:
    """The module, with an operator for where torchvision has none."""
    from torchvision import extension

    if not extension._has_ops():
        extension._has_ops = lambda: True
        torch.library.impl("torchvision::nms", "CPU", operator)
    import effdet

    return effdet


def effdet_name(name: str, known: Mapping[str, Any]) -> str:
    """The key in EFFDET's state of a key in ours."""
    made = _effdet_pattern(name)
    (found,) = [each for each in known if re.fullmatch(re.escape(made).replace(r"\*", r"\d"), each)]
    return found


def _effdet_pattern(name: str) -> str:
    if match := re.fullmatch(r"(class|box)_subnet\.predict\.(depth|point)wise\.(\w+)", name):
        return f"{match[1]}_net.predict.conv_{match[2][0]}w.{match[3]}"
    if match := re.fullmatch(r"(class|box)_subnet\.conv(\d)\.(depth|point)wise\.(\w+)", name):
        return f"{match[1]}_net.conv_rep.{int(match[2]) - 1}.conv_{match[3][0]}w.{match[4]}"
    if match := re.fullmatch(r"(class|box)_subnet\.norm(\d)\.P(\d)\.(\w+)", name):
        return f"{match[1]}_net.bn_rep.{int(match[2]) - 1}.{int(match[3]) - 3}.bn.{match[4]}"
    if match := re.fullmatch(r"p6_in\.resample\.0\.(conv|norm)\.(\w+)", name):
        return f"fpn.resample.3.conv.{match[1].replace('norm', 'bn')}.{match[2]}"
    if match := re.fullmatch(r"(p\d_\w+)_(\d)\.(.+?)(\.(?:weight|bias|running_\w+|num_batches_tracked))?", name):
        inner = INNER.get(match[3] + (match[4] or ""), f"{INNER.get(match[3])}{match[4] or ''}")
        return f"fpn.cell.{int(match[2]) - 1}.fnode.{NODES.index(match[1])}.{inner}"
    return f"backbone.{timm_name(name)}"


def both(seed: int = 0) -> tuple[Any, Any, Any]:
    """Our source and model, and EFFDET's model, on the same random weights."""
    effdet = import_effdet()
    torch.manual_seed(seed)
    theirs = effdet.EfficientDet(effdet.get_efficientdet_config("tf_efficientdet_d0"), pretrained_backbone=False)
    randomise(theirs)
    program = lower(load("efficientdet-d0"))
    source = import_source(emit(program, "pytorch", ["detect", "loss"]), program.name)
    model, state = source.EfficientDetD0(), theirs.state_dict()
    model.load_state_dict({name: state[effdet_name(name, state)] for name in model.state_dict()})
    assert sum(p.numel() for p in model.parameters()) == sum(p.numel() for p in theirs.parameters())
    return source, model.eval(), theirs.eval()


def whole_images() -> None:
    """Maps, boxes and losses of two images, by both."""
    source, model, theirs = both()
    effdet = import_effdet()
    images = torch.randn(2, 3, 512, 512)
    with torch.no_grad():
        ours, (classes, boxes) = model(images), theirs(images)
    for kind, maps in (("class", classes), ("box", boxes)):
        worst = max(float((ours[f"{kind}_P{level}"] - maps[level - 3]).abs().max()) for level in LEVELS)
        size = max(float(each.abs().max()) for each in maps)
        print(f"{kind} maps: {worst / size:.1e} of {size:.1f} apart")
    info = {"img_scale": torch.ones(2, 1), "img_size": torch.full((2, 2), 512.0)}
    with torch.no_grad():
        found = effdet.DetBenchPredict(theirs)(images, info)
    for image, (one, other) in enumerate(zip(zip(*source.detect(model, images), strict=True), found, strict=True)):
        print(f"image {image}: {compared(one, other)}")
    # not in the middle of an anchor: EFFDET leaves out coordinates whose target is just 0
    truth = torch.tensor(
        [[[40.3, 60.1, 299.2, 260.6], [100.4, 300.7, 180.2, 500.9]], [[10.2, 20.3, 80.6, 90.1], [0] * 4]]
    )
    labels = torch.tensor([[17, 2], [43, -1]])
    losses = source.loss(model(images), truth, labels)
    bench = effdet.DetBenchTrain(theirs).train()  # which gives losses alone
    theirs.eval()
    target = {"bbox": truth, "cls": torch.where(labels < 0, labels, labels + 1).float()}
    other = bench(images, target)
    for ours_is, theirs_is in (("loss", "loss"), ("class", "class_loss"), ("box", "box_loss")):
        print(f"{ours_is}: ours {losses[ours_is].item():.7g}, theirs {other[theirs_is].item():.7g}")


def compared(ours: tuple[Tensor, Tensor, Tensor], theirs: Tensor) -> str:
    """How the detections of an image differ: theirs as x, y, x, y, score and class from 1 on."""
    boxes, scores, classes = ours
    again = theirs[:, [1, 0, 3, 2]]
    same = int((classes + 1 == theirs[:, 5]).sum())
    apart, off = (scores - theirs[:, 4]).abs().max().item(), (boxes - again).abs().max().item()
    return f"{same} of {len(theirs)} classes the same in order, scores {apart:.1e} apart, boxes {off:.1e} pixels"


def numbers() -> dict[str, np.ndarray]:
    """Its boxes and losses for the Model Garden's maps made a crowd, as if all 11 classes were things."""
    effdet = import_effdet()
    from effdet.anchors import AnchorLabeler, Anchors
    from effdet.bench import _batch_detection, _post_process
    from effdet.loss import DetectionLoss

    given = {name: torch.tensor(value.transpose(0, 3, 1, 2)) for name, value in crowded().items()}
    maps = {kind: [given[f"{kind}_P{level}"] for level in LEVELS] for kind in ("class", "box")}
    config = effdet.get_efficientdet_config("tf_efficientdet_d0")
    config.num_classes, config.image_size = CLASSES, (128, 256)
    anchors = Anchors.from_config(config)
    picked = _post_process(maps["class"], maps["box"], len(LEVELS), CLASSES, 5000)
    sides, scale = torch.tensor([[256.0, 128.0]]), torch.ones(1, 1)
    (found,) = _batch_detection(1, *picked[:2], anchors.boxes, *picked[2:], scale, sides)
    offset = torch.tensor([0.3, 0.1, 0.4, 0.2])  # as above: no target is just 0
    truth, labels = torch.tensor(GARDEN["gt"])[None].float() + offset, torch.tensor(GARDEN["cl"].T).float()
    targets = AnchorLabeler(anchors, CLASSES).batch_label_anchors(truth, labels + 1)
    losses = DetectionLoss(config)(maps["class"], maps["box"], *targets)
    return {
        "anchors": anchors.boxes.numpy(),
        "boxes": found[:, [1, 0, 3, 2]].numpy(),
        "scores": found[:, 4].numpy(),
        "classes": found[:, 5].numpy().astype("int64") - 1,
        "gt": truth[0].numpy(),
        "losses": np.array([loss.item() for loss in losses]),
    }


if __name__ == "__main__":
    if sys.argv[1:] == ["numbers"]:
        np.savez_compressed(NUMBERS, **numbers())
    else:
        whole_images()
