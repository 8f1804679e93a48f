"""Learners: both frameworks take the same steps, as their own optimisers do, and go on from each other's state."""

from collections import Counter

import numpy as np
import pytest
import sharing
from taught import TINY

from spinec import BackendError, TrainError, loads, lower
from spinec.backends.backend import backend
from spinec.backends.learner import decayed, narrowed
from spinec.backends.patterns import still
from spinec.backends.sample import sample
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
    program, owner = lower(loads(TINY.replace("rate: 0.2", "rate: 0.8"))), backend(name)
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
    for name in program.state:  # nor is anything drawn
        np.testing.assert_allclose(again[name], after[name], rtol=1e-6, atol=1e-7, err_msg=name)


FROZEN = ["optimizer.frozen=[stem, 'b1.*']", "optimizer.parts={head: 3, '*_subnet.predict*': 10, b2: 0.5}"]


@pytest.mark.parametrize("kind", KINDS)
def test_frozen_parts_and_rates_of_parts_are_the_same_in_both_frameworks(kind):
    pytest.importorskip("tensorflow")
    program, asked = lower(loads(STILL)), recipe(kind, "average={decay: 0.5}", *FROZEN)
    with backend("pytorch").precision("float64"), backend("tensorflow").precision("float64"):
        start = sample(program).weights
        one = backend("pytorch").learner(program, asked, start)
        other = backend("tensorflow").learner(program, asked, start)
        for left, right in zip(taught(one, range(3)), taught(other, range(3)), strict=True):
            assert left == pytest.approx(right, rel=1e-6)
        states = one.state(), other.state()
    assert states[0].keys() == states[1].keys()
    for name, array in states[0].items():
        if not name.endswith("variance"):
            np.testing.assert_allclose(array, states[1][name], rtol=1e-6, atol=1e-9, err_msg=name)
    for state in states:  # statistics, variances and all
        for name in (*program.weights, *program.state):
            frozen = name.split(".")[0] in ("stem", "b1")
            if frozen or name.endswith(("kernel", "mean")):  # a bias before a norm does not matter
                assert (state[f"weights/{name}"] == start[name]).all() == frozen, name
            assert (f"momentum/{name}" in state) is (name in program.weights and not frozen)


@pytest.mark.parametrize("name", ["pytorch", "tensorflow"])
def test_parts_learn_at_their_rates(name):
    """Of plain gradient descent, steps are as large as the rates: those of the last pattern that matches."""
    pytest.importorskip({"pytorch": "torch", "tensorflow": "tensorflow"}[name])
    program, plain = lower(loads(STILL)), "optimizer={kind: sgd, momentum: 0, clip: 0, decay: 0.1}"
    with backend(name).precision("float64"):
        start = sample(program).weights
        ends = []
        for settings in ([], ["optimizer.parts={head: 3, 'class_*': 10, b2.second_norm.scale: 0.25}"]):
            learner = backend(name).learner(program, recipe("sgd", plain, *settings), start)
            taught(learner, range(1))
            ends.append(learner.weights())
    for weight in program.weights:
        first, second = (end[weight] - start[weight] for end in ends)
        head = {"class_subnet": 10, "box_subnet": 3}
        factor = 0.25 if weight == "b2.second_norm.scale" else head.get(weight.split(".")[0], 1)
        np.testing.assert_allclose(second, factor * first, rtol=1e-9, atol=1e-12, err_msg=weight)


