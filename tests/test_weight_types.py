"""What a file's arrays may hold: real numbers, which become float32; all else is named and refused, and so are bombs."""

from __future__ import annotations

import zipfile
from functools import partial

import numpy as np
import pytest
from seeded_faults import DETECTOR

from spinec import BackendError, loads, lower
from spinec.backends.checkpoints import open_checkpoint, read_checkpoint, write_checkpoint
from spinec.backends.weights import most_bytes

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")

from safetensors.torch import save_file  # noqa: E402

from spinec.backends.backend import build  # noqa: E402

PROGRAM = lower(loads(DETECTOR))
MODEL = build(PROGRAM)
STEM = "stem.conv.weight"  # in PyTorch's own names
SHAPE = (8, 3, 3, 3)


def refused(path):
    with pytest.raises(BackendError) as raised:
        read_checkpoint(path, PROGRAM)
    return str(raised.value)


def state_with(change):
    """A state dict in which one tensor is changed."""
    return {name: change(value) if name == STEM else value for name, value in MODEL.state_dict().items()}


@pytest.fixture(params=["a.pt", "a.safetensors"])
def saved(request, tmp_path):
    """A function that saves a state dict."""

    def save(state):
        path = tmp_path / request.param
        save_file(
            {name: value.contiguous() for name, value in state.items()}, path
        ) if path.suffix == ".safetensors" else torch.save(state, path)
        return path

    return save


@pytest.mark.parametrize("name", ["float16", "bfloat16", "float64"])
def test_real_numbers_of_any_width_become_float32(saved, name):
    held = {
        key: value.to(getattr(torch, name)) for key, value in MODEL.state_dict().items() if value.is_floating_point()
    }
    weights, types = open_checkpoint(saved(held), PROGRAM)
    assert types == {name: len(held)}
    assert {array.dtype.name for array in weights.values()} == {"float32"}
    assert np.array_equal(weights["stem.conv.kernel"], held[STEM].float().numpy())


@pytest.mark.parametrize("name", ["float8_e4m3fn", "float8_e5m2", "bool", "int8", "uint8", "int64", "complex64"])
def test_other_numbers_are_refused_by_name(saved, name):
    said = refused(saved(state_with(lambda value: value.to(getattr(torch, name))))).splitlines()
    assert len(said) == 2
    assert "stem.conv.kernel: expected float32 or float64 or float16 or bfloat16, got " in said[1]


@pytest.mark.parametrize(
    ("kind", "change"),
    {
        "sparse": lambda value: value.to_sparse(),
        "meta": lambda value: value.to("meta"),
        "quantized": lambda value: torch.quantize_per_tensor(value, 0.1, 0, torch.qint8),
    }.items(),
)
@pytest.mark.filterwarnings("ignore::UserWarning")  # PyTorch's, of its own future
def test_tensors_without_plain_numbers_are_refused_by_name(tmp_path, kind, change):
    torch.save(state_with(change), tmp_path / "a.pt")
    said = refused(tmp_path / "a.pt").splitlines()
    assert len(said) == 2
    assert f"stem.conv.kernel: expected float32 or float64 or float16 or bfloat16, got {kind} " in said[1]


def test_parameters_are_read_as_their_values(tmp_path):
    torch.save(dict(MODEL.named_parameters()) | dict(MODEL.named_buffers()), tmp_path / "a.pt")
    assert np.array_equal(
        read_checkpoint(tmp_path / "a.pt", PROGRAM)["stem.conv.kernel"], MODEL.state_dict()[STEM].numpy()
    )


@pytest.mark.parametrize(
    ("state", "says"),
    [
        ([torch.zeros(1)], "got a list"),
        ({5: torch.zeros(1)}, "5 of type int is a Tensor"),
        ({STEM: 5}, "'stem.conv.weight' of type str is a int"),
        ({"state_dict": {STEM: torch.zeros(1)}}, "'state_dict' of type str is a dict"),
    ],
)
def test_what_is_no_state_dict_is_called_what_it_is(tmp_path, state, says):
    torch.save(state, tmp_path / "a.pt")
    said = refused(tmp_path / "a.pt")
    assert "expected a state dict, names and tensors" in said
    assert said.endswith(says)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda value: value * float("nan"), "216 of 216 values are not finite"),
        (lambda value: value.masked_fill(value == value.max(), float("inf")), "1 of 216 values are not finite"),
        (lambda value: torch.full_like(value, 1e300, dtype=torch.float64), "216 of 216 values are not finite"),
    ],
)
def test_values_that_are_no_numbers_are_counted_and_refused(saved, change, says):
    assert f"stem.conv.kernel: {says} in float32" in refused(saved(state_with(change)))


def test_a_counter_of_no_norm_is_left_over(saved):
    state = {**MODEL.state_dict(), "nobody.num_batches_tracked": torch.tensor(0)}
    assert "nobody.num_batches_tracked: seeded-detector has no such weight" in refused(saved(state))


def test_one_name_for_two_tensors_is_refused(saved):
    state = {**MODEL.state_dict(), "stem.conv.kernel": torch.zeros(SHAPE)}
    assert "stem.conv.kernel (twice): seeded-detector has no such weight" in refused(saved(state))


