"""How good answers are: figures known by hand, those of pycocotools, and those of both frameworks."""

import contextlib
import io
from dataclasses import replace
from functools import partial

import coco_sets
import numpy as np
import pytest

Image = pytest.importorskip("PIL.Image")
pytest.importorskip("faster_coco_eval")

from spinec import loads, lower, open_data  # noqa: E402
from spinec.backends.backend import backend  # noqa: E402
from spinec.backends.sample import sample  # noqa: E402
from spinec.spec.errors import DataError  # noqa: E402
from spinec.train.data.examples import Example, Numbering  # noqa: E402
from spinec.train.data.masks import Polygons, mask_of  # noqa: E402
from spinec.train.evaluation.boxes import boxes_judged  # noqa: E402
from spinec.train.evaluation.detections import Detection, edges, truths_of  # noqa: E402
from spinec.train.evaluation.judge import judge  # noqa: E402
from spinec.train.evaluation.pixels import confused  # noqa: E402
from spinec.train.evaluation.precision import FIGURES  # noqa: E402
from spinec.train.sets.made import make_set  # noqa: E402

SPEC = """name: small
input: {size: [64, 64]}
defaults: {kind: conv}
blocks:
  p3: {level: 3, dim: 8, inputs: [image]}
  p4: {level: 4, dim: 8, inputs: [p3]}
outputs: {P3: p3, P4: p4}
head: HEAD
"""


class Listed:
    """Examples in a list."""

    name = "listed"

    def __init__(self, examples, task="detection", names=("cat", "dog"), ids=(3, 7)):
        self.examples, self.task, self.numbering = examples, task, Numbering(names, ids, {})

    def __len__(self):
        return len(self.examples)

    def __getitem__(self, position):
        return self.examples[position]


def blank(height, width):
    return Image.new("RGB", (width, height))


def thing(number, box, **more):
    return {"number": number, "box": box, "crowd": False, "area": None, **more}


def example(name, things=(), size=(200, 300), *, masks=False):
    """A picture with things in it, their boxes as top, left, bottom and right edge."""
    boxes = np.array([each["box"] for each in things], np.float32).reshape(-1, 4)
    sides = (boxes[:, 2:] - boxes[:, :2]).astype(np.float64)
    areas = [own["area"] or area for own, area in zip(things, sides.prod(1).tolist(), strict=True)]
    return Example(
        name,
        str(name),
        partial(blank, *size),
        size,
        boxes,
        np.array([each["number"] for each in things], np.int64),
        np.array([each["crowd"] for each in things], bool),
        np.array(areas, np.float64),
        partial(outlines, boxes) if masks else None,
    )


def outlines(boxes):
    corners = [[(left, top), (right, top), (right, bottom), (left, bottom)] for top, left, bottom, right in boxes]
    return [Polygons((np.array(each, np.float64),)) for each in corners]


def found(position, number, box, score, mask=None):
    return Detection(position, number, edges(np.array([box], np.float32))[0], score, mask)


def judged(data, detections, **options):
    return boxes_judged(data, dict(enumerate(data.examples)), detections, **options)


BOX = (20.0, 30.0, 60.0, 130.0)  # 40 x 100 pixels: medium


def test_what_is_found_exactly_has_a_precision_of_1():
    things = [thing(0, BOX), thing(1, (100.0, 0.0, 110.0, 20.0)), thing(1, (80.0, 100.0, 199.0, 299.0))]
    data = Listed([example(1, things), example(2), example(3, things[:1])])
    verdict = judged(
        data,
        [found(at, each["number"], each["box"], 0.9) for at, own in ((0, things), (2, things[:1])) for each in own],
    )
    assert verdict.figures == {
        **dict.fromkeys(FIGURES, 1.0),
        "AR1": 0.75,
    }  # of two dogs in a picture, one; and all cats
    assert [(each.name, each.number, each.id, each.there) for each in verdict.classes] == [
        ("cat", 0, 3, 2),
        ("dog", 1, 7, 2),
    ]
    assert verdict.classes[0].figures["APs"] is None  # there is no small cat
    assert verdict.classes[1].figures["AR1"] == 0.5
    assert (verdict.images, verdict.score) == (3, 1.0)


