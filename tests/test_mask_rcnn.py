"""Mask R-CNN: counts by hand, crops as inputs of their own, and both frameworks on the same crops."""

from __future__ import annotations

import numpy as np
import pytest
import small_heads
from small_heads import CELLS, SMALL

import spinec
from spinec.backends.verify import TRAINING_BAR, Course, compare
from spinec.spec.errors import BackendError, SpecError

MASK_RCNN = "kind: mask_rcnn, dim: 8, classes: 5, "
PLAIN = "box_layers: 2, mask_layers: 1, hidden: [10], box_size: 3, mask_size: 4, box_crops: 6, mask_crops: 2"
HEADS = {
    "plain": PLAIN,
    "separable": PLAIN + ", conv: separable, proposal_layers: 2",
    "bare": "proposal_layers: 0, box_layers: 0, mask_layers: 0, hidden: [], anchors: 2, box_size: 2, mask_size: 1",
    "two linear layers": "box_layers: 0, hidden: [9, 7], box_crops: 1, mask_crops: 1, activation: relu",
}


def program_of(own: str = PLAIN) -> spinec.Program:
    return small_heads.program_of(MASK_RCNN + own)


class Sums:
    """Multiply-adds and parameters, layer by layer, as one would on paper."""

    def __init__(self, head: spinec.spec.heads.MaskRCNN) -> None:
        self.head, self.macs, self.params = head, 0, 0

    def conv(self, cells: int, given: int, dim: int, kernel: int, norms: int = 0) -> int:
        weights = kernel**2 * given * dim
        if self.head.conv == "separable":
            weights = kernel**2 * given + given * dim
        return self.layer(cells, weights, dim, norms)

    def layer(self, cells: int, weights: int, dim: int, norms: int = 0) -> int:
        self.macs += cells * weights
        self.params += weights + dim + 2 * norms * dim
        return dim

    def layers(self, cells: int, count: int, norms: int = 1) -> int:
        dim = 12
        for _ in range(count):
            dim = self.conv(cells, dim, self.head.dim, 3, norms)
        return dim


def by_hand(head: spinec.spec.heads.MaskRCNN) -> tuple[int, int]:
    sums = Sums(head)
    dim = sums.layers(CELLS, head.proposal_layers, norms=2)  # of each output its own
    sums.conv(CELLS, dim, head.anchors.per_cell, 1)
    sums.conv(CELLS, dim, 4 * head.anchors.per_cell, 1)
    dim = sums.layers(head.box_crops * head.box_size**2, head.box_layers) * head.box_size**2
    for hidden in head.hidden:
        dim = sums.layer(head.box_crops, dim * hidden, hidden, norms=1)
    sums.layer(head.box_crops, 5 * dim * head.classes, 5 * head.classes)  # a score and a box of every class
    cells = head.mask_crops * head.mask_size**2
    dim = sums.layers(cells, head.mask_layers)
    sums.layer(cells, 4 * dim * head.dim, head.dim, norms=1)  # four kernels of one pixel make four pixels
    sums.conv(4 * cells, head.dim, head.classes, 1)
    return sums.macs, sums.params


@pytest.mark.parametrize("own", HEADS.values(), ids=HEADS)
def test_the_head_costs_what_it_does_by_hand(own: str) -> None:
    program = program_of(own)
    head = spinec.cost(program).by("part")["head"]
    assert (head.macs(), head.params) == by_hand(program.spec.head)


def test_twice_the_crops_are_twice_the_work_on_crops_and_nothing_else() -> None:
    once, twice = (
        spinec.cost(program_of(PLAIN.replace("box_crops: 6, mask_crops: 2", crops))).by("block")
        for crops in ("box_crops: 3, mask_crops: 7", "box_crops: 6, mask_crops: 14")
    )
    for name, count in once.items():
        factor = 2 if name in ("box_subnet", "crop_class", "crop_box", "crop_mask") else 1
        assert twice[name].macs() == factor * count.macs(), name
        assert twice[name].activations == factor * count.activations, name
        assert twice[name].params == count.params, name


def test_what_a_program_takes_and_gives() -> None:
    program = program_of()
    assert dict(program.inputs) == {
        "image": ((3, 44, 60), 1),
        "box_crops": ((12, 3, 3), 6),
        "mask_crops": ((12, 4, 4), 2),
    }
    assert program.outputs == {
        "P2": (12, 11, 15),
        "P3": (12, 6, 8),
        "objectness_P2": (3, 11, 15),
        "objectness_P3": (3, 6, 8),
        "deltas_P2": (12, 11, 15),
        "deltas_P3": (12, 6, 8),
        "crop_class": (5,),
        "crop_box": (20,),
        "crop_mask": (5, 8, 8),
    }
    assert str(program).startswith("program small (image: 3x44x60, box_crops: 6 of 12x3x3, mask_crops: 2 of 12x4x4)\n")


def test_a_block_that_is_called_as_an_input_is_refused() -> None:
    text = SMALL.format(own=MASK_RCNN + PLAIN).replace("b2", "box_crops")
    with pytest.raises(SpecError, match=r"two parts are called 'box_crops'.*\[SPN-604\]"):
        spinec.lower(spinec.loads(text))


# ------------------------------------------------------------------------------------------- in both frameworks


