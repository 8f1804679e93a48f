"""CenterNet: how far around a centre a heat map is warm, and which centres are kept."""

from __future__ import annotations

from spinec.compiler.graph.program import Program
from spinec.compiler.tasks.effort import Step, answers_by
from spinec.compiler.tasks.registry import Constant, means
from spinec.spec.errors import BackendError
from spinec.spec.heads import CenterNet


@means(CenterNet)
def centernet(program: Program, head: CenterNet) -> dict[str, Constant]:
    """The output that the head reads, and numbers that its fields give.

    Raises:
        BackendError: when it reads several outputs, as nothing says which of them is to find a box.
    """
    outputs, loss, detections = program.spec.outputs, head.loss, head.detections
    if len(outputs) > 1:
        raise BackendError(
            f"{program.name}: a head of kind 'centernet' finds boxes with one output, got {len(outputs)} "
            f"({', '.join(outputs)}): nothing says which of them is to find a box; expected one, such as the finest"
        )
    ((name, block),) = outputs.items()
    return {
        "LEVEL": Constant(name),
        "STRIDE": Constant(2 ** program.spec.level_of(block), "pixels from cell to cell"),
        "OVERLAP": Constant(head.matching.overlap, "of a box with one that is off by a heat's radius"),
        "WIDE": Constant(head.matching.wide, "the radius is 4 x OVERLAP times that of a grown box"),
        "ALPHA": Constant(loss.alpha, "how much less the loss counts what the network is sure of"),
        "BETA": Constant(loss.beta, "how much less it counts cells near a centre"),
        "SIZE_WEIGHT": Constant(loss.size_weight, "of the loss of sizes beside the heat maps'"),
        "OFFSET_WEIGHT": Constant(loss.offset_weight, "of the loss of offsets beside the heat maps'"),
        "SCORE": Constant(detections.score, "probability that a centre must exceed"),
        "WINDOW": Constant(detections.window, "cells on each side of the window that a centre is the best of"),
        "MOST": Constant(detections.most, "boxes of an image"),
    }


@answers_by(CenterNet)
def steps(program: Program, head: CenterNet) -> list[Step]:
    """The steps from heat maps to the boxes that are kept."""
    maps = [program.outputs[f"heatmap_{name}"] for name in program.spec.outputs]
    scores = sum(channels * height * width for channels, height, width in maps)
    return [
        Step("scores", scores, "probabilities, one for every cell and class"),
        Step("comparisons", scores * (head.detections.window**2 - 1), "with the cells around"),
        Step("boxes", head.detections.most, "decoded, the best"),
    ]
