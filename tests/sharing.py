"""Takes some steps with heads in the processes that it is started in: python sharing.py BACKEND FOLDER ACROSS HEAD...

The first process writes what was learned, HEAD-NORMALISER.npz, and what was told.
"""

import json
import sys
from importlib import import_module
from pathlib import Path

import numpy as np

from spinec import loads, lower
from spinec.backends.backend import backend
from spinec.backends.processes import ALONE
from spinec.spec.recipes.load import load_recipe

BATCH, SIDE, STEPS = 4, 32, 2
TEXT = """
name: small
input: {{size: 32}}
norm: {{synchronized: {shared}}}
blocks:
  stem: {{level: 1, kind: conv, dim: 4, inputs: [image]}}
  b1: {{level: 3, kind: conv, kernel: 3, dim: 6, inputs: [stem]}}
  b2: {{level: 4, kind: conv, kernel: 3, dim: 6, inputs: [b1]}}
outputs: {{{outputs}}}
head: {{{head}}}
"""
BOTH, ONE = "P3: b1, P4: b2", "P4: b2"
HEADS = {
    "retinanet": (BOTH, "kind: retinanet, dim: 6, layers: 1, classes: 3, background: false"),
    "ssd": (BOTH, "kind: ssd, anchors: [3, 6], classes: 3"),
    "fcos": (BOTH, "kind: fcos, dim: 6, layers: 1, groups: 2, classes: 3"),
    "centernet": (ONE, "kind: centernet, dim: 6, classes: 3"),
    "segmentation": (BOTH, "kind: segmentation, dim: 6, classes: 5, ignored: 4"),
    "classification": (ONE, "kind: classification, classes: 7, dropout: 0"),
    "mask_rcnn": (
        BOTH,
        "kind: mask_rcnn, dim: 6, classes: 4, box_layers: 1, mask_layers: 1, hidden: [6], box_size: 3, mask_size: 4, "
        "proposals: {candidates: 40, most: 20}",
    ),
}


def program_of(head, shared=True):
    outputs, own = HEADS[head]
    return lower(loads(TEXT.format(outputs=outputs, head=own, shared=str(shared).lower())))


def lesson(head, number):
    """Pictures of which the first have more that counts than the last: a mean of means is not the mean."""
    random = np.random.default_rng(number)
    images = random.normal(size=(BATCH, SIDE, SIDE, 3)).astype(np.float32)
    if head == "classification":
        return images, {"classes": random.integers(0, 7, BATCH)}
    if head == "segmentation":
        classes = random.integers(0, 5, (BATCH, SIDE, SIDE))
        classes[BATCH // 2 :, 8:] = 4
        return images, {"classes": classes}
    start = random.uniform(0, 16, (BATCH, 3, 2))
    boxes = np.concatenate([start, start + random.uniform(6, 16, (BATCH, 3, 2))], -1).astype(np.float32)
    classes = random.integers(1, 3, (BATCH, 3))
    classes[BATCH // 2 :, 1:] = -1
    targets = {"boxes": boxes, "classes": classes}
    if head == "mask_rcnn":
        targets["masks"] = random.integers(0, 2, (BATCH, 3, 9, 9)).astype(bool)
    return images, targets


def learn(name, head, normaliser, place=ALONE, numbers=range(STEPS), own=slice(None)):
    """The state, what was told, and whether all agree."""
    options = "optimizer={kind: sgd, rate: 1, per: 4, decay: 0.01, clip: 1}"
    if normaliser == "replica":
        options = "optimizer={kind: sgd, rate: 1, per: 4, decay: 0, clip: 0}"
    by_spec = head == "retinanet"  # whose norms are synchronized; others' are so by the recipe
    shared = normaliser == "global"
    settings = [f"batch={BATCH}", "schedule.steps=9", options, f"normaliser={normaliser}"]
    recipe = load_recipe("detection", [*settings, f"synchronized={str(shared and not by_spec).lower()}"])
    program = program_of(head, shared=shared and by_spec)
    share = BATCH // place.number
    own = slice(place.rank * share, (place.rank + 1) * share) if place.number > 1 else own
    with backend(name).precision("float64"):
        learner = backend(name).learner(program, recipe, start(program), place)
        told = []
        for number in numbers:
            images, targets = lesson(head, number)
            told.append(learner.step(images[own], {key: each[own] for key, each in targets.items()}, 0.02, number))
        asked = [learner.agree(place.rank == place.number - 1), learner.agree(False)]
        return learner.state(), told, asked


def loss_of(name, head):
    """What gives the losses of a part of a batch, as numbers, and the source that they are of; norms are at rest."""
    owner, program = import_module(f"spinec.backends.{name}.live"), program_of(head)
    source, model = owner.build_with(program, ["loss"])
    backend(name).write_weights(model, program, start(program))
    images, targets = lesson(head, 0)
    whole = head == "mask_rcnn"
    if name == "pytorch":
        import torch

        model.eval()

        def loss(part):
            given = torch.from_numpy(images[part]).permute(0, 3, 1, 2)
            wanted = [torch.from_numpy(each[part]) for each in targets.values()]
            with torch.no_grad():
                losses = source.loss(*([model, given] if whole else [model(given)]), *wanted)
            return {key: float(value) for key, value in losses.items()}

        return loss, source

    def loss(part):
        given, wanted = images[part], [each[part] for each in targets.values()]
        if whole:
            losses = source.loss(model, given, *wanted, training=False)
        else:
            losses = source.loss(model(given, training=False), *wanted)
        return {key: float(value) for key, value in losses.items()}

    return loss, source


def start(program):
    """The same in both frameworks."""
    random = np.random.default_rng(5)
    shapes = {**program.weights, **program.state}
    return {
        name: 1 + random.uniform(-0.1, 0.1, shape)
        if name.endswith(("scale", "variance"))
        else random.normal(0, 0.3, shape)
        for name, shape in shapes.items()
    }


def main(name, folder, across, *heads):
    if across == "devices":
        import tensorflow as tf

        cpu = tf.config.list_physical_devices("CPU")[0]
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    place = backend(name).join(across)
    for head, normaliser in [*((head, "global") for head in heads), (heads[0], "replica")]:
        state, told, asked = learn(name, head, normaliser, place, range(STEPS if normaliser == "global" else 1))
        if place.first:
            np.savez(Path(folder) / f"{head}-{normaliser}.npz", **state)
            (Path(folder) / f"{head}-{normaliser}.json").write_text(json.dumps([told, asked]))


if __name__ == "__main__":
    main(*sys.argv[1:])
