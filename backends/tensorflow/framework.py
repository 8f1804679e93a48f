"""Loading the framework: when it is asked for, and quietly."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType

from spinec.backends.installed import check_installed


def check_keras() -> None:
    """Keras and TensorFlow are there.

    Raises:
        BackendError: when either is not installed.
    """
    for module in ("keras", "tensorflow"):
        check_installed(module, "TensorFlow", "tensorflow")


def load_keras() -> ModuleType:
    """The `keras` module on TensorFlow.

    Raises:
        BackendError: when either is not installed.
    """
    check_keras()
    if "tensorflow" not in sys.modules:
        _import_quietly()
    return import_module("keras")


def lacks_memory(error: Exception) -> bool:
    """Whether an error says that there was too little memory."""
    load_keras()
    import tensorflow as tf

    return isinstance(error, tf.errors.ResourceExhaustedError)


def _import_quietly() -> None:
    """Import TensorFlow without the remarks on this machine that its C++ side writes while it starts."""
    with quiet():
        tensorflow = import_module("tensorflow")
        if "TF_CONFIG" not in os.environ:  # its processes are to meet before the first op
            tensorflow.constant(0)  # the first op starts the runtime


@contextmanager
def quiet() -> Iterator[None]:
    """Keep what TensorFlow's C++ side writes from the terminal."""
    sys.stderr.flush()
    kept = os.dup(2)
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
