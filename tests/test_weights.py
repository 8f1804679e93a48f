"""Weights travel between frameworks unchanged, bad files are refused whole, and writing leaves a whole file or the old one."""

import os
import pickle
import shutil
from pathlib import Path

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
SMALLER = lower(loads(DETECTOR.replace("layers: 1", "layers: 0")))
GROWN = lower(loads(DETECTOR.replace("classes: 3", "classes: 4")))
STEM = "stem.conv.kernel"


@pytest.fixture(scope="module")
def every():
    return sample(PROGRAM).weights


@pytest.fixture
def weights(every):
    return {name: array.copy() for name, array in every.items()}


@pytest.fixture(scope="module")
def file_of(tmp_path_factory, every):
    """A file of the weights in some form, written once."""
    folder = tmp_path_factory.mktemp("forms")

    def find(name):
        if name.endswith(("h5", "keras")):
            pytest.importorskip("tensorflow")
        if not (folder / name).exists():
            write_checkpoint(folder / name, PROGRAM, every)
        return folder / name

    yield find
    assert not [path for path in folder.iterdir() if path.name not in FORMS], "a workshop is left"


@pytest.fixture
def copy_of(file_of, tmp_path):
    """The same, to be changed."""
    return lambda name: Path(shutil.copy(file_of(name), tmp_path))


def same(first, second):
    return first.keys() == second.keys() and all(np.array_equal(first[name], second[name]) for name in first)


def refused(path, program=PROGRAM):
    """What is said of a file, which is refused without its library's pages."""
    with pytest.raises(BackendError) as raised:
        read_checkpoint(path, program)
    return str(raised.value)


@pytest.mark.parametrize("name", FORMS)
def test_every_form_gives_back_what_it_was_given(file_of, weights, name):
    assert same(read_checkpoint(file_of(name), PROGRAM), weights)


@pytest.mark.parametrize("name", FORMS)
def test_weights_of_one_size_are_those_of_another(file_of, weights, name):
    other = lower(PROGRAM.spec, 64)
    assert len(other.steps) < len(PROGRAM.steps), "nothing to pad or crop at this size"
    assert same(read_checkpoint(file_of(name), other), weights)


@pytest.mark.parametrize("name", FORMS)
def test_every_form_ends_in_the_same_bytes(file_of, tmp_path, name):
    write_checkpoint(tmp_path / "b.safetensors", PROGRAM, read_checkpoint(file_of(name), PROGRAM))
    assert (tmp_path / "b.safetensors").read_bytes() == file_of("a.safetensors").read_bytes()
    assert spec_named_in(tmp_path / "b.safetensors") == "seeded-detector"


@pytest.mark.parametrize("name", FORMS)
def test_what_is_left_over_missing_or_of_another_shape_is_named_in_every_form(file_of, name):
    gone = PROGRAM.weights.keys() - SMALLER.weights.keys()
    assert len(gone) > 4
    larger, smaller = refused(file_of(name), SMALLER), refused(file_of(name), GROWN)
    for module in {weight.rpartition(".")[0] for weight in gone}:
        assert any(module in line and line.endswith("has no such weight") for line in larger.splitlines()), module
    changed = {each for each in GROWN.weights if GROWN.weights[each] != PROGRAM.weights[each]}
    assert changed
    assert all(f"{each}: expected " in smaller for each in changed)
    assert len(smaller.splitlines()) == 1 + len(changed)
    missing = refused(file_of(name), lower(loads(DETECTOR.replace("layers: 1", "layers: 2"))))
    assert ": missing, expected 16 x 16 x 3 x 3" in missing or ": missing, expected 16 x 1 x 3 x 3" in missing


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
def test_weights_of_another_spec_are_refused(file_of, name):
    assert "these are no weights of seeded-classifier" in refused(file_of(name), lower(loads(CLASSIFIER)))


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
def test_broken_files_are_refused_in_one_line(copy_of, name):
    path = copy_of(name)
    content = path.read_bytes()
    half = len(content) // 2
    turned = bytes(255 - byte for byte in content[: 1 << 12]) + content[1 << 12 :]
    damaged = [b"", b"no weights at all", content[:half], content[:-1000], content[1000:], turned]
    # A .keras archive begins with the model's description, which nobody reads here; its weights are whole in the last two.
    for broken in damaged[: 4 if name.endswith(".keras") else None]:
        path.write_bytes(broken)
        assert len(refused(path).splitlines()) == 1


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


def test_weights_keep_the_mode_of_the_file_that_they_replace(tmp_path, weights):
    path = tmp_path / "a.pt"
    path.write_text("old")
    path.chmod(0o600)
    write_checkpoint(path, PROGRAM, weights)
    assert same(read_checkpoint(path, PROGRAM), weights)
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
