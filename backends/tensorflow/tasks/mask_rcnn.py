"""What Mask R-CNN finds in an image (arXiv 1703.06870)."""

from __future__ import annotations

import keras
import tensorflow as tf

from spinec.backends.tensorflow.tasks.boxes import best, clip, decode
from spinec.backends.tensorflow.tasks.proposals import propose
from spinec.backends.tensorflow.tasks.roi import between, crop

CLASSES, BOX_SIZE, MASK_SIZE, LEVEL_BEST = 91, 7, 14, 1000
PROPOSED, WEIGHTS = 1000, (10.0, 10.0, 5.0, 5.0)
SCORE, CANDIDATES, IOU, PER_CLASS, MOST = 0.05, 5000, 0.5, True, 100


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
    if sizes is None:
        sizes = tf.cast(tf.shape(images)[None, 1:3], images.dtype)
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
    boxes, scores, labels = best(boxes, scores, SCORE, CANDIDATES, IOU, PER_CLASS, MOST)
    classes = labels + 1  # class 0 is the background
    masks = of_masks(crop(outputs, boxes, MASK_SIZE), training=False)
    return boxes, scores, classes, tf.sigmoid(of_class(masks, classes))


def of_class(masks: tf.Tensor, classes: tf.Tensor) -> tf.Tensor:
    """Of the masks (N x R, H, W, CLASSES) of regions those of their classes (N, R)."""
    found = tf.gather(masks, tf.reshape(classes, [-1]), axis=3, batch_dims=1)
    return tf.reshape(found, [-1, classes.shape[1], *masks.shape[1:3]])


def paste(masks: tf.Tensor, boxes: tf.Tensor, size: tuple[int, int]) -> tf.Tensor:
    """Which pixels (..., H, W) of images of a size masks (..., h, w) of boxes cover.

    Probabilities above 0.5 do; beyond the mask's outermost pixels they fall to 0.
    """
    shares = []
    for side, (length, cells) in enumerate(zip(size, masks.shape[-2:], strict=True)):
        start, end = boxes[..., side, None], boxes[..., side + 2, None]
        pixels = tf.range(length, dtype=boxes.dtype) + 0.5
        place = (pixels - start) / tf.maximum(end - start, 1e-8) * cells - 0.5
        shares.append(between(place, cells))
    return shares[0] @ tf.matmul(masks, shares[1], transpose_b=True) > 0.5
