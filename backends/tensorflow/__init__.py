"""TensorFlow by Keras 3: `emit` needs no framework, the others load it."""

from spinec.backends.tensorflow.live import build, run, taps
from spinec.backends.tensorflow.printer import emit
from spinec.backends.tensorflow.weights import read_weights, write_weights

__all__ = ["build", "emit", "read_weights", "run", "taps", "write_weights"]