@pytest.mark.parametrize("name", ["pytorch", "tensorflow"])
def test_what_is_frozen_gives_what_it_gives_in_inference(name):
    """Running statistics instead of the batch's, no stochastic depth, while the rest is trained; also as these settle."""
    pytest.importorskip({"pytorch": "torch", "tensorflow": "tensorflow"}[name])
    program = lower(loads(TINY.replace("rate: 0.2", "rate: 0.9")))
    asked, owner = recipe("sgd", "optimizer.frozen=[stem, b1, b2]"), backend(name)
    weights = sample(program).weights
    learner = owner.learner(program, asked, weights)
    images = lesson(0)[0]
    live = owner.answering(program, ["detect"], weights, 0)
    found = owner.observe(live.model, program, {"image": images.transpose(0, 3, 1, 2)})["b2"]
    if name == "pytorch":
        given = torch.from_numpy(images).permute(0, 3, 1, 2)
        seen = learner.model.forward_features(given)["P4"].detach().cpu().numpy()
    else:
        keras = pytest.importorskip("keras")
        inner = keras.Model(learner.model.inputs, learner.model.get_layer("b2.act").output)
        seen = np.transpose(inner([images], training=True), (0, 3, 1, 2))
    np.testing.assert_allclose(seen, found, rtol=1e-4, atol=1e-5)
    owner.settle(live.model, [images], still(program, asked))
    settled = owner.read_weights(live.model, program)
    for each in program.state:
        assert (settled[each] == weights[each]).all() == (each.split(".")[0] in ("stem", "b1", "b2")), each


@pytest.mark.parametrize("name", ["pytorch", "tensorflow"])
def test_frozen_training_goes_on_from_a_state_to_the_bit(name):
    pytest.importorskip({"pytorch": "torch", "tensorflow": "tensorflow"}[name])
    program, asked = lower(loads(TINY)), recipe("adamw", "average={decay: 0.9}", *FROZEN)
    start = backend("pytorch").learner(program, asked).weights()
    whole, first = (backend(name).learner(program, asked, start) for _ in range(2))
    told = taught(whole, range(4))
    taught(first, range(2))
    second = backend(name).learner(program, asked, start)
    second.load(first.state())
    assert taught(second, range(2, 4)) == told[2:]
    assert all((array == whole.state()[name]).all() for name, array in second.state().items())
    with pytest.raises(BackendError, match=r"not of tiny and this recipe: \w+/\S+: expected .*, got None"):
        backend(name).learner(program, recipe("adamw", "average={decay: 0.9}"), start).load(first.state())


def test_nothing_is_kept_for_gradients_of_frozen_early_parts():
    program = lower(loads(STILL))

    def kept(*settings):
        sizes = []
        learner = backend("pytorch").learner(program, recipe("sgd", *settings))

        def pack(value):
            sizes.append(value.numel())
            return value

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda value: value):
            taught(learner, range(1))
        return sum(sizes)

    whole, some, late = kept(), kept("optimizer.frozen=[stem, b1]"), kept("optimizer.frozen=[b1]")
    assert some < 0.7 * whole
    assert some < late < whole


