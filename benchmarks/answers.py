"""What boxes cost beside the network that finds them, on one thread, in turn: `python benchmarks/run.py answers`."""

from __future__ import annotations

import importlib.util
import os
from typing import Any

os.environ.setdefault("PYTORCH_JIT", "0")  # EFFDET scripts what needs operators of torchvision's

import numpy as np
import torch
from torch import Tensor

from spinec import emit, load, lower
from spinec.backends.live import import_source

SPREAD, MIDDLE = 0.5, -4.6  # of logits: as in a trained detector, some 7,000 pairs are likelier than 0.05
RUNS = 20


def answers(paired_ms: Any, runs: int = RUNS) -> list[tuple[str, str, str]]:
    """Rows of the table: whole detectors, and what drops overlapping boxes."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    rows = [_share_of_network(paired_ms, runs)]
    if importlib.util.find_spec("effdet"):
        rows.append(_beside_effdet(paired_ms, runs))
    source = import_source(emit(lower(load("eff-spinenet-d0")), "pytorch", ["detect"]), "eff-spinenet-d0")
    for number in (100, 1_000, 5_000):
        boxes, labels = _crowd(number)
        a, b, ratio = paired_ms(
            lambda boxes=boxes, labels=labels: source.nms(boxes, labels, 0.5, 100),
            lambda boxes=boxes, labels=labels: greedy(boxes, labels, 0.5, 100, source.overlap),
            max(3, runs // 4),
        )
        assert source.nms(boxes, labels, 0.5, 100).tolist() == greedy(boxes, labels, 0.5, 100, source.overlap)
        rows.append(
            (f"100 of {number:,} boxes, by overlap", f"{a:.1f} ms; a loop {b:.1f} ms", f"{ratio:.3f} of the loop's")
        )
    return rows


def _share_of_network(paired_ms: Any, runs: int) -> tuple[str, str, str]:
    """Image to 100 boxes beside image to maps."""
    program = lower(load("eff-spinenet-d0"))
    source = import_source(emit(program, "pytorch", ["detect"]), program.name)
    model, image = source.EffSpineNetD0().eval(), torch.randn(1, 3, *program.size)
    with torch.inference_mode():
        _spread(source, model, image)
        assert (source.detect(model, image)[1] > 0).all()
        a, b, ratio = paired_ms(lambda: source.detect(model, image), lambda: model(image), runs)
    return (
        "eff-spinenet-d0: 100 boxes of an image",
        f"{a:.1f} ms; maps alone {b:.1f} ms",
        f"{ratio:.3f} of the network's",
    )


def _spread(source: Any, model: Any, image: Tensor) -> None:
    """Give a fresh model the logits of a trained one: mean and deviation of the last layer's."""
    last = model.class_subnet.predict.pointwise
    last.weight.data *= SPREAD / source.in_rows(model(image), "class", source.CLASSES).std()
    last.bias.data += MIDDLE - source.in_rows(model(image), "class", source.CLASSES).mean()


def _beside_effdet(paired_ms: Any, runs: int) -> tuple[str, str, str]:
    """EfficientDet-D0 and EFFDET's, on the same weights."""
    from compare_effdet import both, import_effdet

    import_effdet(_onnx_nms())  # before the comparison's own operator, which is slow
    source, model, theirs = both()
    bench, image = import_effdet().DetBenchPredict(theirs).eval(), torch.randn(1, 3, 512, 512)
    with torch.inference_mode():
        a, b, ratio = paired_ms(lambda: source.detect(model, image), lambda: bench(image), runs)
    return "efficientdet-d0: 100 boxes of an image", f"{a:.1f} ms; EFFDET {b:.1f} ms", f"{ratio:.3f} of EFFDET's"


def _onnx_nms() -> Any:
    """What torchvision's operator gives, by ONNX Runtime's: as fast, and there where torchvision's is not."""
    from onnx import TensorProto, helper
    from onnxruntime import InferenceSession, SessionOptions

    names = ("boxes", "scores", "most", "iou")
    types = (TensorProto.FLOAT, TensorProto.FLOAT, TensorProto.INT64, TensorProto.FLOAT)
    shapes = ((1, None, 4), (1, 1, None), (1,), (1,))
    given = [helper.make_tensor_value_info(*each) for each in zip(names, types, shapes, strict=True)]
    found = helper.make_tensor_value_info("kept", TensorProto.INT64, (None, 3))
    graph = helper.make_graph([helper.make_node("NonMaxSuppression", names, ["kept"])], "nms", given, [found])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    options = SessionOptions()
    options.intra_op_num_threads = 1
    session = InferenceSession(model.SerializeToString(), options)

    def nms(boxes: Tensor, scores: Tensor, iou: float) -> Tensor:
        sizes = {"most": np.array([len(boxes)]), "iou": np.array([iou], np.float32)}
        (kept,) = session.run(None, {"boxes": boxes[None].numpy(), "scores": scores[None, None].numpy(), **sizes})
        return torch.tensor(kept[:, 2])

    return nms


def _crowd(number: int) -> tuple[Tensor, Tensor]:
    """Boxes, the best first, of which each overlaps many, and their labels."""
    start = torch.rand(number, 2) * 400
    return torch.cat([start, start + torch.rand(number, 2) * 100 + 10], 1), torch.randint(5, (number,))


def greedy(boxes: Tensor, labels: Tensor, iou: float, most: int, overlap: Any) -> list[int]:
    """One box after the other: kept where no kept one of its label overlaps it too much."""
    left, kept = torch.arange(len(boxes)), []
    while len(left) and len(kept) < most:
        first, left = left[0], left[1:]
        kept.append(int(first))
        near = overlap(boxes[first, None], boxes[left])[0] > iou
        left = left[~(near & (labels[left] == labels[first]))]
    return kept
