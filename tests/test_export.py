"""Exported models give what the live ones give, for any batch."""

import numpy as np
import pytest
from exported import RUNTIMES
from seeded_faults import CLASSIFIER, DETECTOR, FINDER

from spinec import BackendError, loads, lower
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
    program = lower(loads(SPECS[request.param]))
    weights = sample(program).weights
    write_checkpoint(tmp_path / "weights.safetensors", program, weights)
    random = np.random.default_rng(3)
    batches = {name: 3 if name == "image" else 5 for name in program.inputs}  # crops are in batches of their own
    inputs = {
        name: random.normal(size=(batches[name], *given.shape)).astype("float32")
        for name, given in program.inputs.items()
    }

    def run(form):
        owner, ending, needs, run_file = RUNTIMES[form]
        for module in needs:
            pytest.importorskip(module)
        path = tmp_path / f"model{ending}"
        export_model(program, form, path, tmp_path / "weights.safetensors")
        live = backend(owner).build(program)
        backend(owner).write_weights(live, program, weights)
        seen = backend(owner).observe(live, program, inputs)
        return run_file(program, path, inputs), {key: seen[value] for key, value in program.graph.outputs.items()}

    return run


@pytest.mark.parametrize("form", RUNTIMES)
def test_an_exported_file_gives_what_the_live_model_gives(exported, form):
    results, expected = exported(form)
    for name, value in expected.items():
        assert results[name].shape == value.shape
        assert np.abs(results[name] - value).max() <= BARS["float32"] * np.abs(value).max(), name


def test_an_unknown_form_is_refused(tmp_path):
    with pytest.raises(BackendError, match="did you mean 'onnx'"):
        export_model(lower(loads(CLASSIFIER)), "onxn", tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())
