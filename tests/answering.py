"""Generated source that answers and learns, of both frameworks: given and giving arrays of channels last."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from spinec import emit, loads, lower
from spinec.backends.live import import_source


class Torch:
    """Generated PyTorch source, given and giving arrays of channels last."""

    def __init__(self, spec, parts=("detect", "loss")):
        self.torch = pytest.importorskip("torch")
        self.program = lower(loads(spec))
        self.module = import_source(emit(self.program, "pytorch", parts), self.program.name)

    def maps(self, maps):
        return {name: self.tensor(value.transpose(0, 3, 1, 2)) for name, value in maps.items()}

    def tensor(self, value):
        return self.torch.tensor(np.ascontiguousarray(value))

    def anchors(self, maps):
        return self.module.make_anchors(self.maps(maps)).numpy()

    def targets(self, maps, boxes, classes):
        """Class (-1: none) and encoded box of every anchor, and which have a box."""
        anchors, boxes, classes = self.module.make_anchors(self.maps(maps)), self.tensor(boxes), self.tensor(classes)
        which, positive, _ = self.module.match(anchors, boxes, classes >= 0)
        goals = self.module.encode(boxes.gather(1, which[..., None].expand(-1, -1, 4)), anchors)
        return self.torch.where(positive, classes.gather(1, which), -1).numpy(), goals.numpy(), positive.numpy()

    def loss(self, maps, boxes, classes):
        """The losses, and the gradients of all maps."""
        given = {name: value.requires_grad_() for name, value in self.maps(maps).items()}
        losses = self.module.loss(given, self.tensor(boxes), self.tensor(classes))
        losses["loss"].backward()
        gradients = {name: value.grad.numpy().transpose(0, 2, 3, 1) for name, value in given.items()}
        return {name: value.item() for name, value in losses.items()}, gradients

    def detect(self, maps, image, sizes=None):
        image, sizes = self.tensor(image.transpose(0, 3, 1, 2)), None if sizes is None else self.tensor(sizes)
        return [each.numpy() for each in self.module.detect(lambda image: self.maps(maps), image, sizes)]

    def decoded(self, boxes, anchors):
        boxes, anchors = self.tensor(boxes), self.tensor(anchors)
        return self.module.decode(self.module.encode(boxes, anchors), anchors).numpy()


class TensorFlow:
    """Generated TensorFlow source."""

    def __init__(self, spec, parts=("detect", "loss")):
        self.tf = pytest.importorskip("tensorflow")
        self.program = lower(loads(spec))
        self.module = import_source(emit(self.program, "tensorflow", parts), self.program.name)

    def maps(self, maps):
        return {name: self.tf.constant(value) for name, value in maps.items()}

    def anchors(self, maps):
        return self.module.make_anchors(self.maps(maps)).numpy()

    def targets(self, maps, boxes, classes):
        anchors = self.module.make_anchors(self.maps(maps))
        which, positive, _ = self.module.match(anchors, self.tf.constant(boxes), self.tf.constant(classes >= 0))
        goals = self.module.encode(self.tf.gather(boxes, which, batch_dims=1), anchors)
        classes = self.tf.where(positive, self.tf.gather(classes, which, batch_dims=1), -1)
        return classes.numpy(), goals.numpy(), positive.numpy()

    def loss(self, maps, boxes, classes):
        given = {name: self.tf.Variable(value) for name, value in maps.items()}
        with self.tf.GradientTape() as tape:
            read = {name: value + 0 for name, value in given.items()}
            losses = self.module.loss(read, self.tf.constant(boxes), self.tf.constant(classes))
        gradients = tape.gradient(losses["loss"], given)
        return {name: float(value) for name, value in losses.items()}, {k: v.numpy() for k, v in gradients.items()}

    def detect(self, maps, image, sizes=None):
        def detect(image):
            return self.module.detect(lambda image, training: self.maps(maps), image, sizes)

        return [each.numpy() for each in self.tf.function(detect)(self.tf.constant(image))]

    def decoded(self, boxes, anchors):
        return self.module.decode(self.module.encode(boxes, anchors), anchors).numpy()


BACKENDS = pytest.mark.parametrize("made", [Torch, TensorFlow], ids=["pytorch", "tensorflow"])


def tower(head, levels, size=(64, 96)):
    """A small network with an output at each of some levels."""
    blocks = "".join(
        f"  p{level}: {{level: {level}, dim: 8, inputs: [{f'p{level - 1}' if level > 2 else 'image'}]}}\n"
        for level in range(2, max(levels) + 1)
    )
    outputs = ", ".join(f"P{level}: p{level}" for level in levels)
    return (
        f"name: tower\ninput: {{size: [{size[0]}, {size[1]}]}}\ndefaults: {{kind: conv}}\nblocks:\n{blocks}"
        f"outputs: {{{outputs}}}\nhead: {head}\n"
    )


@cache
def answering(made, head, levels=(3, 4, 5)):
    """The source of a framework for a head on a small network, made once."""
    return made(tower(head, levels))


def made_up_maps(program, images, draw, dtype=np.float64):
    """Maps as a program gives them, channels last."""
    return {
        name: draw.normal(size=(images, height, width, channels)).astype(dtype)
        for name, (channels, height, width) in program.outputs.items()
    }


def made_up_boxes(program, images, boxes, draw, dtype=np.float64):
    """Boxes and classes, -1 for none: oblong, outside the image, of no area, the same twice."""
    start = draw.uniform(-20, 90, (images, boxes, 2))
    truth = np.concatenate([start, start + draw.uniform(0.5, 60, (images, boxes, 2))], -1)
    classes = draw.integers(-1, program.spec.head.classes, (images, boxes))
    if boxes > 3:
        truth[:, 1] = truth[:, 0]
        truth[:, 2, 2:] = truth[:, 2, :2]
        truth[:, 3] += 200  # outside
    return truth.astype(dtype), classes
