"""Learners: both frameworks take the same steps, as their own optimisers do, and go on from each other's state."""

import numpy as np
import pytest
from taught import TINY

from spinec import BackendError, loads, lower
from spinec.backends.backend import backend
from spinec.backends.learner import decayed
from spinec.spec.recipes.load import load_recipe

torch = pytest.importorskip("torch")

STILL = TINY.replace("rate: 0.2", "rate: 0.0")
KINDS = {
    "sgd": "optimizer={kind: sgd, rate: 0.05, per: 2, decay: 0.01, clip: 1}",
    "rmsprop": "optimizer={kind: rmsprop, rate: 0.005, per: 2, decay: 0.01, clip: 0}",
    "adamw": "optimizer={kind: adamw, rate: 0.005, per: 2, decay: 0.1, epsilon: 1e-4, clip: 1, decays: all}",
}


def recipe(kind, *settings):
    return load_recipe("detection", ["batch=2", "schedule.steps=9", KINDS[kind], *settings])


def lesson(number):
    random = np.random.default_rng(number)
    start = random.uniform(0, 16, (2, 3, 2))
    boxes = np.concatenate([start, start + random.uniform(6, 16, (2, 3, 2))], -1).astype(np.float32)
    classes = random.integers(-1, 3, (2, 3))
    return random.normal(size=(2, 32, 32, 3)).astype(np.float32), {"boxes": boxes, "classes": classes}


def taught(learner, numbers, rate=0.02):
    return [learner.step(*lesson(number), rate, number) for number in numbers]


@pytest.mark.parametrize("kind", KINDS)
def test_both_frameworks_take_the_same_steps(kind):
    pytest.importorskip("tensorflow")
    program, asked = lower(loads(STILL)), recipe(kind, "average={decay: 0.5}")
    with backend("pytorch").precision("float64"), backend("tensorflow").precision("float64"):
        one = backend("pytorch").learner(program, asked)
        other = backend("tensorflow").learner(program, asked, one.weights())
        for left, right in zip(taught(one, range(3)), taught(other, range(3)), strict=True):
            assert left == pytest.approx(right, rel=1e-6)
        states = one.state(), other.state()
    assert states[0].keys() == states[1].keys()
    for name, array in states[0].items():
        if name.endswith("variance"):  # PyTorch's running ones are those of n - 1 values (docs/parity.md)
            continue
        np.testing.assert_allclose(array, states[1][name], rtol=1e-6, atol=1e-9, err_msg=name)
    other.load(one.state())  # to the bit, whichever wrote it
    assert all((array == one.state()[name]).all() for name, array in other.state().items())


@pytest.mark.parametrize("kind", ["sgd", "adamw"])
def test_steps_are_those_of_pytorchs_own_optimisers(kind):
    program, asked = lower(loads(STILL)), recipe(kind, "optimizer.clip=0")
    with backend("pytorch").precision("float64"):
        learner, twin = (backend("pytorch").learner(program, asked) for _ in range(2))
    options, trained = asked.optimizer, twin.parts["weights"]
    some = decayed(program, asked)
    groups = [
        {"params": [trained[name] for name in program.weights if (name in some) is decays], "weight_decay": decay}
        for decays, decay in ((True, options.decay), (False, 0.0))
    ]
    made = {
        "sgd": lambda: torch.optim.SGD(groups, momentum=options.momentum),
        "adamw": lambda: torch.optim.AdamW(groups, betas=(options.momentum, options.smoothing), eps=options.epsilon),
    }[kind]()
    for number in range(4):
        rate = 0.02 / (number + 1)
        learner.step(*lesson(number), rate, number)
        for group in made.param_groups:
            group["lr"] = rate
        images, targets = lesson(number)
        maps = twin.model(torch.from_numpy(images).double().permute(0, 3, 1, 2))
        made.zero_grad()
        boxes, classes = map(torch.from_numpy, targets.values())
        twin.source.loss(maps, boxes.double(), classes)["loss"].backward()
        made.step()
    for name, array in learner.weights().items():
        np.testing.assert_allclose(array, twin.weights()[name], rtol=1e-6, atol=1e-12, err_msg=name)


@pytest.mark.parametrize("name", ["pytorch", "tensorflow"])
def test_training_goes_on_from_a_state_to_the_bit(name):
    """Stochastic depth draws by the seed and the number of the step alone."""
    pytest.importorskip({"pytorch": "torch", "tensorflow": "tensorflow"}[name])
    program, asked = lower(loads(TINY)), recipe("rmsprop", "average={decay: 0.9}")
    start = backend("pytorch").learner(program, asked).weights()
    whole, first = (backend(name).learner(program, asked, start) for _ in range(2))
    told = taught(whole, range(4))
    taught(first, range(2))
    second = backend(name).learner(program, asked, start)
    second.load(first.state())
    assert taught(second, range(2, 4)) == told[2:]
    assert all((array == whole.state()[name]).all() for name, array in second.state().items())


def test_gradients_are_limited_by_their_norm():
    program = lower(loads(STILL))
    options = "optimizer={kind: sgd, rate: 1, momentum: 0, decay: 0, clip: 0.5}"
    learner = backend("pytorch").learner(program, load_recipe("detection", ["schedule.steps=1", options]))
    before = learner.weights()
    norm = learner.step(*lesson(0), 1.0, 0)["gradient"]
    step = np.sqrt(sum(((before[name] - learner.weights()[name]) ** 2).sum() for name in program.weights))
    assert norm > 0.5
    assert step == pytest.approx(0.5, rel=1e-4)


def test_a_state_of_another_recipe_is_refused():
    program = lower(loads(TINY))
    learner = backend("pytorch").learner(program, recipe("sgd"))
    state = backend("pytorch").learner(program, recipe("adamw")).state()
    with pytest.raises(BackendError, match=r"not of tiny and this recipe: square/.*expected no such array"):
        learner.load(state)
    with pytest.raises(BackendError, match=r"got None"):
        learner.load({})


@pytest.mark.parametrize("name", ["pytorch", "tensorflow"])
def test_running_statistics_are_taken_anew(name):
    """Those of the first norm are the means of what it is given."""
    pytest.importorskip({"pytorch": "torch", "tensorflow": "tensorflow"}[name])
    program, owner = lower(loads(TINY)), backend(name)
    model = owner.build(program)
    before = owner.read_weights(model, program)
    owner.settle(model, [lesson(number)[0] for number in range(3)])
    after = owner.read_weights(model, program)
    assert all((before[name] == after[name]).all() for name in program.weights)
    (kernel, mean) = (
        next(name for name in after if name.startswith("stem") and name.endswith(role)) for role in ("kernel", "mean")
    )
    given = [torch.from_numpy(lesson(number)[0]).permute(0, 3, 1, 2) for number in range(3)]
    seen = [torch.nn.functional.conv2d(each, torch.from_numpy(after[kernel]), stride=4, padding=1) for each in given]
    expected = torch.stack([each.mean((0, 2, 3)) for each in seen]).mean(0)
    np.testing.assert_allclose(after[mean], expected, atol=1e-5)
    owner.settle(model, [lesson(number)[0] for number in range(3)])  # nothing is left of what was before
    again = owner.read_weights(model, program)
    for name in program.state:
        np.testing.assert_allclose(again[name], after[name], rtol=1e-4, atol=1e-5, err_msg=name)
