"""The op that keeps the best boxes, in ONNX: its own node drops the boxes that overlap a better one."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

DROPPED = -1.0  # a score below all thresholds


def translations(source: ModuleType) -> dict[Any, Callable[..., Any]]:
    """What PyTorch's exporter is told of the ops that some source has of its own."""
    import torch

    return {torch.ops.detection.best.default: best} if "best" in vars(source) else {}


def best(
    boxes: Any, scores: Any, score: float, candidates: int, iou: float, per_class: bool, most: int, soft: float = 0.0
) -> tuple[Any, Any, Any]:
    """Boxes (N, most, 4), scores and labels (N, most) of `detection::best`, by one node `NonMaxSuppression`."""
    if soft:
        raise ValueError("ONNX has no node that lowers scores by overlaps")
    op, kinds = _ops(), int(scores.shape[2])
    pairs = op.Mul(op.Shape(scores, start=1, end=2), [kinds])  # in the graph: they may depend on the image's size
    count = op.Min(pairs, op.Reshape(candidates, [1]))
    sure, pair = op.TopK(op.Reshape(scores, [0, -1]), count)
    own = op.Div(pairs, op.Shape(boxes, start=1, end=2))
    near, label = _rows(boxes, op.Div(pair, own)), op.Mod(pair, kinds)
    judged = _by_label(sure, label, kinds) if per_class else op.Unsqueeze(sure, [1])
    kept = op.Gather(op.NonMaxSuppression(near, judged, [most], [iou], [score]), [0, 2], axis=1)
    none = op.Expand(op.Constant(value_float=0.0), op.Shape(sure))
    given = op.Min(count, op.Constant(value_ints=[most]))
    sure, place = op.TopK(op.ScatterND(none, kept, op.GatherND(sure, kept)), given)
    there = op.Greater(sure, 0.0)
    near = op.Where(op.Unsqueeze(there, [2]), _rows(near, place), 0.0)
    label = op.Where(there, op.GatherElements(label, place, axis=1), op.Constant(value_int=0))
    lacking = op.Concat(op.Constant(value_ints=[0]), op.Sub([most], given), axis=0)
    return tuple(op.Pad(each, lacking, None, [1]) for each in (near, sure, label))


def _by_label(sure: Any, label: Any, kinds: int) -> Any:
    """Scores (N, kinds, A): the node compares within rows, so every label has one of its own."""
    op = _ops()
    kind = op.Reshape(op.Constant(value_ints=list(range(kinds))), [1, -1, 1])
    return op.Where(op.Equal(op.Unsqueeze(label, [1]), kind), op.Unsqueeze(sure, [1]), DROPPED)


def _rows(values: Any, which: Any) -> Any:
    """Of every image's rows those that are asked for."""
    op = _ops()
    return op.GatherND(values, op.Unsqueeze(which, [2]), batch_dims=1)


def _ops() -> Any:
    """The operators of ONNX, untyped: their types know nothing of plain numbers, which they take for constants."""
    from onnxscript import opset18

    return opset18
