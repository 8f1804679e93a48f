"""Exported models give what the live ones give, for any batch."""

import numpy as np
import pytest
from seeded_faults import CLASSIFIER, DETECTOR

from spinec import BackendError, loads, lower
from spinec.backends.backend import backend
from spinec.backends.checkpoints import write_checkpoint
from spinec.backends.export import export_model
from spinec.backends.verify import BARS, sample

pytest.importorskip("torch")

SPECS = {"detector": DETECTOR, "classifier": CLASSIFIER}


@pytest.fixture(params=SPECS)
def exported(request, tmp_path):
    """A function that exports with random weights and gives the program, the path, images and what the live model makes of them."""
    program = lower(loads(SPECS[request.param]))
    weights = sample(program).weights
    write_checkpoint(tmp_path / "weights.safetensors", program, weights)
    images = np.random.default_rng(3).normal(size=(3, *program.input_shape)).astype("float32")

    def run(form, name, owner):
        export_model(program, form, tmp_path / name, tmp_path / "weights.safetensors")
        live = backend(owner).build(program)
        backend(owner).write_weights(live, program, weights)
        seen = backend(owner).observe(live, program, images)
        return program, tmp_path / name, images, {key: seen[value] for key, value in program.graph.outputs.items()}

    return run


def assert_equal(results, expected):
    for name, value in expected.items():
        assert results[name].shape == value.shape
        assert np.abs(results[name] - value).max() <= BARS["float32"] * np.abs(value).max(), name


def test_onnx(exported):
    ort = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    _, path, images, expected = exported("onnx", "model.onnx", "pytorch")
    session = ort.InferenceSession(path)
    names = [output.name for output in session.get_outputs()]
    assert_equal(dict(zip(names, session.run(None, {"image": images}), strict=True)), expected)


def test_torch_export(exported):
    import torch

    program, path, images, expected = exported("torch-export", "model.pt2", "pytorch")
    results = torch.export.load(path).module()(torch.tensor(images))
    named = results if isinstance(results, dict) else dict(zip(program.outputs, [results], strict=True))
    assert_equal({name: value.detach().numpy() for name, value in named.items()}, expected)


def test_saved_model(exported):
    tf = pytest.importorskip("tensorflow")
    program, path, images, expected = exported("savedmodel", "model", "tensorflow")
    served = tf.saved_model.load(path)  # kept, since its functions do not keep its variables alive
    results = served.serve(np.moveaxis(images, 1, -1))
    assert_equal(channels_first(program, results), expected)


def test_keras(exported):
    pytest.importorskip("tensorflow")
    import keras

    program, path, images, expected = exported("keras", "model.keras", "tensorflow")
    results = keras.saving.load_model(path)(np.moveaxis(images, 1, -1), training=False)
    assert_equal(channels_first(program, results), expected)


def channels_first(program, results):
    named = results if isinstance(results, dict) else dict(zip(program.outputs, [results], strict=True))
    arrays = {name: np.asarray(value) for name, value in named.items()}
    return {name: np.moveaxis(array, -1, 1) if array.ndim == 4 else array for name, array in arrays.items()}


def test_an_unknown_form_is_refused(tmp_path):
    with pytest.raises(BackendError, match="did you mean 'onnx'"):
        export_model(lower(loads(CLASSIFIER)), "onxn", tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())
