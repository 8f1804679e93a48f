"""Exported models give what the live ones give, for any batch."""

import numpy as np
import pytest
from exported import RUNTIMES
from seeded_faults import ACTIVATOR, CLASSIFIER, DETECTOR, FINDER

from spinec import BackendError, emit, loads, lower
from spinec.backends.any_size import of_any_size
from spinec.backends.backend import backend
from spinec.backends.checkpoints import write_checkpoint
from spinec.backends.export import export_model
from spinec.backends.sample import sample
from spinec.backends.verify import BARS

pytest.importorskip("torch")

REGIONS = """
name: regions
input: {size: 32}
blocks:
  b1: {level: 2, kind: conv, dim: 8, inputs: [image]}
outputs: {P2: b1}
head: {kind: mask_rcnn, dim: 8, classes: 3, box_layers: 1, mask_layers: 1, hidden: [6], box_size: 3, mask_size: 2}
"""
SPECS = {"detector": DETECTOR, "classifier": CLASSIFIER, "regions": REGIONS, "finder": FINDER}


@pytest.fixture(params=SPECS)
def exported(request, tmp_path):
    """A function that exports with random weights; what the file and what the live model make of some inputs."""
    return Exports(SPECS[request.param], tmp_path)


class Exports:
    """Files of a network with random weights, and what they and the live network make of images of some size."""

    def __init__(self, text, folder):
        self.spec, self.folder = loads(text), folder
        program = lower(self.spec)
        self.weights = sample(program).weights
        write_checkpoint(folder / "weights.safetensors", program, self.weights)

    def write(self, form, **options):
        for module in RUNTIMES[form].needs:
            pytest.importorskip(module)
        path = self.folder / f"model{RUNTIMES[form].ending}"
        return path, export_model(lower(self.spec), form, path, self.folder / "weights.safetensors", **options)

    def agree(self, form, path, size=None):
        program, owner = lower(self.spec, size), backend(RUNTIMES[form].backend)
        random = np.random.default_rng(3)
        batches = {name: 3 if name == "image" else 5 for name in program.inputs}  # crops are in batches of their own
        inputs = {
            name: random.normal(size=(batches[name], *given.shape)).astype("float32")
            for name, given in program.inputs.items()
        }
        live = owner.build(program)
        owner.write_weights(live, program, self.weights)
        seen = owner.observe(live, program, inputs)
        results = RUNTIMES[form].run(program, path, inputs)
        for name, value in program.graph.outputs.items():
            assert results[name].shape == seen[value].shape
            assert np.abs(results[name] - seen[value]).max() <= BARS["float32"] * np.abs(seen[value]).max(), name


@pytest.mark.parametrize("form", RUNTIMES)
def test_an_exported_file_gives_what_the_live_model_gives(exported, form):
    path, program = exported.write(form)
    assert program.multiple == 0
    exported.agree(form, path)


ATTENTION = """
name: attention
input: {size: 32}
defaults: {kind: conv, dim: 12}
blocks:
  b1: {level: 2, inputs: [image]}
  b2: {level: 3, kind: transformer, heads: 2, inputs: [b1]}
  b3: {level: 3, kind: shufflenet_v2, inputs: [b2]}
outputs: {P3: b3}
head: {kind: deeplab, dim: 8, classes: 3}
"""
SAME = """
name: same
input: {size: 32}
padding: same
defaults: {dim: 8}
blocks:
  b1: {level: 1, kind: conv, inputs: [image]}
  b2: {level: 2, kind: bottleneck, average: true, inputs: [b1]}
  b3: {level: 3, kind: conv, kernel: [3, 5], inputs: [b2]}
outputs: {P3: b3}
"""
MULTIPLES = {"detector": (DETECTOR, 16), "regions": (REGIONS, 1), "finder": (FINDER, 8), "classifier": (CLASSIFIER, 8)}
MULTIPLES |= {"activator": (ACTIVATOR, 1), "same": (SAME, 1), "attention": (ATTENTION, 8)}


@pytest.mark.parametrize(
    ("name", "form"),
    [(name, form) for name in MULTIPLES for form in ("onnx", "savedmodel")]
    + [("detector", "torch-export"), ("same", "torch-export")],
)
def test_a_dynamic_file_takes_images_of_the_multiples_it_says(name, form, tmp_path):
    text, multiple = MULTIPLES[name]
    exported = Exports(text, tmp_path)
    path, program = exported.write(form, dynamic=True)
    assert program.multiple == multiple
    odd = 3 if multiple == 1 else 0
    for size in ((32, 64), (80 + odd, 48), (64 - odd, 112 + odd)):
        exported.agree(form, path, size)


def test_a_multiple_is_the_least_at_which_no_map_is_cut_off():
    pyramid = """
name: pyramid
input: {size: 64}
defaults: {kind: conv, dim: 4}
blocks:
  p2: {level: 2, inputs: [image]}
  p3: {level: 3, inputs: [p2]}
  p4: {level: 4, inputs: [p3]}
  p5: {level: 5, inputs: [p4]}
  up: {level: 2, inputs: [p2, UP]}
outputs: {P2: up, P5: p5}
"""
    assert of_any_size(lower(loads(pyramid.replace(", UP", ""))), emit).multiple == 1
    for top, multiple in (("p3", 8), ("p4", 16), ("p5", 32)):
        program = of_any_size(lower(loads(pyramid.replace("UP", top))), emit)
        assert program.multiple == multiple
        sides = {step.op for step in program.steps}
        for rows, columns in ((1, 1), (3, 2), (7, 5)):
            size = (rows * multiple, columns * multiple)
            assert sides == {step.op for step in lower(program.spec, size).steps}


def test_a_network_that_is_another_one_at_another_size_is_refused():
    program = lower(loads(CLASSIFIER))
    with pytest.raises(BackendError, match=r"seeded-classifier at another input size is another network, so a file of"):
        of_any_size(program, lambda program: f"size = {program.size}")


@pytest.mark.parametrize("form", ["keras", "tflite"])
def test_a_form_of_one_size_is_refused(form, tmp_path):
    with pytest.raises(BackendError, match=f"form '{form}' takes images of one size; expected one of: onnx, torch-exp"):
        export_model(lower(loads(CLASSIFIER)), form, tmp_path / "model", dynamic=True)
    assert not list(tmp_path.iterdir())


def test_an_unknown_form_is_refused(tmp_path):
    with pytest.raises(BackendError, match="did you mean 'onnx'"):
        export_model(lower(loads(CLASSIFIER)), "onxn", tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())
