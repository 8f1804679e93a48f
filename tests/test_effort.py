"""What answering costs beside a network: by hand, and as often as the source does it."""

import pytest

from spinec import cost, emit, load, loads, lower
from spinec.backends.live import import_source
from spinec.compiler.tasks.effort import EFFORTS, anchors_of, effort_of
from spinec.spec.errors import BackendError
from spinec.spec.heads import Head

SPEC = """name: small
input: {size: [64, 96]}
defaults: {kind: conv}
blocks:
  p3: {level: 3, dim: 8, inputs: [image]}
  p4: {level: 4, dim: 8, inputs: [p3]}
outputs: {P3: p3, P4: p4}
head: HEAD
"""
CELLS = {"P3": 8 * 12, "P4": 4 * 6}


def steps(head, outputs=None):
    text = SPEC if outputs is None else SPEC.replace("outputs: {P3: p3, P4: p4}", outputs)
    program = lower(loads(text.replace("HEAD", head)))
    return program, {step.name: step.number for step in effort_of(program)}


def test_the_steps_of_a_detector():
    program, found = steps("{kind: retinanet, dim: 8, classes: 7, anchors: 6, detections: {candidates: 50, most: 20}}")
    assert anchors_of(program) == {name: 6 * cells for name, cells in CELLS.items()}
    assert found == {"boxes": 720, "scores": 720 * 6, "candidates": 50, "overlaps": 1000}
    _, found = steps("{kind: retinanet, dim: 8, layers: 0, classes: 1, background: false, anchors: 1}")
    assert found == {"boxes": 120, "scores": 120, "candidates": 120, "overlaps": 120 * 100}


def test_candidates_of_each_level_and_of_each_class():
    few = (
        "{kind: retinanet, dim: 8, classes: 3, anchors: 6, detections: {candidates: 300, candidates_per: PER, most: 5}}"
    )
    _, found = steps(few.replace("PER", "level"))
    assert (found["candidates"], found["overlaps"]) == (300 + 6 * 24 * 2, 588 * 5)
    _, found = steps(few.replace("PER", "class"))
    assert found["candidates"] == 2 * 300
    _, found = steps(few.replace("PER", "class").replace("300", "1000"))
    assert found["candidates"] == 2 * 720


def test_the_steps_of_other_heads():
    program, found = steps("{kind: ssd, anchors: [3, 6], classes: 5}")
    assert anchors_of(program) == {"P3": 288, "P4": 144}
    assert (found["boxes"], found["scores"]) == (432, 432 * 5)
    program, found = steps("{kind: fcos, dim: 8, groups: 2, classes: 5}")
    assert (anchors_of(program), found["scores"]) == (CELLS, 120 * 5)
    program, found = steps("{kind: centernet, dim: 8, classes: 5}", "outputs: {P4: p4}")
    assert (anchors_of(program), found["scores"], found["comparisons"]) == ({}, 24 * 5, 24 * 5 * 8)
    assert steps("{kind: classification, classes: 9}")[1] == {"scores": 9}
    assert steps("{kind: segmentation, dim: 8, classes: 9}")[1] == {"logits": 9 * 64 * 96, "pixels": 64 * 96}
    program, found = steps("{kind: mask_rcnn, dim: 8, classes: 9, proposals: {candidates: 90, most: 40}}")
    assert anchors_of(program) == {"P3": 288, "P4": 72}
    assert found["anchors"] == 90 + 72
    assert found["overlaps of proposals"] == 90 * 40 + 72 * 40
    assert found["cells of regions"] == 40 * 49 + 100 * 196
    assert found["scores"] == 40 * 8


def test_every_kind_of_head_says_what_answering_costs():
    assert {kind for kind in Head.kinds.values() if kind.__module__.startswith("spinec.")} == set(EFFORTS)


def test_the_source_starts_from_as_many_boxes():
    torch = pytest.importorskip("torch")
    program = lower(load("eff-spinenet-m0"), 128)
    module = import_source(emit(program, "pytorch", ["detect"]), program.name)
    maps = {name: torch.zeros(1, *shape) for name, shape in program.outputs.items()}
    assert len(module.make_anchors(maps)) == sum(anchors_of(program).values())


@pytest.mark.parametrize(
    ("head", "words"),
    [
        ("{kind: centernet, dim: 8, classes: 5}", "finds boxes with one output, got 2"),
        ("{kind: ssd, classes: 5, anchors: [9, 6]}", "9 anchors, and 5 ratios make 6 of them"),
        ("{kind: retinanet, dim: 8, classes: 1}", "its only class is the background"),
    ],
)
def test_what_cannot_answer_is_not_counted_and_the_source_says_the_same(head, words):
    with pytest.raises(BackendError, match=words) as counted:
        steps(head)
    with pytest.raises(BackendError) as emitted:
        emit(lower(loads(SPEC.replace("HEAD", head))), "pytorch", ["detect"])
    assert str(counted.value) == str(emitted.value)


def test_what_answers_nothing_is_told_and_counts_stay_as_they_are(spinec):
    with pytest.raises(BackendError, match="has no head that answers"):
        effort_of(lower(loads(SPEC.replace("head: HEAD", ""))))
    code, out, _ = spinec("cost", "eff-spinenet-d0", "--answers")
    assert (code, "49,104" in out) == (0, True)
    assert f"{cost(lower(load('eff-spinenet-d0'))).macs('conv'):,}" not in out
    code, out, err = spinec("cost", "eff-spinenet-d0", "--answers", "--size", "64,96")
    assert (code, "expected one size" in err) == (2, True)
