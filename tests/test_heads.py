"""FCOS and CenterNet: against the same written out in PyTorch, by hand, in both frameworks, and in files."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from small_heads import CELLS, SMALL, program_of

import spinec
from spinec.backends.backend import backend
from spinec.backends.verify import TRAINING_BAR, Course, compare

FCOS = "kind: fcos, dim: 16, groups: 4, classes: 5"
HEADS = {
    "fcos": FCOS,
    "fcos with centerness from the box tower": FCOS + ", centerness: box, distances: relu, layers: 1",
    "fcos without layers": FCOS + ", layers: 0",
    "centernet": "kind: centernet, dim: 10, classes: 7",
    "centernet of another activation": "kind: centernet, dim: 6, classes: 1, activation: hard_swish",
}


def test_fcos_costs_what_it_does_by_hand() -> None:
    head = spinec.cost(program_of(FCOS)).by("part")["head"]
    towers = 2 * (9 * 12 * 16 + 3 * 9 * 16 * 16)
    predictions = 9 * 16 * (5 + 4 + 1)
    assert head.macs() == CELLS * (towers + predictions)
    assert head.params == towers + 2 * 4 * (16 + 2 * 16) + predictions + 5 + 4 + 1 + 2  # biases, norms, two factors


def test_fcos_on_a_pyramid_has_the_parameters_of_the_public_code() -> None:
    """Of its head on maps of 256 channels, 80 classes: two towers of four, three predictions, five factors."""
    text = SMALL.format(own="kind: fcos").replace("dim: 12", "dim: 256")
    head = spinec.cost(spinec.lower(spinec.loads(text))).by("part")["head"]
    assert head.params - 2 == 8 * (9 * 256**2 + 256 + 512) + 9 * 256 * 85 + 85


def test_centernet_costs_what_it_does_by_hand() -> None:
    """Each output has branches of its own."""
    head = spinec.cost(program_of(HEADS["centernet"])).by("part")["head"]
    weights = 3 * 9 * 12 * 10 + 10 * (7 + 2 + 2)
    assert head.macs() == CELLS * weights
    assert head.params == 2 * (weights + 3 * 10 + 7 + 2 + 2)


def test_costs_belong_to_levels() -> None:
    levels = spinec.cost(program_of(FCOS)).by("level")
    work = 2 * (9 * 12 * 16 + 3 * 9 * 16 * 16) + 9 * 16 * 10
    assert levels["level 3"].macs() == 48 * (9 * 12 * 12 + work)


def test_what_they_give() -> None:
    assert program_of(FCOS).outputs == {
        "class_P2": (5, 11, 15),
        "class_P3": (5, 6, 8),
        "box_P2": (4, 11, 15),
        "box_P3": (4, 6, 8),
        "centerness_P2": (1, 11, 15),
        "centerness_P3": (1, 6, 8),
    }
    assert program_of(HEADS["centernet"]).outputs == {
        "heatmap_P2": (7, 11, 15),
        "heatmap_P3": (7, 6, 8),
        "size_P2": (2, 11, 15),
        "size_P3": (2, 6, 8),
        "offset_P2": (2, 11, 15),
        "offset_P3": (2, 6, 8),
    }


# ------------------------------------------------------------------------------------------------ written out


@pytest.mark.parametrize("name", [name for name in HEADS if name.startswith("fcos")])
def test_fcos_computes_what_its_paper_says(name: str) -> None:
    torch = pytest.importorskip("torch")
    program = program_of(HEADS[name])
    head, model = program.spec.head, spinec.build(program).double().eval()
    for weight in model.parameters():
        torch.nn.init.normal_(weight, std=0.2)
    image = torch.randn(2, 3, 44, 60, dtype=torch.float64)
    with torch.inference_mode():
        given, features = model(image), model.forward_features(image)
        for level, x in features.items():
            through = dict.fromkeys(("class", "box"), x)
            for kind in through:
                for i in range(1, head.layers + 1):
                    layers = getattr(model, f"{kind}_tower")
                    y = same_conv(torch, getattr(layers, f"conv{i}"), through[kind])
                    through[kind] = normed(getattr(layers, f"norm{i}"), y).clamp(min=0)
            distances = same_conv(torch, model.distances_predict, through["box"])
            distances = distances * getattr(model, f"box_{level}").scale.weight.item()
            expected = {
                "class": same_conv(torch, model.class_predict, through["class"]),
                "box": distances.exp() if head.distances == "exp" else distances.clamp(min=0),
                "centerness": same_conv(torch, model.centerness_predict, through[head.centerness]),
            }
            for kind, value in expected.items():
                torch.testing.assert_close(given[f"{kind}_{level}"], value)


def same_conv(torch: Any, conv: Any, x: Any) -> Any:
    return torch.nn.functional.conv2d(x, conv.weight, conv.bias, padding=1)


def normed(norm: Any, x: Any) -> Any:
    groups = x.unflatten(1, (4, -1))
    mean, variance = groups.mean((2, 3, 4), keepdim=True), groups.var((2, 3, 4), keepdim=True, correction=0)
    y = ((groups - mean) / (variance + 1e-5).sqrt()).flatten(1, 2)
    return y * norm.weight[:, None, None] + norm.bias[:, None, None]


def test_centernet_computes_what_its_paper_says() -> None:
    torch = pytest.importorskip("torch")
    model = spinec.build(program_of(HEADS["centernet"])).double().eval()
    image = torch.randn(2, 3, 44, 60, dtype=torch.float64)
    with torch.inference_mode():
        given, features = model(image), model.forward_features(image)
        for name, value in given.items():
            branch = getattr(model, name)
            x = same_conv(torch, branch.conv, features[name[-2:]]).clamp(min=0)
            torch.testing.assert_close(value, torch.nn.functional.conv2d(x, branch.predict.weight, branch.predict.bias))


@pytest.mark.parametrize("name", ["pytorch", "tensorflow"])
def test_first_guesses(name: str) -> None:
    pytest.importorskip({"pytorch": "torch"}.get(name, name))
    for own, layers, prior in (
        (FCOS + ", prior: 0.05", ["class_predict"], 0.05),
        (HEADS["centernet"], ["heatmap_P2.predict", "heatmap_P3.predict"], 0.1),
    ):
        program = program_of(own)
        weights = backend(name).read_weights(backend(name).build(program), program)
        for weight, value in weights.items():
            if weight.endswith("bias"):
                guessed = 1 / (1 + np.exp(-value)) if weight.removesuffix(".bias") in layers else None
                assert guessed == pytest.approx(prior) if guessed is not None else not value.any(), weight
            if weight.endswith("factor"):
                assert value.tolist() == [1]


# ------------------------------------------------------------------------------------------- in both frameworks


@pytest.mark.parametrize("own", HEADS.values(), ids=HEADS)
def test_both_frameworks_compute_the_same(own: str) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("tensorflow")
    program = program_of(own)
    compared = compare(program, "float64")
    assert {each.value for each in compared.found} == set(program.observable)
    assert compared.worst.error <= compared.bar


@pytest.mark.parametrize("name", ["fcos", "centernet"])
def test_both_frameworks_train_alike(name: str) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("tensorflow")
    worst = Course(program_of(HEADS[name]), steps=2).compare().worst
    assert all(each.error <= bar <= TRAINING_BAR for each, bar in worst.values()), worst


@pytest.mark.parametrize("name", ["pytorch", "tensorflow"])
def test_weights_come_back_as_they_were_written(name: str) -> None:
    pytest.importorskip({"pytorch": "torch"}.get(name, name))
    program, found = program_of(FCOS), backend(name)
    model = found.build(program)
    shapes = {**program.weights, **program.state}
    weights = {key: np.random.default_rng(0).uniform(0.5, 1, shape).astype("float32") for key, shape in shapes.items()}
    found.write_weights(model, program, weights)
    read = found.read_weights(model, program)
    assert {key: value.tolist() for key, value in read.items()} == {
        key: value.tolist() for key, value in weights.items()
    }
    assert {"box_P2.scale.factor", "box_P3.scale.factor"} <= set(weights)


# -------------------------------------------------------------------------------------------------------- faults


def test_groups_that_do_not_divide_the_dim_are_refused() -> None:
    with pytest.raises(spinec.SpecError, match=r"head: 32 groups of norm do not divide the dim 48 \[SPN-408\]"):
        program_of("kind: fcos, dim: 48")
    program_of("kind: fcos, dim: 48, layers: 0")  # there is no norm


def test_fcos_needs_every_level_between_the_outer_ones_and_centernet_does_not() -> None:
    text = SMALL.format(own=FCOS).replace("P2: b1, P3: b2", "P2: b1, P4: b3")
    text = text.replace("outputs", "  b3: {level: 4, kind: conv, dim: 12, inputs: [b2]}\noutputs")
    with pytest.raises(spinec.SpecError, match="no output at level 3"):
        spinec.loads(text)
    assert "size_P4" in spinec.lower(spinec.loads(text.replace(FCOS, HEADS["centernet"]))).outputs


@pytest.mark.parametrize("name", ["pytorch", "tensorflow"])
@pytest.mark.parametrize(
    "own",
    [
        "kind: retinanet, dim: 8, classes: 4",
        "kind: retinanet, dim: 8, classes: 4, conv: full, layers: 1",
        "kind: retinanet, dim: 36, classes: 4, conv: full",
        "kind: ssd, classes: 4, anchors: [3, 3]",
        "kind: centernet, dim: 1, classes: 2",
    ],
)
def test_predictions_that_happen_to_have_equal_numbers_are_arguments_nevertheless(own: str, name: str) -> None:
    """As the number of classes is: a class of generated source once took it for another of its arguments."""
    pytest.importorskip({"pytorch": "torch"}.get(name, name))
    program, found = program_of(own), backend(name)
    read = found.read_weights(found.build(program), program)
    assert {key: value.shape for key, value in read.items()} == {**program.weights, **program.state}
    assert "predictions=" in found.emit(program)