def test_an_image_has_as_many_crops_as_there_are() -> None:
    torch = pytest.importorskip("torch")
    program = program_of()
    model = spinec.build(program).eval()
    image, boxes, masks = torch.randn(1, 3, 44, 60), torch.randn(5, 12, 3, 3), torch.randn(2, 12, 4, 4)
    with torch.inference_mode():
        given = model(image, boxes, masks)
        bare = model(image, boxes[:0], masks[:0])
        assert [len(given[name]) for name in ("P2", "crop_class", "crop_box", "crop_mask")] == [1, 5, 5, 2]
        assert [len(bare[name]) for name in ("P2", "crop_class", "crop_box", "crop_mask")] == [1, 0, 0, 0]
        torch.testing.assert_close(bare["objectness_P3"], given["objectness_P3"])
        torch.testing.assert_close(model.crop_class(model.box_subnet(boxes[3:])), given["crop_class"][3:])
        torch.testing.assert_close(model.crop_mask(masks[1:]), given["crop_mask"][1:])


def test_keras_takes_as_many_crops_too() -> None:
    pytest.importorskip("tensorflow")
    model = spinec.build(program_of(), "tensorflow")
    sizes = {"image": (2, 44, 60, 3), "box_crops": (5, 3, 3, 12), "mask_crops": (3, 4, 4, 12)}
    given = model([np.zeros(shape, "float32") for shape in sizes.values()])
    assert [len(given[name]) for name in ("P2", "crop_class", "crop_box", "crop_mask")] == [2, 5, 5, 3]
    assert [each.name for each in model.inputs] == list(sizes)


@pytest.mark.parametrize("own", HEADS.values(), ids=HEADS)
def test_both_frameworks_compute_the_same(own: str) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("tensorflow")
    program = program_of(own)
    compared = compare(program, "float64")
    assert {each.value for each in compared.found} == set(program.observable)
    assert compared.worst.error <= compared.bar


def test_both_frameworks_train_alike() -> None:
    pytest.importorskip("torch")
    pytest.importorskip("tensorflow")
    worst = Course(program_of(HEADS["separable"]), steps=3).compare().worst
    assert all(each.error <= bar <= TRAINING_BAR for each, bar in worst.values()), worst


@pytest.mark.parametrize("mode", ["fan_out", "fan_in"])
def test_the_upsampling_starts_alike(mode: str) -> None:
    """Normal, of variance scale / fan, whichever framework calls which axis the outputs."""
    pytest.importorskip("torch")
    pytest.importorskip("tensorflow")
    own = "mask_layers: 0, hidden: []"
    text = (
        SMALL.format(own=MASK_RCNN + own).replace("dim: 12", "dim: 96").replace("dim: 8, classes", "dim: 24, classes")
    )
    program = spinec.lower(spinec.loads(text + f"init: {{scale: 1.5, mode: {mode}}}\n"))
    fan = 4 * (24 if mode == "fan_out" else 96)
    for name in ("pytorch", "tensorflow"):
        found = spinec.backends.backend.backend(name)
        weights = found.read_weights(found.build(program), program)
        assert weights["crop_mask.up.kernel"].shape == (96, 24, 2, 2)
        assert weights["crop_mask.up.kernel"].var() == pytest.approx(1.5 / fan, rel=0.1)
        assert not weights["crop_mask.up.bias"].any()


@pytest.mark.parametrize("name", ["pytorch", "tensorflow"])
def test_a_picture_alone_does_not_run_it(name: str) -> None:
    image = np.zeros((3, 44, 60), "float32")
    pytest.importorskip({"pytorch": "torch"}.get(name, name))
    with pytest.raises(BackendError, match="small takes box_crops and mask_crops beside the image"):
        spinec.backends.backend.backend(name).run(program_of(), image)
    with pytest.raises(BackendError, match="a picture is not enough"):
        compare(program_of(), image=image)


# ------------------------------------------------------------------------------------------------ published figures

READINGS = {  # docs/library.md: multiply-adds in billions by 'conv' and 'profiler', parameters in millions
    ("eff-spinenet-d0-mask-rcnn", 1): ("4.690", "4.761", "4.610"),
    ("eff-spinenet-d1-mask-rcnn", 1): ("9.064", "9.206", "6.367"),
    ("eff-spinenet-d2-mask-rcnn", 1): ("15.748", "15.953", "9.264"),
    ("eff-spinenet-d0-mask-rcnn", 3): ("4.741", "4.812", "4.621"),
    ("eff-spinenet-d1-mask-rcnn", 3): ("9.210", "9.353", "6.386"),
    ("eff-spinenet-d2-mask-rcnn", 3): ("16.080", "16.289", "9.294"),
    ("spinenet-49-mask-rcnn", 1): ("215.446", "215.572", "40.754"),
}


@pytest.mark.parametrize(("name", "layers"), READINGS)
def test_readings_are_those_of_the_documentation(name: str, layers: int) -> None:
    spec = spinec.load(name)
    head = spec.head.model_copy(update={"proposal_layers": layers})
    report = spinec.cost(spinec.lower(spec.model_copy(update={"head": head})))
    found = *(f"{report.macs(each) / 1e9:.3f}" for each in ("conv", "profiler")), f"{report.params / 1e6:.3f}"
    assert found == READINGS[name, layers]
