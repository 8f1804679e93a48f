"""Mask R-CNN: anchors, proposals, where they are cut out, what they are to find, and which boxes are kept."""

from __future__ import annotations

from spinec.compiler.graph.program import Program
from spinec.compiler.tasks.boxes import anchors, first_class, kept, matched, steps_to_keep
from spinec.compiler.tasks.effort import Step, anchors_of, answers_by
from spinec.compiler.tasks.registry import Constant, means
from spinec.spec.heads import MaskRCNN
from spinec.spec.regions import Proposals, Regions


@means(MaskRCNN)
def mask_rcnn(program: Program, head: MaskRCNN) -> dict[str, Constant]:
    """The levels from the finest to the coarsest, and numbers that the head's fields give."""
    first_class(program, head)
    level = {name: program.spec.level_of(block) for name, block in program.spec.outputs.items()}
    level = dict(sorted(level.items(), key=lambda each: each[1]))
    return {
        "LEVELS": Constant(tuple(level)),
        "STRIDES": Constant(tuple(2**each for each in level.values()), "pixels from cell to cell"),
        **anchors(program, head.anchors, [2**each for each in level.values()]),
        **_proposals(head.proposals),
        **_regions(head.regions, list(level.values())),
        **kept(program, head),
    }


def _proposals(proposals: Proposals) -> dict[str, Constant]:
    return {
        **matched(proposals),
        "ANCHOR_SAMPLES": Constant(proposals.samples, "anchors of an image that learn, drawn at random"),
        "ANCHOR_SHARE": Constant(proposals.share, "of them at most that are to propose a box"),
        "ANCHOR_DELTA": Constant(proposals.delta, "error up to which their Huber loss is quadratic"),
        "LEVEL_BEST": Constant(proposals.candidates, "anchors of a level that are compared"),
        "TRAINING_BEST": Constant(proposals.training_candidates, "the same in training"),
        "PROPOSAL_IOU": Constant(proposals.iou, "overlap with a better one above which one is dropped"),
        "PROPOSED": Constant(proposals.most, "proposals of an image"),
    }


def _regions(regions: Regions, levels: list[int]) -> dict[str, Constant]:
    sides = tuple(regions.side * 2.0 ** (level - regions.level) for level in levels[1:])
    return {
        "LEVEL_SIDES": Constant(sides, "sides of regions from which on each but the first level has them"),
        "REGION_IOU": Constant(regions.iou, "overlap with a box above which a region is to find it"),
        "SAMPLES": Constant(regions.samples, "regions of an image that learn, drawn at random"),
        "SHARE": Constant(regions.share, "of them at most that are to find a box"),
        "MASK_SAMPLES": Constant(regions.mask_samples, "of these at most that learn a mask"),
        "WEIGHTS": Constant(regions.weights, "of a box's four numbers in what the network gives"),
        "DELTA": Constant(regions.delta, "error up to which Huber loss is quadratic"),
    }


@answers_by(MaskRCNN)
def steps(program: Program, head: MaskRCNN) -> list[Step]:
    """The steps from anchors to proposals, to regions, and to the boxes that are kept."""
    proposals, detections = head.proposals, head.detections
    compared = [min(proposals.candidates, each) for each in anchors_of(program).values()]
    pairs = proposals.most * (head.classes - head.first_class)
    cells = proposals.most * head.box_size**2 + detections.most * head.mask_size**2
    return [
        Step("anchors", sum(compared), "decoded to proposals, the best of every level"),
        Step("overlaps of proposals", sum(each * min(each, proposals.most) for each in compared), "at most"),
        Step("cells of regions", cells, "read between the cells of a map, in all its channels"),
        Step("scores", pairs, "probabilities, one for every proposal and class"),
        *steps_to_keep(head, [proposals.most]),
    ]
