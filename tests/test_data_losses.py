"""What batches give is what the losses of generated source take, in both frameworks, and both say the same of it."""

import inspect

import coco_sets
import numpy as np
import pytest

from spinec import emit, load, loads, lower, open_data
from spinec.backends.live import import_source
from spinec.train.data.augment import Jitter
from spinec.train.data.batches import Endless

TINY = """
name: tiny
input: {size: 64}
blocks:
  a: {level: 3, kind: conv, dim: 8, inputs: [image]}
  b: {level: 4, kind: conv, dim: 8, inputs: [a]}
outputs: {P3: a, P4: b}
head: {kind: retinanet, dim: 8, layers: 1, classes: 3}
"""


@pytest.mark.parametrize(
    "name", ["eff-spinenet-d0", "eff-spinenet-d0-segmentation", "efficientnet-b0", "eff-spinenet-d0-mask-rcnn"]
)
def test_targets_have_the_names_that_losses_take(name):
    pytest.importorskip("torch")
    program = lower(load(name))
    loss = import_source(emit(program, "pytorch", ["loss"]), program.name).loss
    taken = [each for each in inspect.signature(loss).parameters if each in ("boxes", "classes", "masks")]
    kind = program.spec.head.kind
    expected = {"mask_rcnn": ["boxes", "classes", "masks"], "retinanet": ["boxes", "classes"]}.get(kind, ["classes"])
    assert taken == expected


def test_both_frameworks_say_the_same_of_a_batch(tmp_path):
    torch, tf, _ = map(pytest.importorskip, ("torch", "tensorflow", "PIL.Image"))
    program = lower(loads(TINY))
    data = open_data(coco_sets.write(tmp_path), head=program.spec.head)
    batch = Endless(data, Jitter(program.size, (0.5, 2.0)), 4, seed=1)[3]
    assert (batch.classes > 0).sum() > 3  # 0 is the background
    draw = np.random.default_rng(0)
    maps = {}
    for level, cells in (("P3", 8), ("P4", 4)):
        for kind, channels in (("class", 9 * 3), ("box", 9 * 4)):
            maps[f"{kind}_{level}"] = draw.normal(0, 1, (4, cells, cells, channels)).astype(np.float32)
    losses = {}
    for backend, tensor, axes in (
        ("pytorch", torch.from_numpy, (0, 3, 1, 2)),
        ("tensorflow", tf.constant, (0, 1, 2, 3)),
    ):
        source = import_source(emit(program, backend, ["loss"]), f"tiny_{backend}")
        outputs = {name: tensor(np.ascontiguousarray(each.transpose(axes))) for name, each in maps.items()}
        targets = {name: tensor(each) for name, each in batch.targets.items()}
        losses[backend] = {name: float(each) for name, each in source.loss(outputs, **targets).items()}
    assert losses["pytorch"] == pytest.approx(losses["tensorflow"], rel=1e-5)
    assert losses["pytorch"]["box"] > 0
