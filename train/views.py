"""What a network sees of the examples that it learns from, by the recipe."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from spinec.compiler.graph.program import Program
from spinec.spec.heads import MaskRCNN
from spinec.spec.recipes.model import Augment, Recipe
from spinec.train.data.augment import Jitter, View
from spinec.train.data.batches import Endless
from spinec.train.data.crops import Policy, RandomCrop
from spinec.train.data.examples import DataSet
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
    augment, size, head = recipe.augment, program.size, program.spec.head
    channels = program.input_shape[0]
    if task_of(head) == "classification":
        policy = POLICIES[augment.policy](augment)
        return RandomCrop(size, augment.area, flip=augment.flip, policy=policy, channels=channels)
    side = MASK_SIDE if isinstance(head, MaskRCNN) else 0
    ignored = getattr(head, "ignored", 255)
    return Jitter(
        size, augment.scale, augment.flip, smooth=augment.smooth, mask_side=side, ignored=ignored, channels=channels
    )


def batches(program: Program, recipe: Recipe, data: DataSet) -> Endless:
    """The batches that a network learns from, by step."""
    return Endless(data, learned(program, recipe), recipe.batch, recipe.seed, most=recipe.data.boxes)