def test_the_graph_of_tensorflow_has_no_gradients_of_frozen_early_parts():
    pytest.importorskip("tensorflow")
    program = lower(loads(STILL))

    def gradients(*settings):
        learner = backend("tensorflow").learner(program, recipe("sgd", *settings))
        graph = learner.slopes.get_concrete_function(*learner._given(*lesson(0), 0)).graph
        return Counter(each.type for each in graph.get_operations())

    fewer = gradients() - gradients("optimizer.frozen=[stem, b1]")
    assert fewer["Conv2DBackpropFilter"] == 4
    assert fewer["RsqrtGrad"] == 4  # of the norms
    assert fewer["Conv2DBackpropInput"] > 2


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("optimizer.frozen=[stm]", "optimizer.frozen: 'stm' matches nothing of tiny: did you mean 'stem'?"),
        ("optimizer.frozen=[stem, 'B1*']", "optimizer.frozen: 'B1*' matches nothing of tiny: did you mean 'b1'?"),
        ("optimizer.parts={'class_subnet.predct*': 2}", "did you mean 'class_subnet.predict'?"),
        ("optimizer.parts={backbone: 2}", "expected stem, b1, b2, head"),
        ("optimizer.frozen=['*']", "optimizer.frozen: all of tiny is frozen, and nothing is left to learn"),
        ("optimizer={frozen: [stem], parts: {'stem.*': 2}}", "optimizer.parts: all that 'stem.*' matches is frozen"),
    ],
)
def test_patterns_that_change_nothing_are_refused(setting, said):
    with pytest.raises(TrainError) as raised:
        backend("pytorch").learner(lower(loads(TINY)), recipe("sgd", setting))
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("there", [3, 0])
@pytest.mark.parametrize("name", ["pytorch", "tensorflow"])
def test_padding_of_targets_is_left_away(name, there):
    if name != "pytorch":
        pytest.importorskip(name)
    images, targets = lesson(0)
    targets["classes"][:, there:] = -1
    wide = {
        "boxes": np.pad(targets["boxes"], ((0, 0), (0, 97), (0, 0))),
        "classes": np.pad(targets["classes"], ((0, 0), (0, 97)), constant_values=-1),
    }
    program = lower(loads(STILL))
    one = backend("pytorch").learner(program, recipe("sgd"))
    other = backend(name).learner(program, recipe("sgd"), one.weights())
    seen, whole = [], other.source.loss
    other.source.loss = lambda outputs, boxes, classes: seen.append(boxes.shape[1]) or whole(outputs, boxes, classes)
    assert one.step(images, targets, 0.01, 0) == pytest.approx(other.step(images, wide, 0.01, 0), rel=1e-4)
    assert seen[-1] == 8  # a source is imported once: the first learner may be seen, too
    assert narrowed({"boxes": np.zeros((1, 100, 4)), "classes": np.arange(100)[None] - 91})["boxes"].shape[1] == 100
    assert narrowed({"boxes": np.zeros((1, 100, 4)), "classes": 8 - np.arange(100)[None]})["classes"].shape[1] == 16


def test_mask_rcnn_draws_the_same_in_both_frameworks_and_by_the_step_alone():
    pytest.importorskip("tensorflow")
    program = lower(sharing.program_of("mask_rcnn").spec, 96)  # of whose anchors a half learns
    images, targets = sharing.lesson("mask_rcnn", 0)
    images = np.random.default_rng(1).normal(size=(len(images), 96, 96, 3)).astype(np.float32)
    asked, start = recipe("sgd", f"batch={len(images)}"), sharing.start(program)
    told = {}
    for name in ("pytorch", "tensorflow"):
        with backend(name).precision("float64"):
            for number in (0, 1, 0):
                fresh = backend(name).learner(program, asked, start)
                told.setdefault((name, number), []).append(fresh.step(images, targets, 0.0, number)["loss"])
    for (name, number), losses in told.items():
        assert losses == pytest.approx([told["pytorch", number][0]] * len(losses), rel=1e-6), (name, number)
    assert told["pytorch", 0][0] != pytest.approx(told["pytorch", 1][0], rel=1e-4), "another draw at another step"


@pytest.mark.parametrize("name", ["pytorch", "tensorflow"])
def test_a_compiled_step_is_the_same(name, monkeypatch):
    pytest.importorskip({"pytorch": "torch", "tensorflow": "tensorflow"}[name])
    program = lower(loads(STILL))
    plain = backend(name).learner(program, recipe("sgd"))
    start = plain.weights()
    if name == "pytorch":
        whole, seen = torch.compile, []
        monkeypatch.setattr(torch, "compile", lambda call: seen.append(call) or whole(call, backend="aot_eager"))
    compiled = backend(name).learner(program, recipe("sgd", "compile=true"), start)
    assert taught(plain, range(2)) == [pytest.approx(step, rel=1e-5) for step in taught(compiled, range(2))]
    if name == "pytorch":
        assert seen == [compiled.model], "a machine code compiler takes half a minute; traced as for it here"
        monkeypatch.setenv("CXX", "no-such-compiler")
        with pytest.raises(BackendError, match="needs a C\\+\\+ compiler"):
            backend(name).learner(program, recipe("sgd", "compile=true"))
    else:
        assert compiled.computed.experimental_get_compiler_ir, "a function for XLA, not the plain one"
