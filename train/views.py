"""What a network sees of the examples that it learns from, by the recipe."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from spinec.backends.processes import ALONE, Place, share_of
from spinec.compiler.graph.program import Program
from spinec.spec.heads import MaskRCNN
from spinec.spec.recipes.model import Augment, Recipe
from spinec.train.data.augment import Jitter, View
from spinec.train.data.batches import Endless
from spinec.train.data.crops import Policy, RandomCrop
from spinec.train.data.examples import IGNORED, DataSet, Task
from spinec.train.data.numbering import task_of
from spinec.train.data.policies import AutoAugment, RandAugment

MASK_SIDE = 112  # pixels of the outlines that masks are learned from (tensorflow/tpu, gt_mask_size)

POLICIES: Mapping[str, Callable[[Augment], Policy | None]] = {
    "none": lambda augment: None,
    "randaugment": lambda augment: RandAugment(augment.layers, augment.magnitude),
    "autoaugment": lambda augment: AutoAugment(),
}


def learned(program: Program, recipe: Recipe) -> View:
    """What changes pictures as the recipe says."""
    head, size, channels = program.spec.head, program.size, program.input_shape[0]
    side = MASK_SIDE if isinstance(head, MaskRCNN) else 0
    return view_of(task_of(head), recipe.augment, size, channels, side, getattr(head, "ignored", IGNORED))


def view_of(
    task: Task, augment: Augment, size: tuple[int, int], channels: int = 3, mask_side: int = 0, ignored: int = IGNORED
) -> View:
    """What changes pictures of a task as a recipe says, for what takes pictures of a size."""
    if task == "classification":
        policy = POLICIES[augment.policy](augment)
        return RandomCrop(size, augment.area, flip=augment.flip, policy=policy, channels=channels)
    return Jitter(
        size,
        augment.scale,
        augment.flip,
        smooth=augment.smooth,
        mask_side=mask_side,
        ignored=ignored,
        channels=channels,
    )


def batches(program: Program, recipe: Recipe, data: DataSet, place: Place = ALONE) -> Endless:
    """The batches that a network learns from, by step: one process's share of them."""
    view, share = learned(program, recipe), share_of(recipe.batch, place.number)
    return Endless(data, view, share, recipe.seed, place.rank, place.number, most=recipe.data.boxes)
