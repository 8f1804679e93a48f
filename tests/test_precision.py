"""Learning in reduced precision: near to float32, and in float16 with a loss that is scaled so that gradients do not vanish."""

from functools import cache

import numpy as np
import pytest
from taught import TINY
from test_learners import lesson, recipe, taught

from spinec import loads, lower
from spinec.backends.backend import backend
from spinec.backends.learner import Scale

torch = pytest.importorskip("torch")

STILL = TINY.replace("rate: 0.2", "rate: 0.0")


@cache
def learner(name, precision):
    """One for all tests: to trace it takes the longest."""
    made = backend(name).learner(lower(loads(STILL)), recipe("sgd", f"precision={precision}", "average={decay: 0.5}"))
    return made, made.state()


@pytest.fixture(params=["pytorch", "tensorflow"])
def begun(request):
    """Gives a learner of some precision at its beginning, the same in both frameworks."""
    pytest.importorskip({"pytorch": "torch", "tensorflow": "tensorflow"}[request.param])

    def begin(precision, scale=Scale.FIRST):
        start = learner("pytorch", "float32")[1]
        made, own = learner(request.param, precision)
        made.load({**own, **start})
        made.scale.value = scale if made.scale.on else 1.0
        return made

    return begin


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_it_learns_nearly_the_same(begun, precision):
    exact = begun("float32")
    start = exact.state()
    (full,), ends = taught(exact, range(1)), [exact.state()]
    near = begun(precision)
    (half,) = taught(near, range(1))
    ends.append(near.state())
    assert half["loss"] != full["loss"]
    for key in ("loss", "class", "box", "gradient"):  # the norm, too: gradients are unscaled before they are limited
        assert half[key] == pytest.approx(full[key], rel=0.02), key
    names = [f"weights/{name}" for name in near.program.weights]
    assert {ends[1][name].dtype for name in names} == {np.dtype("float32")}
    moved = [np.concatenate([(end[name] - start[name]).ravel() for name in names]) for end in ends]
    assert np.dot(*moved) / np.prod([np.linalg.norm(each) for each in moved]) > 0.99


def test_a_step_whose_gradients_overflow_is_skipped(begun):
    held = begun("float16", 2.0**30)
    before = held.state()
    (told,) = taught(held, range(1))
    assert told.keys() == {"loss", "class", "box", "scale", "skipped"}
    assert np.isfinite([*told.values()]).all()
    after = held.state()
    assert after["scaler/scale"] == 2.0**29
    changed = {key for key in before if (before[key] != after[key]).any()} - {"scaler/scale"}
    assert all(key.endswith((".mean", ".variance")) for key in changed)  # of the pass, which went well
    told = taught(held, range(1, 25))
    assert "gradient" in told[-1]
    assert any((before[f"weights/{key}"] != array).any() for key, array in held.weights().items())


def test_what_overflows_whatever_the_scale_is_no_number(begun):
    held = begun("float16")
    before, (images, targets) = held.state(), lesson(0)
    told = held.step(images * 1e30, targets, 0.02, 0)
    assert not np.isfinite(told["loss"])
    assert "skipped" not in told
    after = held.state()
    assert all((before[key] == after[key]).all() for key in before if not key.endswith((".mean", ".variance")))
    scale = Scale(on=True, steps=5)
    scale.value = 1.0
    assert scale.told({"loss": 1.0, "gradient": np.inf}) == {"loss": 1.0, "gradient": np.inf, "scale": 1.0}
    assert (scale.value, scale.steps) == (1.0, 5)


def test_it_goes_on_from_a_scale_to_the_bit(begun, monkeypatch):
    monkeypatch.setattr(Scale, "EVERY", 3)
    held = begun("float16", 2.0**11)
    first = taught(held, range(2))
    half = held.state()
    rest, whole = taught(held, range(2, 5)), held.state()
    assert [line["scale"] for line in first + rest] == [2.0**11] * 3 + [2.0**12] * 2
    held.load(half)
    assert taught(held, range(2, 5)) == rest
    assert all((array == whole[key]).all() for key, array in held.state().items())


def test_the_scale_is_that_of_pytorchs_own_scaler(monkeypatch):
    monkeypatch.setattr(Scale, "EVERY", 3)
    theirs = torch.amp.GradScaler("cpu", init_scale=Scale.FIRST, growth_interval=3)
    weight, ours = torch.zeros(1, requires_grad=True), Scale(on=True)
    optimizer = torch.optim.SGD([weight], lr=0.0)
    for gradient in [1.0, 1.0, 1.0, 1.0, np.inf, np.inf, 1.0, 1.0, np.nan, 1.0, 1.0, 1.0, 1.0, 1.0]:
        theirs.scale(weight.sum()).backward()
        weight.grad *= gradient
        theirs.step(optimizer)
        theirs.update()
        optimizer.zero_grad()
        ours.told({"loss": 1.0, "gradient": gradient})
        assert (ours.value, ours.steps) == (theirs.get_scale(), theirs.state_dict()["_growth_tracker"])