@pytest.mark.parametrize(
    ("overlap", "passed"), [(0.51, 1), (0.54, 1), (0.62, 3), (0.77, 6), (0.94, 9), (0.96, 10), (0.49, 0)]
)
def test_what_is_found_beside_its_place_has_the_precision_of_its_overlap(overlap, passed):
    """Of a box moved by a share m of its width, (1 - m) / (1 + m) is shared; it counts at the overlaps below that."""
    share = (1 - overlap) / (1 + overlap)
    top, left, bottom, right = BOX
    moved = (top, left + share * 100, bottom, right + share * 100)
    figures = judged(Listed([example(1, [thing(0, BOX)])]), [found(0, 0, moved, 0.3)]).figures
    assert figures["AP"] == figures["AR100"] == figures["APm"] == pytest.approx(passed / 10, abs=1e-12)
    assert figures["AP50"] == float(overlap > 0.5)
    assert figures["AP75"] == float(overlap > 0.75)
    assert figures["APs"] is None


def test_a_surer_mistake_costs_precision():
    data = Listed([example(1, [thing(0, BOX)])])
    sure, unsure = found(0, 0, BOX, 0.5), found(0, 0, (100.0, 0.0, 120.0, 20.0), 0.4)
    assert judged(data, [sure, unsure]).figures["AP"] == 1
    assert judged(data, [sure, unsure._replace(score=0.6)]).figures["AP"] == 0.5
    assert judged(data, [sure._replace(number=1)]).figures["AP"] == 0
    twice = judged(Listed([example(1, [thing(0, BOX), thing(1, BOX)])]), [sure])
    assert (twice.figures["AP"], [each.figures["AP"] for each in twice.classes]) == (0.5, [1.0, 0.0])


def test_nothing_found_is_0_and_nothing_there_is_no_figure():
    assert judged(Listed([example(1, [thing(0, BOX)]), example(2)]), []).score == 0
    nothing = judged(Listed([example(1), example(2)]), [found(0, 0, BOX, 0.5)])
    assert set(nothing.figures.values()) == {None}
    assert judged(Listed([example(1)]), []).score is None


def test_what_is_found_in_a_crowd_is_not_judged():
    crowd = thing(0, (0.0, 0.0, 200.0, 300.0), crowd=True)
    data = Listed([example(1, [thing(0, BOX), crowd])])
    inside = [found(0, 0, (100.0, 100.0 + i, 150.0, 150.0 + i), 0.99) for i in range(20)]
    verdict = judged(data, [*inside, found(0, 0, BOX, 0.5)])
    assert verdict.figures["AP"] == 1
    assert verdict.classes[0].there == 1


def test_pictures_are_in_the_order_of_their_ids():
    """Of things that are as sure, those in the first picture count first: numbers in their order, then texts."""
    data = Listed([example(name) for name in ("b", 10, "a", 2)])
    truths = truths_of(dict(enumerate(data.examples)), masks=False)
    assert sorted(truths.order, key=truths.order.__getitem__) == [3, 1, 2, 0]


def test_sizes_are_those_that_the_data_set_says():
    data = Listed([example(1, [thing(0, BOX, area=900.0)])])  # of the 4,000 pixels of the box
    figures = judged(data, [found(0, 0, BOX, 0.5)]).figures
    assert (figures["APs"], figures["APm"]) == (1.0, None)


def noisy(draw, number=40, masks=False):
    """Pictures with random things, and what was found of them: moved, doubled, of other classes, at random."""
    examples, detections = [], []
    ids = draw.permutation(1000)[:number].tolist()
    for position, name in enumerate(ids):
        size = tuple(int(side) for side in draw.integers(60, 400, 2))
        things = []
        for _ in range(int(draw.integers(0, 6)) if position % 5 else 0):
            corner = draw.random(2) * np.array(size) * 0.7
            side = 4 + draw.random(2) ** 2 * (np.array(size) - corner - 4)
            box = np.round([*corner, *np.minimum(corner + side, size)], 2)
            area = float(np.prod(box[2:] - box[:2]) * (0.3 + 0.7 * draw.random()))
            things.append(
                thing(int(draw.integers(3)), tuple(box.tolist()), crowd=bool(draw.random() < 0.15), area=area)
            )
            for _ in range(int(draw.integers(0, 4))):
                moved = box + draw.normal(size=4) * 0.12 * np.tile(side, 2)
                moved = np.clip(moved, 0, np.tile(size, 2))
                number_ = things[-1]["number"] if draw.random() < 0.8 else int(draw.integers(3))
                if (moved[2:] - moved[:2] > 1).all():
                    score = float(np.round(draw.random(), 2))  # so that some are as sure
                    detections.append(found(position, number_, moved.tolist(), score))
        examples.append(example(name, things, size, masks=masks))
    return Listed(examples, names=("cat", "dog", "", "bird", "fish"), ids=(3, 7, 1, -1, 9)), detections


