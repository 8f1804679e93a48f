"""TensorFlow by Keras 3: `emit` needs no framework, the others load it."""

from collections.abc import Callable

from spinec.backends.tensorflow.answers import answering
from spinec.backends.tensorflow.checkpoints import CHECKPOINTS, read_checkpoint, write_checkpoint
from spinec.backends.tensorflow.export import EXPORTS
from spinec.backends.tensorflow.framework import lacks_memory
from spinec.backends.tensorflow.learner import learner, settle
from spinec.backends.tensorflow.live import build, precision, run, taps
from spinec.backends.tensorflow.observe import observe
from spinec.backends.tensorflow.printer import emit
from spinec.backends.tensorflow.processes import join
from spinec.backends.tensorflow.train import train_step
from spinec.backends.tensorflow.weights import read_weights, write_weights

MEASURES: dict[str, Callable[..., float]] = {}

__all__ = [
    "CHECKPOINTS",
    "EXPORTS",
    "MEASURES",
    "answering",
    "build",
    "emit",
    "join",
    "lacks_memory",
    "learner",
    "observe",
    "precision",
    "read_checkpoint",
    "read_weights",
    "run",
    "settle",
    "taps",
    "train_step",
    "write_checkpoint",
    "write_weights",
]
