"""Faults that a backend could have, as changes of the source that it generates, and what finds them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Literal, NamedTuple
from unittest import mock

from spinec import Program, loads, lower
from spinec.backends.sample import Sample, sample, without_chance
from spinec.backends.verify import BARS, Course, differences, observed

SPREAD = 3.0  # of the norms' scales: values above six show whether a ReLU6 is one
# Four specs that have every op which blocks are made of.

DETECTOR = """
name: seeded-detector
input: {size: [44, 60]}
stochastic_depth: {rate: 0.2}
defaults: {kind: mbconv}
blocks:
  stem: {level: 1, kind: conv, dim: 8, inputs: [image]}
  b1: {level: 2, dim: 8, inputs: [stem]}
  b2: {level: 3, dim: 16, inputs: [b1]}
  b3: {level: 2, dim: 8, inputs: [b1, b2]}
  b4: {level: 4, kind: residual, dim: 16, activation: relu6, inputs: [b3, b2]}
  b5: {level: 3, kind: bottleneck, dim: 16, activation: gelu, inputs: [{from: b3, down: max_pool}, b4], fuse: {kind: softmax}}
  b6: {level: 4, kind: separable_conv, dim: 16, activation: hard_swish, inputs: [{from: b5, down: avg_pool}, b4], fuse: {kind: concat}}
  b7: {level: 4, kind: fused_mbconv, dim: 16, activation: relu, inputs: [b6, b4], fuse: {kind: sum}}
  b8: {level: 3, dim: 16, inputs: [b5, {from: b7, match: always}]}
outputs: {P2: b3, P3: b8, P4: b7}
endpoints: {dim: 16}
head: {kind: retinanet, dim: 16, layers: 1, classes: 3, anchors: 2}
"""
CLASSIFIER = """
name: seeded-classifier
input: {size: [44, 60]}
padding: same
resample: {down: max_pool, channel_order: block_major}
blocks:
  stem: {level: 1, kind: conv, dim: 8, kernel: 5, inputs: [image]}
  b1: {level: 2, kind: mbconv, dim: 8, kernel: 5, inputs: [stem]}
  b2: {level: 3, kind: identity, dim: 8, inputs: [b1, {from: stem, down: avg_pool}]}
  b3: {level: 3, kind: mbconv, dim: 8, inputs: [b2, {from: b1, down: space_to_depth}]}
outputs: {P2: b1, P3: b3}
endpoints: {dim: 16}
head: {kind: classification, classes: 5, dropout: 0.3}
"""
SEGMENTER = """
name: seeded-segmenter
input: {size: [44, 60]}
blocks:
  stem: {level: 1, kind: conv, dim: 8, inputs: [image]}
  b1: {level: 2, kind: conv, dim: 8, inputs: [stem]}
  b2: {level: 3, kind: conv, dim: 8, inputs: [b1]}
  b3: {level: 2, kind: separable_conv, dim: 8, inputs: [b1, b2], fuse: {kind: attention}}
outputs: {P2: b3, P3: b2}
head: {kind: mask_rcnn, dim: 12, classes: 4, box_layers: 1, mask_layers: 1, hidden: [10], box_size: 3, mask_size: 4, box_crops: 6, mask_crops: 2}
"""
ACTIVATOR = """
name: seeded-activator
input: {size: [20, 28]}
defaults: {kind: conv, dim: 8}
blocks:
  stem: {level: 1, activation: leaky_relu, inputs: [image]}
  b1: {level: 1, activation: elu, inputs: [stem]}
  b2: {level: 2, activation: mish, inputs: [b1]}
  b3: {level: 2, activation: gelu_tanh, inputs: [b2]}
  b4: {level: 2, kind: aspp, rate1: 2, activation: relu, inputs: [b3]}
outputs: {P2: b4}
"""
FINDER = """
name: seeded-finder
input: {size: [44, 60]}
blocks:
  stem: {level: 1, kind: conv, dim: 8, inputs: [image]}
  b1: {level: 2, kind: conv, dim: 8, inputs: [stem]}
  b2: {level: 3, kind: conv, dim: 8, inputs: [b1]}
  b3: {level: 2, kind: conv, dim: 8, inputs: [b1, b2], fuse: {kind: join}}