def of_pycocotools(data, detections, kind):
    """The twelve figures as their authors' code has them, from the data set's numbers."""
    coco = pytest.importorskip("pycocotools.coco")
    from pycocotools.cocoeval import COCOeval

    there = [
        {
            "image_id": each.id,
            "category_id": data.numbering.ids[number],
            "bbox": list(box),
            "area": area,
            "iscrowd": int(crowd),
            "segmentation": [corners.rings[0].ravel().tolist() for corners in [outline]],
        }
        for each in data.examples
        for number, box, area, crowd, outline in zip(
            each.classes, edges(each.boxes), each.areas, each.crowd, outlines(each.boxes), strict=True
        )
    ]
    entries = [
        {"image_id": data[each.position].id, "category_id": data.numbering.ids[each.number], "score": each.score}
        | ({"bbox": list(each.box)} if kind == "bbox" else {"segmentation": dict(each.mask)})
        for each in detections
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        truth = coco.COCO()
        truth.dataset = {
            "images": [{"id": each.id, "height": each.size[0], "width": each.size[1]} for each in data.examples],
            "annotations": [{"id": i, **each} for i, each in enumerate(there, 1)],
            "categories": [{"id": each, "name": "c"} for each in data.numbering.ids if each >= 0],
        }
        truth.createIndex()
        told = COCOeval(truth, truth.loadRes(entries), kind)
        told.evaluate()
        told.accumulate()
        told.summarize()
    return [None if value == -1 else value for value in told.stats.tolist()]


@pytest.mark.parametrize("seed", range(6))
def test_the_twelve_are_those_of_pycocotools(seed):
    data, detections = noisy(np.random.default_rng(seed))
    figures = judged(data, detections).figures
    assert list(figures) == list(FIGURES)
    assert list(figures.values()) == pytest.approx(of_pycocotools(data, detections, "bbox"), abs=1e-12)
    assert 0.1 < figures["AP"] < 0.9


@pytest.mark.parametrize("seed", range(3))
def test_the_twelve_of_masks_are_those_of_pycocotools(seed):
    from spinec.train.evaluation.precision import encoded

    draw = np.random.default_rng(seed)
    data, detections = noisy(draw, masks=True)

    def masked(each):
        height, width = data[each.position].size
        left, top, wide, high = each.box
        pixels = np.zeros((height, width), bool)
        pixels[round(top) : round(top + high), round(left) : round(left + wide)] = True
        pixels &= draw.random((height, width)) < 0.95
        return each._replace(mask=encoded(pixels[None])[0])

    detections = [masked(each) for each in detections]
    figures = judged(data, detections, masks=True).figures
    assert list(figures) == [*FIGURES, *(f"mask {name}" for name in FIGURES)]
    assert list(figures.values())[:12] == pytest.approx(of_pycocotools(data, detections, "bbox"), abs=1e-12)
    assert list(figures.values())[12:] == pytest.approx(of_pycocotools(data, detections, "segm"), abs=1e-12)
    assert 0.1 < figures["mask AP"] < 0.9


def test_of_a_file_of_cocos_form_the_twelve_are_those_of_the_file(tmp_path):
    """From the JSON itself, polygons and crowds: what the data set gives is what the file says."""
    coco = pytest.importorskip("pycocotools.coco")
    from pycocotools.cocoeval import COCOeval

    listed = coco_sets.listing(9, 4)
    for each in listed["annotations"]:
        each["id"] += 1  # an id of 0 stands for "none" in pycocotools
    data = open_data(coco_sets.write(tmp_path, listed))
    draw = np.random.default_rng(0)
    detections = [
        found(position, int(number), box + draw.normal(size=4) * 2, float(draw.random()))
        for position in range(len(data))
        for number, box in zip(data[position].classes, data[position].boxes, strict=True)
    ]
    figures = boxes_judged(data, {i: data[i] for i in range(len(data))}, detections).figures
    entries = [
        {"image_id": data[each.position].id, "category_id": data.numbering.ids[each.number], "bbox": list(each.box)}
        | {"score": each.score}
        for each in detections
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        truth = coco.COCO(str(tmp_path / "annotations" / "instances_train.json"))
        told = COCOeval(truth, truth.loadRes(entries), "bbox")
        told.evaluate()
        told.accumulate()
        told.summarize()
    assert list(figures.values()) == pytest.approx([None if each == -1 else each for each in told.stats], abs=1e-12)


# -- of networks


def told_boxes(data, grow=lambda boxes: boxes):
    """An answer that finds in the pictures, which it sees one after the other, what is there."""
    seen = []

    def answer(images, sizes):
        position = len(seen)
        rows = []
        for image, (high, wide) in zip(images, sizes, strict=True):
            own = data[min(position + len(rows), len(data) - 1)]
            scale = np.tile(np.array([high, wide]) / np.array(own.size), 2)
            boxes = np.tile(np.array([0, 0, high, wide], np.float32), (6, 1))  # of no score, and so none
            boxes[: len(own.boxes)] = grow(own.boxes) * scale
            boxes[5] = [high, wide, high, wide]  # in the padding
            labels = np.zeros(6, np.int64)
            labels[: len(own.boxes)] = own.classes
            scores = np.array([0.5] * len(own.boxes) + [0.0] * (5 - len(own.boxes)) + [0.9], np.float32)
            assert not image[:, int(high) :].any()
            rows.append((boxes, scores, labels))
        seen.extend(rows)
        return tuple(np.stack(each) for each in zip(*rows, strict=True))

    return answer


def test_boxes_are_judged_in_pixels_of_the_pictures():
    sizes = [(200, 300), (100, 50), (640, 480), (64, 64), (50, 200)]
    data = Listed([example(i, [thing(i % 2, (5.0, 10.0, 45.0, 40.0))], size) for i, size in enumerate(sizes)])
    progress = []
    verdict = judge(told_boxes(data), data, (3, 64, 96), batch=2, told=progress.append)
    assert verdict.score == 1
    assert progress == [2, 4, 5]
    assert (verdict.images, len(verdict.detections)) == (5, 5)
    assert judge(told_boxes(data), data, (3, 64, 96), batch=2, limit=3).images == 3
    assert judge(told_boxes(data), data, (3, 64, 96), batch=8, limit=1).images == 1
    assert judge(told_boxes(data), data, (3, 64, 96), batch=8, limit=99).images == 5
    assert judge(told_boxes(data, lambda boxes: boxes * 1.05), data, (3, 64, 96)).score < 0.9


def test_classes_that_the_data_set_does_not_have_are_left_out():
    data = Listed([example(1, [thing(0, BOX)])], names=("cat", ""), ids=(3, -1))

    def answer(images, sizes):
        whole = np.tile(np.concatenate([np.zeros_like(sizes), sizes], 1)[:, None], (1, 3, 1))
        return whole, np.full((1, 3), 0.9, np.float32), np.array([[1, 2, 0]])

    assert [each.number for each in judge(answer, data, (3, 64, 64)).detections] == [0]


def test_masks_are_judged_where_both_have_them():
    data = Listed([example(1, [thing(0, BOX)], masks=True)])
    halved = np.zeros((1, 200, 300), bool)
    halved[:, 20:60, 30:100] = True  # 7 tenths

    def answer(images, sizes):
        scale = np.tile(sizes / np.array([[200, 300]]), 2).astype(np.float32)
        return np.array([[BOX]], np.float32) * scale, np.array([[0.9]]), np.array([[0]]), np.ones((1, 1, 28, 28))

    def use(name, masks, boxes, size):
        assert (name, masks.shape, boxes.shape, size) == ("paste", (1, 28, 28), (1, 4), (200, 300))
        return halved

    verdict = judge(answer, data, (3, 64, 64), use=use)
    assert verdict.figures["AP"] == 1
    assert verdict.figures["mask AP"] == 0.5  # at 0.5, 0.55, 0.6, 0.65 and 0.7
    assert list(judge(answer, data, (3, 64, 64)).figures) == list(FIGURES)
    bare = Listed([replace(data[0], read_masks=None)])
    assert list(judge(answer, bare, (3, 64, 64), use=use).figures) == list(FIGURES)


def of_class(name, label, size=(40, 40)):
    return Example(name, name, partial(blank, *size), size, label=label)


def test_the_likeliest_class_and_one_of_five():
    names = tuple("abcdefg")
    data = Listed([of_class(str(i), i % 7) for i in range(9)], "classification", names, tuple(range(7)))

    def answer(images):
        """Classes 1, 0, 2, 3, 4 whatever is seen."""
        told = np.tile([1, 0, 2, 3, 4], (len(images), 1))
        return np.full(told.shape, 0.2, np.float32), told

    verdict = judge(answer, data, (3, 32, 32), batch=4)
    assert verdict.figures == {"top-1": 2 / 9, "top-5": 7 / 9}  # of 0 and 1 there are two
    assert [each.figures for each in verdict.classes[:3]] == [
        {"top-1": 0, "top-5": 1},
        {"top-1": 1, "top-5": 1},
        {"top-1": 0, "top-5": 1},
    ]
    assert verdict.classes[6].figures == {"top-1": 0, "top-5": 0}
    assert [each.there for each in verdict.classes] == [2, 2, 1, 1, 1, 1, 1]
    limited = judge(answer, data, (3, 32, 32), batch=4, limit=1)
    assert (limited.images, limited.figures["top-1"]) == (1, 0)
    assert limited.classes[3].figures == {"top-1": None, "top-5": None}


def test_of_fewer_than_five_classes_one_of_five_is_always_right():
    data = Listed([of_class(str(i), i % 3) for i in range(6)], "classification", tuple("abc"), (0, 1, 2))
    program = lower(loads(SPEC.replace("HEAD", "{kind: classification, classes: [a, b, c]}")))
    pytest.importorskip("torch")
    live = backend("pytorch").answering(program, ["classify"], sample(program).weights, 0)
    figures = judge(live.answer, data, program.input_shape).figures
    assert figures["top-5"] == 1
    assert figures["top-1"] == pytest.approx(1 / 3)  # all pictures are the same


def mapped(name, values):
    values = np.array(values, np.uint8)
    return Example(name, name, partial(blank, *values.shape), values.shape, read_map=lambda: values)


def test_areas_by_a_confusion_matrix_made_by_hand():
    truth = [[0, 0, 1, 255], [0, 1, 1, 2]]
    told = [[0, 1, 1, 2], [0, 1, 0, 9]]  # 9 is none of the data set's classes
    assert confused(np.array(truth), np.array(told), 3).tolist() == [[2, 1, 0, 0], [1, 2, 0, 0], [0, 0, 0, 1]]
    data = Listed([mapped("a", truth)], "segmentation", ("sky", "tree", "car", "unseen"), (0, 1, 2, 3))
    seen = []

    def answer(images, size):
        seen.append((images.shape, size))
        return (np.pad(np.array(told), ((0, size[0] - 2), (0, size[1] - 4)))[None],)

    verdict = judge(answer, data, (3, 64, 64))
    assert seen == [((1, 3, 64, 64), (4, 4))]  # the padded picture at its own scale
    assert [each.figures["IoU"] for each in verdict.classes] == [2 / 4, 2 / 4, 0, None]
    assert [each.figures["accuracy"] for each in verdict.classes] == [2 / 3, 2 / 3, 0, None]
    assert [each.there for each in verdict.classes] == [3, 3, 1, 0]
    assert verdict.figures == {"mIoU": pytest.approx(1 / 3), "pixel accuracy": 4 / 7}


def test_of_several_pictures_there_is_one_confusion_matrix():
    data = Listed([mapped("a", np.zeros((8, 8))), mapped("b", np.ones((2, 2)))], "segmentation")
    answer = lambda images, size: (np.zeros((1, *size), np.int64),)  # noqa: E731
    figures = judge(answer, data, (3, 32, 32), batch=2).figures
    assert figures == {"mIoU": pytest.approx((64 / 68 + 0) / 2), "pixel accuracy": 64 / 68}
    wrong = Listed([replace(data[0], read_map=lambda: np.zeros((3, 4), np.uint8))], "segmentation")
    with pytest.raises(DataError, match=r"a: 8 x 8 pixels \(height x width\), and its map of classes 3 x 4"):
        judge(answer, wrong, (3, 32, 32))


HEADS = {
    "digits": ("detect", "{kind: retinanet, dim: 8, layers: 0, classes: 11, detections: {score: 0, most: 20}}"),
    "masks": (
        "detect",
        "{kind: mask_rcnn, dim: 8, classes: 11, hidden: [8], box_layers: 0, mask_layers: 0, detections: {score: 0}}",
    ),
    "digits-classes": ("classify", "{kind: classification, classes: 10}"),
    "maps": ("segment", "{kind: segmentation, dim: 8, layers: 1, classes: 3}"),
}


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    for needed in ("torch", "tensorflow", "sklearn"):  # in this order: the last does not load beside an absent torch
        pytest.importorskip(needed)
    folder = tmp_path_factory.mktemp("sets")
    make_set("digits", folder / "digits", train=1, val=10, size=72)
    make_set("digits-classes", folder / "digits-classes", size=16)
    return folder


def as_found(data, detections):
    """The same pictures, in which is what was found, every other thing moved by a tenth of its size."""
    examples = []
    for position in range(len(data)):
        own = [each for each in detections if each.position == position][:8]
        left, top, wide, high = np.array([each.box for each in own]).reshape(-1, 4).T
        moved = np.arange(len(own)) % 2 / 10
        boxes = np.stack([top, left + wide * moved, top + high, left + wide + wide * moved], 1).astype(np.float32)
        masks = [mask_of(each.mask) for each in own if each.mask]
        examples.append(
            replace(
                data[position],
                boxes=boxes,
                classes=np.array([each.number for each in own], np.int64),
                crowd=np.zeros(len(own), bool),
                areas=wide * high,
                read_masks=(lambda masks=masks: masks) if masks else None,
            )
        )
    return Listed(examples, names=data.numbering.names, ids=data.numbering.ids)


@pytest.mark.parametrize("which", HEADS)
def test_both_frameworks_have_the_same_figures(sets, which):
    part, head = HEADS[which]
    program = lower(loads(SPEC.replace("HEAD", head)))
    if which == "maps":
        draw = np.random.default_rng(0)
        maps = [mapped(str(i), draw.integers(0, 3, (50, 40 + i))) for i in range(4)]
        data = Listed(maps, "segmentation", ("a", "b", "c"), (0, 1, 2))
    else:
        data = open_data(sets / which.replace("masks", "digits"), "val", head=program.spec.head)
    parts = (part, "paste") if which == "masks" else (part,)
    weights = sample(program).weights
    lives = [backend(name).answering(program, parts, weights, 0) for name in ("pytorch", "tensorflow")]

    def verdict(data, live):
        return judge(live.answer, data, program.input_shape, use=live.use, batch=20)

    if part == "detect":  # the weights are random: what they find, but for some of it, is made the truth
        data = as_found(data, verdict(data, lives[0]).detections)
    one, other = (verdict(data, live) for live in lives)
    assert ("mask AP" in one.figures) == (which == "masks")
    assert [each.there for each in one.classes] == [each.there for each in other.classes]
    for first, second in zip((one, *one.classes), (other, *other.classes), strict=True):
        assert first.figures == pytest.approx(second.figures, abs=1e-3)
    assert 0.05 < one.score < 0.95


def test_what_a_network_takes_must_be_a_picture():
    with pytest.raises(DataError, match="the network takes 4 channels, and a data set's pictures have 1"):
        judge(None, Listed([example(1)]), (4, 64, 64))


def test_without_the_package_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "faster_coco_eval", None)
    with pytest.raises(DataError, match=r"faster-coco-eval, .*: pip install 'spinec\[train\]'"):
        judge(None, Listed([example(1)]), (3, 64, 64))
