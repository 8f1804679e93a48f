"""Weights travel between frameworks unchanged, bad files are refused whole, and writing leaves a whole file or the old one."""

import itertools
import os
import pickle

import numpy as np
import pytest
from seeded_faults import CLASSIFIER, DETECTOR

from spinec import BackendError, loads, lower
from spinec.backends.checkpoints import read_checkpoint, spec_named_in, write_checkpoint
from spinec.backends.sample import sample
from spinec.spec.files import whole, write_whole

torch = pytest.importorskip("torch")
safetensors = pytest.importorskip("safetensors.numpy")

PROGRAM = lower(loads(DETECTOR))
FORMS = ["a.safetensors", "a.pt", "a.pth", "a.weights.h5", "a.keras"]


@pytest.fixture
def weights():
    return sample(PROGRAM).weights


def same(first, second):
    return first.keys() == second.keys() and all(np.array_equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize("name", FORMS)
def test_every_form_gives_back_what_it_was_given(tmp_path, weights, name):
    if name.endswith(("h5", "keras")):
        pytest.importorskip("tensorflow")
    write_checkpoint(tmp_path / name, PROGRAM, weights)
    assert same(read_checkpoint(tmp_path / name, PROGRAM), weights)
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", FORMS)
def test_weights_of_one_size_are_those_of_another(tmp_path, weights, name):
    if name.endswith(("h5", "keras")):
        pytest.importorskip("tensorflow")
    other = lower(PROGRAM.spec, 64)
    assert len(other.steps) < len(PROGRAM.steps), "nothing to pad or crop at this size"
    write_checkpoint(tmp_path / name, PROGRAM, weights)
    assert same(read_checkpoint(tmp_path / name, other), weights)


def test_a_journey_through_all_forms_ends_in_the_same_bytes(tmp_path, weights):
    pytest.importorskip("tensorflow")
    paths = [tmp_path / f"{i}{form[1:]}" for i, form in enumerate([*FORMS, "a.safetensors"])]
    write_checkpoint(paths[0], PROGRAM, weights)
    for source, target in itertools.pairwise(paths):
        write_checkpoint(target, PROGRAM, read_checkpoint(source, PROGRAM))
    assert paths[-1].read_bytes() == paths[0].read_bytes()
    assert spec_named_in(paths[0]) == "seeded-detector"


@pytest.mark.parametrize("name", ["a.pt", "a.safetensors"])
def test_a_state_dict_loads_strictly_into_the_module(tmp_path, weights, name):
    from spinec import build

    write_checkpoint(tmp_path / name, PROGRAM, weights, layout="pytorch")
    load_file = pytest.importorskip("safetensors.torch").load_file
    state = torch.load(tmp_path / name) if name.endswith("pt") else load_file(tmp_path / name)
    build(PROGRAM).load_state_dict(state, strict=True)
    assert same(read_checkpoint(tmp_path / name, PROGRAM), weights)


def test_one_error_names_everything_that_does_not_fit(tmp_path, weights):
    del weights["b1.expand_conv.kernel"]
    weights["stem.conv.kernel"] = weights["stem.conv.kernel"][:, :, :1]
    weights["nobody"] = np.zeros(3)
    target = tmp_path / "a.safetensors"
    target.write_bytes(b"old")
    with pytest.raises(BackendError) as raised:
        write_checkpoint(target, PROGRAM, weights)
    message = str(raised.value)
    assert "b1.expand_conv.kernel: missing, expected 48 x 8 x 1 x 1" in message
    assert "stem.conv.kernel: expected 8 x 3 x 3 x 3, got 8 x 3 x 1 x 3" in message
    assert "nobody: seeded-detector has no such weight" in message
    assert target.read_bytes() == b"old"


@pytest.mark.parametrize("name", FORMS)
def test_weights_of_another_spec_are_refused(tmp_path, name):
    if name.endswith(("h5", "keras")):
        pytest.importorskip("tensorflow")
    other = lower(loads(CLASSIFIER))
    write_checkpoint(tmp_path / name, other, sample(other).weights)
    with pytest.raises(BackendError):
        read_checkpoint(tmp_path / name, PROGRAM)


class Harmful:
    def __reduce__(self):
        return os.system, ("touch harmed",)


def test_pickled_code_never_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plain.pt").write_bytes(pickle.dumps({"weight": Harmful()}))
    torch.save({"weight": Harmful()}, tmp_path / "saved.pt")
    for name in ("plain.pt", "saved.pt"):
        with pytest.raises(BackendError, match="not a plain state dict"):
            read_checkpoint(tmp_path / name, PROGRAM)
    assert not (tmp_path / "harmed").exists()


@pytest.mark.parametrize("name", FORMS)
def test_broken_files_are_refused(tmp_path, weights, name):
    if name.endswith(("h5", "keras")):
        pytest.importorskip("tensorflow")
    write_checkpoint(tmp_path / name, PROGRAM, weights)
    content = (tmp_path / name).read_bytes()
    for broken in (b"", b"no weights at all", content[: len(content) // 2]):
        (tmp_path / name).write_bytes(broken)
        with pytest.raises(BackendError):
            read_checkpoint(tmp_path / name, PROGRAM)


@pytest.mark.parametrize("options", [[], ["--spec", "eff-spinenet-m0"]])
@pytest.mark.parametrize("name", ["a.txt", *FORMS])
def test_a_file_that_is_not_there_is_called_so(tmp_path, name, options, spinec):
    code, _, err = spinec("weights", "convert", tmp_path / name, tmp_path / "b.pt", *options)
    assert code == 1
    assert f"{name}: no such file" in err


@pytest.mark.parametrize("call", ["replace", "fsync"])
def test_an_interrupted_write_leaves_the_old_file(tmp_path, weights, monkeypatch, call):
    target = tmp_path / "a.safetensors"
    target.write_bytes(b"old")

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, call, fail)
    with pytest.raises(OSError, match="No space"):
        write_checkpoint(target, PROGRAM, weights)
    assert target.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.safetensors"]


def test_write_whole_keeps_the_mode_and_replaces_the_content(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    path.chmod(0o600)
    write_whole(path, "new")
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_folder_replaces_a_folder_whole(tmp_path):
    target = tmp_path / "model"
    for text in ("one", "two"):
        with whole(target) as made:
            made.mkdir()
            (made / "part").write_text(text)
    assert (target / "part").read_text() == "two"
    with pytest.raises(KeyboardInterrupt):
        write_and_stop(target)
    assert (target / "part").read_text() == "two"
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def write_and_stop(target):
    with whole(target) as made:
        made.mkdir()
        raise KeyboardInterrupt