outputs: {P2: b3, P3: b2}
head: {kind: fcos, dim: 12, layers: 1, groups: 3, classes: 4}
"""
SPECS = {
    "finder": FINDER,
    "detector": DETECTOR,
    "classifier": CLASSIFIER,
    "segmenter": SEGMENTER,
    "activator": ACTIVATOR,
}


class Seed(NamedTuple):
    """A fault: what it is, in which backend and spec, and which text of the source it changes into which."""

    what: str
    backend: str
    spec: str
    old: str
    new: str
    shows: Literal["inference", "training"] = "inference"


SEEDS = (
    Seed("norm epsilon 1e-5 for 1e-3", "pytorch", "detector", "eps=0.001", "eps=1e-05"),
    Seed("norm epsilon a tenth too large", "pytorch", "detector", "eps=0.001", "eps=0.0011"),
    Seed(
        "one norm alone with epsilon 1e-5",
        "pytorch",
        "detector",
        "self.expand_norm = batch_norm(hidden)",
        "self.expand_norm = nn.BatchNorm2d(hidden, momentum=0.01)",
    ),
    Seed(
        "edges repeated for zeros around a convolution",
        "pytorch",
        "detector",
        "stride=2, padding=1, groups=dim",
        'stride=2, padding=1, padding_mode="replicate", groups=dim',
    ),
    Seed("one factor for the distances of all levels", "pytorch", "finder", "self.box_P3(", "self.box_P2("),
    Seed("distances that a softplus makes positive", "pytorch", "finder", "torch.exp(", "F.softplus("),
    Seed(
        "distances times their factor twice", "tensorflow", "finder", "positive(scale(x))", "positive(scale(scale(x)))"
    ),
    Seed("distances that a softplus makes positive", "tensorflow", "finder", '"exponential"', '"softplus"'),
    Seed(
        "inputs joined in another order",
        "pytorch",
        "finder",
        "self.resample1(x1), self.resample2(x2)",
        "self.resample2(x2), self.resample1(x1)",
    ),
    Seed("swish for hard-swish", "pytorch", "detector", "F.hardswish", "F.silu"),
    Seed("relu for relu6", "pytorch", "detector", "F.relu6", "F.relu"),
    Seed("gelu by tanh", "pytorch", "detector", "F.gelu(", 'F.gelu(approximate="tanh", input='),
    Seed("hard sigmoid for the gate", "pytorch", "detector", "torch.sigmoid", "F.hardsigmoid"),
    Seed(
        "space-to-depth in the other channel order",
        "pytorch",
        "detector",
        "nn.PixelUnshuffle(2)",
        "SpaceToDepthOther()",
    ),
    Seed(
        "bilinear for nearest upsampling",
        "pytorch",
        "detector",
        "nn.Upsample(scale_factor=2)",
        'nn.Upsample(scale_factor=2, mode="bilinear")',
    ),
    Seed(
        "crop of the lower right part",
        "pytorch",
        "detector",
        "x[..., : self.height, : self.width]",
        "x[..., -self.height :, -self.width :]",
    ),
    Seed(
        "zeros above and to the left", "pytorch", "detector", "nn.ZeroPad2d((0, 1, 0, 1))", "nn.ZeroPad2d((1, 0, 1, 0))"
    ),
    Seed("fusion epsilon 1e-4 for 1e-3", "pytorch", "detector", "epsilon=0.001", "epsilon=0.0001"),
    Seed(
        "fusion weights not kept non-negative",
        "pytorch",
        "detector",
        "weight = F.relu(self.weight)",
        "weight = self.weight",
    ),
    Seed(
        "fusion weights not normalised",
        "pytorch",
        "detector",
        "weight = weight / (weight.sum() + self.epsilon)",
        "weight = weight / 1",
    ),
    Seed(
        "fusion epsilon added to each weight",
        "pytorch",
        "detector",
        "(weight.sum() + self.epsilon)",
        "(weight + self.epsilon).sum()",
    ),
    Seed("softmax fusion without its softmax", "pytorch", "detector", "self.weight.softmax(0)", "self.weight"),
    Seed(
        "average pooling counts its padding", "pytorch", "detector", "count_include_pad=False", "count_include_pad=True"
    ),
    Seed("a shortcut left out", "pytorch", "detector", "return x + y", "return y"),
    Seed("a gate added, not multiplied", "pytorch", "detector", "return x * y", "return x + y"),
    Seed(
        "operands of a concatenation swapped",
        "pytorch",
        "detector",
        "torch.cat([self.resample1(x1), self.resample2(x2)]",
        "torch.cat([self.resample2(x2), self.resample1(x1)]",
    ),
    Seed("activation after fusion left out", "pytorch", "detector", "x = F.silu(x, inplace=True)", "x = x"),
    Seed(
        "stochastic depth at inference",
        "pytorch",
        "detector",
        "if not self.training or self.rate == 0:",
        "if self.rate == 0:",
    ),
    Seed(
        "a level's norms used for another level",
        "pytorch",
        "detector",
        'self.class_subnet(features["P3"], "P3")',
        'self.class_subnet(features["P3"], "P4")',
    ),
    Seed(
        "symmetric padding for TensorFlow's",
        "pytorch",
        "classifier",
        "left, top = columns // 2, rows // 2",
        "left, top = columns - columns // 2, rows - rows // 2",
    ),
    Seed("zeros around a maximum", "pytorch", "classifier", "value=-math.inf", "value=0.0"),
    Seed("sum for the average of levels", "pytorch", "classifier", ":11, :15]) / 2", ":11, :15]) / 1"),
    Seed("maximum for the mean over the image", "pytorch", "classifier", "x.mean((2, 3))", "x.amax((2, 3))"),
    Seed(
        "classifier without bias",
        "pytorch",
        "classifier",
        "self.classify(self.dropout(x",
        "(lambda v: self.classify(v) - self.classify.bias)(self.dropout(x",
    ),
    Seed(
        "norm epsilon of the framework's default",
        "tensorflow",
        "detector",
        "epsilon=0.001, name=",
        "epsilon=0.0001, name=",
    ),
    Seed(
        "TensorFlow's padding for a symmetric one",
        "tensorflow",
        "detector",
        'uneven = padding == "symmetric" and strides > 1 and kernel_size > 1',
        "uneven = False",
    ),
    Seed(
        "all zeros behind the map",
        "tensorflow",
        "detector",
        "layers.ZeroPadding2D(amount,",
        "layers.ZeroPadding2D(((0, 2 * amount), (0, 2 * amount)),",
    ),
    Seed("space-to-depth in the other order", "tensorflow", "detector", "(5, 2, 4) if", "(2, 4, 5) if"),
    Seed("rows and columns of space-to-depth swapped", "tensorflow", "detector", "(5, 2, 4) if", "(5, 4, 2) if"),
    Seed(
        "bilinear for nearest upsampling",
        "tensorflow",
        "detector",
        "layers.UpSampling2D(2",
        'layers.UpSampling2D(2, interpolation="bilinear"',
    ),
    Seed(
        "crop of the upper rows",
        "tensorflow",
        "detector",
        "layers.Cropping2D(((0, 1), (0, 1))",
        "layers.Cropping2D(((1, 0), (0, 1))",
    ),
    Seed(
        "fusion epsilon 1e-4 for 1e-3",
        "tensorflow",
        "detector",
        "WeightedSum(epsilon=0.001",
        "WeightedSum(epsilon=0.0001",
    ),
    Seed(
        "gelu by tanh",
        "tensorflow",
        "detector",
        "0.5 * x * (1 + ops.erf(x * math.sqrt(0.5)))",
        "ops.gelu(x, approximate=True)",
    ),
    Seed("swish for hard-swish", "tensorflow", "detector", '"hard_silu"', '"silu"'),
    Seed("averages that count their padding", "tensorflow", "detector", "self.strides) / share", "self.strides)"),
    Seed("zeros around a maximum", "tensorflow", "detector", "constant_values=-math.inf", "constant_values=0.0"),
    Seed("a maximum of another window", "tensorflow", "classifier", "pool_size=3", "pool_size=2"),
    Seed("average for the sum of a shortcut", "tensorflow", "detector", "add = layers.Add(", "add = layers.Average("),
    Seed("sum for the average of levels", "tensorflow", "classifier", "layers.Average(", "layers.Add("),
    Seed(
        "a crop flattened position by position",
        "pytorch",
        "segmenter",
        "x.flatten(start_dim=1)",
        "x.permute(0, 2, 3, 1).flatten(start_dim=1)",
    ),
    Seed(
        "a crop flattened position by position",
        "tensorflow",
        "segmenter",
        "ops.transpose(x, (0, 3, 1, 2))",
        "ops.transpose(x, (0, 1, 2, 3))",
    ),
    Seed(
        "rows and columns of a transposed convolution swapped",
        "pytorch",
        "segmenter",
        "stride=factor, bias=bias)",
        """stride=factor, bias=bias)

    def forward(self, x):
        return F.conv_transpose2d(x, self.weight.transpose(2, 3), self.bias, self.stride)