def test_the_command_states_what_it_rounds(tmp_path, spinec):
    (spec := tmp_path / "spec.yaml").write_text(DETECTOR)
    torch.save(
        {name: value.double() if value.is_floating_point() else value for name, value in MODEL.state_dict().items()},
        tmp_path / "a.pt",
    )
    code, out, _ = spinec("weights", "convert", tmp_path / "a.pt", tmp_path / "b.safetensors", "--spec", spec)
    assert code == 0
    assert f"{len(PROGRAM.weights) + len(PROGRAM.state)} arrays of float64, rounded to float32" in out


@pytest.mark.parametrize(("name", "member"), [("a.pt", "archive/data/0"), ("a.keras", "model.weights.h5")])
def test_a_zip_that_unpacks_to_far_more_is_refused_before_it_does(tmp_path, monkeypatch, name, member):
    if name == "a.keras":
        pytest.importorskip("tensorflow")
    size = most_bytes(PROGRAM) + 1
    with zipfile.ZipFile(tmp_path / name, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr(member, bytes(size))
    assert (tmp_path / name).stat().st_size < size / 100
    for owner, reads in ((zipfile.ZipFile, "read"), (torch, "load")):
        monkeypatch.setattr(owner, reads, lambda *_, **__: pytest.fail("it is unpacked"))
    assert f"unpacks to {size:,} bytes; expected {size - 1:,} at most" in refused(tmp_path / name)


@pytest.fixture(scope="module")
def keras_file(tmp_path_factory):
    pytest.importorskip("tensorflow")
    path = tmp_path_factory.mktemp("keras") / "a.weights.h5"
    write_checkpoint(
        path, PROGRAM, {name: np.zeros(shape) for name, shape in (PROGRAM.weights | PROGRAM.state).items()}
    )
    return path


@pytest.fixture
def changed(keras_file, tmp_path):
    """A function that lets a Keras file be changed: what is said of it then."""
    import h5py

    def change(edit):
        path = tmp_path / "a.weights.h5"
        path.write_bytes(keras_file.read_bytes())
        with h5py.File(path, "r+") as file:
            edit(file, file["layers/conv2d/vars"])
        return path

    return change


def instead(_, group, **settings):
    del group["0"]
    group.create_dataset("0", **settings)


def linked(to, _, group):
    del group["0"]
    group["0"] = to


KERNEL = (3, 3, 3, 8)
OTHER_ARRAYS = {
    "int8": {"shape": KERNEL, "dtype": "i1"},
    "bool": {"shape": KERNEL, "dtype": "?"},
    "complex64": {"shape": KERNEL, "dtype": "c8"},
    "object": {"data": "text"},
    "external float32": {"shape": KERNEL, "dtype": "f4", "external": [("elsewhere", 0, 864)]},
    "in chunks of": {"shape": KERNEL, "dtype": "f4", "maxshape": (None,) * 4, "chunks": (512, 512, 64, 8)},
}


@pytest.mark.parametrize("held", OTHER_ARRAYS)
def test_other_arrays_in_keras_files_are_refused_by_name(changed, held):
    said = refused(changed(partial(instead, **OTHER_ARRAYS[held])))
    assert any(
        "stem.conv.kernel: expected " in line and held in line.partition(", got ")[2] for line in said.splitlines()[1:]
    )


@pytest.mark.parametrize("kind", ["SoftLink", "ExternalLink"])
def test_links_in_keras_files_are_not_followed(changed, kind):
    import h5py

    link = h5py.SoftLink("/vars") if kind == "SoftLink" else h5py.ExternalLink("/etc/passwd", "x")
    assert "stem.conv.kernel: missing" in refused(changed(partial(linked, link)))


@pytest.mark.parametrize("name", ["float16", "float64", ">f4", "bfloat16"])
def test_real_numbers_in_keras_files_become_float32(changed, name):
    ml_dtypes = pytest.importorskip("ml_dtypes")
    numbers = np.arange(216).reshape(KERNEL)

    def edit(file, group):
        instead(file, group, data=numbers.astype(ml_dtypes.bfloat16 if name == "bfloat16" else name))
        if name == "bfloat16":
            group["0"].attrs["dtype"] = name  # as Keras does

    found = read_checkpoint(changed(edit), PROGRAM)["stem.conv.kernel"]
    assert found.dtype == np.float32
    assert np.array_equal(found, numbers.transpose(3, 2, 0, 1))


def test_files_of_older_keras_have_no_names_and_are_read_by_order(changed):
    marked = np.arange(216).reshape(KERNEL)

    def edit(file, group):
        group["0"][...] = marked
        names = []
        file.visititems(lambda path, item: names.append(path) if "name" in item.attrs else None)
        assert len(names) > 50
        for path in names:
            del file[path].attrs["name"]

    weights = read_checkpoint(changed(edit), PROGRAM)
    assert np.array_equal(weights["stem.conv.kernel"], marked.transpose(3, 2, 0, 1))
    assert weights.keys() == PROGRAM.weights.keys() | PROGRAM.state.keys()


def test_what_an_optimizer_keeps_is_no_weight_and_a_layer_within_a_layer_is(changed):
    def edit(file, group):
        file.create_dataset("optimizer/vars/77", data=np.zeros(3))
        file.create_dataset("layers/dropout_9/seed_generator/vars/0", data=np.zeros(2, "u4"))

    read_checkpoint(changed(edit), PROGRAM)
    within = "layers/wrapper/layer/vars/0"
    said = refused(changed(lambda file, group: file.create_dataset(within, data=np.zeros(3))))
    assert f"{within}: seeded-detector has no such weight" in said
