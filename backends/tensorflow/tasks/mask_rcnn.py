"""What Mask R-CNN finds in images and is to learn (arXiv 1703.06870)."""

from __future__ import annotations

import keras
import tensorflow as tf

from spinec.backends.tensorflow.tasks.boxes import best, clip, decode
from spinec.backends.tensorflow.tasks.candidates import limit
from spinec.backends.tensorflow.tasks.proposals import propose
from spinec.backends.tensorflow.tasks.reframe import reframe
from spinec.backends.tensorflow.tasks.regions import (
    draw_regions,
    mean_of,
    proposal_losses,
    region_losses,
)
from spinec.backends.tensorflow.tasks.roi import crop
from spinec.backends.tensorflow.tasks.rows import in_rows

CLASSES, BOX_SIZE, MASK_SIZE, MASK_SAMPLES = 91, 7, 14, 128
LEVEL_BEST, TRAINING_BEST, PROPOSED, WEIGHTS = 1000, 2000, 1000, (10.0, 10.0, 5.0, 5.0)
SCORE, CANDIDATES, IOU, PER_CLASS, MOST = 0.05, 5000, 0.5, True, 100
SOFT = 0.0


def parts(model: keras.Model) -> list[keras.Model]:
    """A model in three, which share its layers: of images, of box and of mask crops."""
    maps = dict(model.output)
    box = {name: maps.pop(name) for name in ("crop_class", "crop_box")}
    given = zip(model.inputs, (maps, box, maps.pop("crop_mask")), strict=True)
    return [keras.Model(image, found) for image, found in given]


def detect(
    model: keras.Model, images: tf.Tensor, sizes: tf.Tensor | None = None
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]:
    """Boxes (N, MOST, 4), scores and classes (N, MOST), and a mask of every box.

    A score of 0 stands for none. Masks are probabilities of a box's pixels, which
    `paste` puts into images. `sizes` (N, 2) says how many rows and columns are image,
    the rest being padding.
    """
    sizes = whole(images) if sizes is None else sizes
    of_images, of_boxes, of_masks = parts(model)
    outputs = of_images(images, training=False)
    regions, sure = propose(outputs, sizes, LEVEL_BEST)
    found = of_boxes(crop(outputs, regions, BOX_SIZE), training=False)
    logits = tf.reshape(found["crop_class"], [-1, PROPOSED, CLASSES])
    scores = tf.nn.softmax(logits)[..., 1:]
    deltas = tf.reshape(found["crop_box"], [-1, PROPOSED, CLASSES, 4])[..., 1:, :]
    deltas = deltas / tf.constant(WEIGHTS, deltas.dtype)
    boxes = decode(deltas, regions[:, :, None])
    boxes = clip(tf.reshape(boxes, [-1, PROPOSED * (CLASSES - 1), 4]), sizes)
    scores = tf.where(sure[..., None] > 0, scores, tf.zeros_like(scores))
    scores = limit(scores, outputs)
    boxes, scores, labels = best(
        boxes, scores, SCORE, CANDIDATES, IOU, PER_CLASS, MOST, SOFT
    )
    classes = labels + 1  # class 0 is the background
    masks = of_masks(crop(outputs, boxes, MASK_SIZE), training=False)
    return boxes, scores, classes, tf.sigmoid(of_class(masks, classes))


def whole(images: tf.Tensor) -> tf.Tensor:
    """The rows and columns (1, 2) of images that are not padded."""
    return tf.cast(tf.shape(images)[None, 1:3], images.dtype)


def of_class(masks: tf.Tensor, classes: tf.Tensor) -> tf.Tensor:
    """Of the masks (N x R, H, W, CLASSES) of regions those of their classes (N, R)."""
    found = tf.gather(masks, tf.reshape(classes, [-1]), axis=3, batch_dims=1)
    return tf.reshape(found, [-1, classes.shape[1], *masks.shape[1:3]])


def paste(masks: tf.Tensor, boxes: tf.Tensor, size: tuple[int, int]) -> tf.Tensor:
    """Which pixels (..., H, W) of an image of a size the masks of boxes cover."""
    image = tf.constant([0, 0, *size], boxes.dtype)
    return reframe(masks, boxes, image, size) > 0.5


def loss(
    model: keras.Model,
    images: tf.Tensor,
    boxes: tf.Tensor,
    classes: tf.Tensor,
    masks: tf.Tensor,
    sizes: tf.Tensor | None = None,
    noise: tuple[tf.Tensor, tf.Tensor] | None = None,
    training: bool = True,
) -> dict[str, tf.Tensor]:
    """The losses of proposals, of the classes and boxes of regions, and of masks.

    Boxes (N, M, 4) have classes (N, M) and masks (N, M, H, W) of what is in the box, of
    any height and width. A class below 1 stands for no box, as a box of no area does.
    What learns is drawn at random: the anchors by the first `noise` (N, anchors), the
    regions by the second (N, PROPOSED + M), numbers from 0 to 1.
    """
    sizes = whole(images) if sizes is None else sizes
    of_images, of_boxes, of_masks = parts(model)
    outputs = of_images(images, training=training)
    anchors = in_rows(outputs, "objectness", 1).shape[1]
    of_anchors, of_regions = noise or (
        tf.random.uniform([tf.shape(images)[0], number], dtype=images.dtype)
        for number in (anchors, PROPOSED + boxes.shape[1])
    )
    boxes = tf.pad(boxes, [[0, 0], [0, 1], [0, 0]])  # at least one, which is none
    classes = tf.pad(classes, [[0, 0], [0, 1]])
    masks = tf.pad(masks, [[0, 0], [0, 1], [0, 0], [0, 0]])
    real = (classes > 0) & tf.reduce_all(boxes[..., 2:] > boxes[..., :2], -1)
    score_loss, anchor_loss = proposal_losses(outputs, boxes, real, of_anchors)

    proposals, sure = propose(outputs, sizes, TRAINING_BEST)
    of_regions = tf.pad(of_regions, [[0, 0], [0, 1]])
    regions, which, positive, judged = draw_regions(
        proposals, sure > 0, boxes, real, of_regions
    )
    labels = tf.gather(classes, which, batch_dims=1)
    labels = tf.where(positive, labels, tf.zeros_like(labels))
    known = tf.gather(boxes, which, batch_dims=1)
    found = of_boxes(crop(outputs, regions, BOX_SIZE), training=training)
    class_loss, box_loss = region_losses(found, labels, regions, known, judged)

    regions, which, labels, known = (
        each[:, :MASK_SAMPLES] for each in (regions, which, labels, known)
    )
    logits = of_masks(crop(outputs, regions, MASK_SIZE), training=training)
    logits = of_class(logits, labels)
    own = tf.cast(tf.gather(masks, which, batch_dims=1), logits.dtype)
    goals = reframe(own, known, regions, logits.shape[2:])
    entropy = tf.nn.sigmoid_cross_entropy_with_logits(goals, logits)
    mask_loss = mean_of(tf.reduce_mean(entropy, [2, 3]), labels > 0)
    losses = {
        "objectness": score_loss,
        "deltas": anchor_loss,
        "class": class_loss,
        "box": box_loss,
        "mask": mask_loss,
    }
    return {"loss": tf.add_n([*losses.values()]), **losses}