""",
    ),
    Seed("mean for the maximum in attention", "pytorch", "segmenter", ".amax(", ".mean("),
    Seed(
        "mean for the maximum in attention", "tensorflow", "segmenter", "GlobalMaxPooling2D", "GlobalAveragePooling2D"
    ),
    Seed("relu for a leaky one", "pytorch", "activator", "F.leaky_relu(", "F.relu("),
    Seed("a slope of 0.011 for 0.01", "tensorflow", "activator", "LeakyReLU(0.01,", "LeakyReLU(0.011,"),
    Seed("selu for elu", "pytorch", "activator", "F.elu(", "F.selu("),
    Seed("swish for mish", "tensorflow", "activator", '"mish"', '"silu"'),
    Seed("gelu for its approximation", "pytorch", "activator", ', approximate="tanh"', ""),
    Seed("another constant in the approximation", "tensorflow", "activator", "0.044715", "0.045"),
    Seed(
        "a mean in one corner of the map alone",
        "pytorch",
        "activator",
        "pixel.expand(-1, -1, *x.shape[2:])",
        "F.pad(pixel, (0, x.shape[3] - 1, 0, x.shape[2] - 1))",
    ),
    Seed("gaps of one size for all", "tensorflow", "activator", "dilation_rate=rate", "dilation_rate=2"),
    Seed(
        "twice the mean",
        "tensorflow",
        "activator",
        "ops.repeat(ops.repeat(pixel, height, axis=1), width, axis=2)",
        "ops.repeat(pixel, x.shape[1], axis=1) * ops.ones_like(x[..., :1]) * 2",
    ),
    Seed("momentum 0.9 for 0.99", "pytorch", "detector", "NORM_MOMENTUM = 0.01", "NORM_MOMENTUM = 0.1", "training"),
    Seed(
        "momentum for its complement", "pytorch", "detector", "NORM_MOMENTUM = 0.01", "NORM_MOMENTUM = 0.99", "training"
    ),
    Seed(
        "half the gradient of a gate",
        "pytorch",
        "detector",
        "return x * y",
        "return x * (y + y.detach()) / 2",
        "training",
    ),
    Seed(
        "no gradient through the normaliser",
        "pytorch",
        "detector",
        "(weight.sum() + self.epsilon)",
        "(weight.sum().detach() + self.epsilon)",
        "training",
    ),
    Seed("momentum 0.9 for 0.99", "tensorflow", "detector", "NORM_MOMENTUM = 0.99", "NORM_MOMENTUM = 0.9", "training"),
    Seed(
        "momentum for its complement",
        "tensorflow",
        "classifier",
        "NORM_MOMENTUM = 0.99",
        "NORM_MOMENTUM = 0.01",
        "training",
    ),
    Seed(
        "half the gradient through a softmax",
        "tensorflow",
        "detector",
        "ops.softmax(self.weight)",
        "ops.softmax(0.5 * self.weight + 0.5 * ops.stop_gradient(self.weight))",
        "training",
    ),
    Seed(
        "the gradient of a fusion weight where it is below zero",
        "tensorflow",
        "detector",
        "weight = ops.relu(self.weight)",
        "weight = ops.stop_gradient(ops.relu(self.weight) - self.weight) + self.weight",
        "training",
    ),
)
# What the faulty PyTorch source needs and the right one does not define.
OTHER_ORDER = """
class SpaceToDepthOther(nn.Module):
    def forward(self, x):
        b, c, h, w = x.shape
        return x.view(b, c, h // 2, 2, w // 2, 2).permute(0, 3, 5, 1, 2, 4).reshape(b, 4 * c, h // 2, w // 2)
"""


class Finding(NamedTuple):
    """By what a fault was caught: where it shows most, how much, and the bar."""

    value: str
    error: float
    bar: float


def find(seed: Seed) -> Finding:
    """The largest difference, in units of its bar, between a right backend and one with the fault."""
    live = import_module(f"spinec.backends.{seed.backend}.live")
    spec = loads(SPECS[seed.spec])
    program = lower(without_chance(spec) if seed.shows == "training" else spec)
    source = live.emit(program)
    assert seed.old in source, f"the source has no {seed.old!r} to change"
    changed = source.replace(seed.old, seed.new) + (OTHER_ORDER if "SpaceToDepthOther" in seed.new else "")
    with _registry_as_it_is(seed.backend):
        return _found(seed, live, program, changed)


def _found(seed: Seed, live: ModuleType, program: Program, changed: str) -> Finding:
    if seed.shows == "training":
        with mock.patch.object(live, "emit", return_value=changed):
            worst = Course(program, steps=1, batch=4).compare().worst
        found = [Finding(f"{each.value} ({what})", each.error, bar) for what, (each, bar) in worst.items()]
    else:
        given, right = _right(seed.spec)
        with mock.patch.object(live, "emit", return_value=changed):
            wrong = observed(seed.backend, program, given)
        found = [Finding(each.value, each.error, BARS["float32"]) for each in differences(right, wrong)]
    return max(found, key=lambda each: each.error / each.bar)


@contextmanager
def _registry_as_it_is(backend: str) -> Iterator[None]:
    """Keras finds the classes of a file that it loads by their names: not those with a fault, once they are gone."""
    if backend != "tensorflow":
        yield
        return
    import keras

    import_module("spinec.backends.tensorflow.prelude")  # which registers what has no fault
    known = keras.saving.get_custom_objects()
    before = dict(known)
    yield
    known.clear()
    known.update(before)


@cache
def _right(spec: str) -> tuple[Sample, dict[str, object]]:
    program = lower(loads(SPECS[spec]))
    given = sample(program, spread=SPREAD)
    return given, observed("pytorch", program, given)
